"""What the estimators are before anything is trained: parameters, refusals, divisions by group."""

import inspect
import pickle
import subprocess
import sys

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils import get_tags

import advisor
from advisor.data.splitting import FRACTIONS
from advisor.interfaces.sklearn.frames import checked_rows, kinds_of, parts_by_group
from advisor.interfaces.sklearn.parameters import OWN
from advisor.problem import FACTS

ESTIMATORS = (advisor.AdvisedClassifier, advisor.AdvisedRegressor)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_parameters_are_the_fields_of_a_problem_and_how_it_is_trained(estimator):
    assert set(inspect.signature(estimator).parameters) == (set(FACTS) - {"task"}) | set(OWN)
    made = estimator(hidden_layers=3, max_epochs=7)
    assert (clone(made).hidden_layers, clone(made).max_epochs) == (3, 7)
    assert made.get_params()["sparsity"] is None
    assert repr(made) == f"{estimator.__name__}(hidden_layers=3, max_epochs=7)"


def test_a_parameter_that_is_none_is_refused_by_its_name():
    with pytest.raises(TypeError, match="has no parameter 'hiden_layers'; it has: architecture"):
        advisor.AdvisedClassifier(hiden_layers=3)


def test_importing_advisor_imports_neither_framework_nor_scikit_learn():
    code = "import sys, advisor; dir(advisor); print(sorted({'sklearn', 'keras', 'tensorflow'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_tags_say_what_is_taken(estimator):
    tags = get_tags(estimator())
    assert tags.input_tags.allow_nan
    assert not tags.input_tags.sparse
    assert tags.target_tags.required


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_nothing_is_predicted_or_delivered_before_fit(estimator):
    with pytest.raises(NotFittedError):
        estimator().predict(np.zeros((3, 2)))
    with pytest.raises(AttributeError, match="isn't fitted yet"):
        _ = estimator().run_
    assert pickle.loads(pickle.dumps(estimator(units=5))).units == 5


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize(
    ("x", "message"),
    [
        (sparse.csr_array(np.eye(30)), "[Ss]parse"),
        (np.zeros((30, 0)), r"0 feature\(s\)"),
        (np.full((30, 2), np.inf), "infinity"),
        (pd.DataFrame({"a": [np.inf] * 30}), "infinity, in column 'a'"),
        (pd.DataFrame({"a": []}), r"0 sample\(s\)"),
        (np.zeros((4, 2)), "minimum of 5 samples"),
        (np.zeros(30), "Reshape your data"),
    ],
)
def test_rows_that_can_not_be_used_are_refused_before_training(estimator, x, message):
    y = np.arange(len(x) if not sparse.issparse(x) else 30) % 2
    with pytest.raises((ValueError, TypeError), match=message):
        estimator().fit(x, y)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.ones(30), "one class"),
        (np.linspace(0, 1, 30), "Unknown label type: continuous"),
        (np.array(["a", ""] * 15, dtype=object), "told apart by their text"),
        (np.array([0.0, np.nan] * 15), "NaN"),
        (np.arange(29) % 2, "inconsistent"),
    ],
)
def test_targets_that_are_no_classes_are_refused(y, message):
    with pytest.raises(ValueError, match=message):
        advisor.AdvisedClassifier().fit(np.random.default_rng(0).normal(size=(30, 2)), y)


def test_a_problem_s_field_is_checked_when_fitting():
    with pytest.raises(ValueError, match="is not one of its values"):
        advisor.AdvisedClassifier(sparsity="spars").fit(np.random.default_rng(0).normal(size=(30, 2)), [0, 1] * 15)


def test_rows_of_a_dataframe_keep_their_names_and_their_kinds():
    estimator = advisor.AdvisedClassifier()
    x = pd.DataFrame({"size": [1.0, np.nan], "kind": ["flat", None], "row": [1, 2], "nothing": [np.nan, np.nan]})
    frame = checked_rows(estimator, x, reset=True)
    assert frame.columns == ["size", "kind", "row", "nothing"]
    assert estimator.feature_names_in_.tolist() == frame.columns
    assert estimator.n_features_in_ == 4
    assert frame["size"].null_count() == 1
    assert kinds_of(frame) == {"size": "numeric", "row": "numeric", "nothing": "ignored"}
    with pytest.raises(ValueError, match="feature names should match"):
        checked_rows(estimator, x.rename(columns={"size": "area"}), reset=False)


@pytest.mark.parametrize("make", [np.asarray, lambda x: x.tolist(), pd.DataFrame, lambda x: pl.DataFrame(x)])
def test_the_same_numbers_give_the_same_frame_in_every_form(make):
    x = np.arange(12.0).reshape(4, 3)
    frame = checked_rows(advisor.AdvisedRegressor(), make(x), reset=True)
    assert frame.to_numpy().tolist() == x.tolist()


def test_groups_stay_together_and_every_class_is_learned():
    draw = np.random.default_rng(1)
    groups, labels = draw.integers(0, 12, 200), draw.integers(0, 3, 200)
    parts = np.array(parts_by_group(groups, labels, 0, FRACTIONS))
    assert set(parts) == {"train", "val", "test"}
    assert all(len(set(parts[groups == group])) == 1 for group in range(12))
    assert set(labels[parts == "train"]) == {0, 1, 2}
    assert parts.tolist() == parts_by_group(groups, labels, 0, FRACTIONS)
    assert parts.tolist() != parts_by_group(groups, labels, 1, FRACTIONS)


@pytest.mark.parametrize(
    ("groups", "labels", "message"),
    [
        ([0, 1] * 10, None, "2 group"),
        ([0] * 5 + [1] * 5 + [2] * 5, np.repeat([0, 1, 2], 5), "every class in the training part"),
    ],
)
def test_groups_that_can_not_be_divided_are_refused(groups, labels, message):
    with pytest.raises(ValueError, match=message):
        parts_by_group(groups, labels, 0, FRACTIONS)
