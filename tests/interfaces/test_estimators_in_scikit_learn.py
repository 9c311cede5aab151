"""The estimators among scikit-learn's own: its checks, pipelines, searches, copies, pickles, metadata."""

import gc
import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from advisor import AdvisedClassifier, AdvisedRegressor, load_run

pytestmark = pytest.mark.slow
QUICK = {"max_epochs": 15, "single_network": True}


# Ten checks fit on fewer rows than anybody should train a network on; the warning that says so is right.
@pytest.mark.filterwarnings("ignore:.*rows are too few:UserWarning")
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@parametrize_with_checks([AdvisedClassifier(**QUICK), AdvisedRegressor(**QUICK)])
def test_scikit_learn_finds_nothing_wrong(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def people():
    """Rows with a number, a category and missing values, and a class that follows from them."""
    draw = np.random.default_rng(3)
    age, town = draw.normal(40, 12, 240), draw.choice(["oslo", "rome", "lima"], 240)
    answer = np.where(age + 15 * (town == "rome") + draw.normal(0, 2, 240) > 45, "yes", "no")
    age[draw.random(240) < 0.1] = np.nan
    return pd.DataFrame({"age": age, "town": town}), answer


@pytest.fixture(scope="module")
def fitted(people):
    """An estimator that learned them; text, categories and missing values as they are."""
    return AdvisedClassifier(**QUICK).fit(*people)


def test_a_dataframe_of_text_and_gaps_is_learned_as_it_is(fitted, people):
    x, y = people
    assert fitted.classes_.tolist() == ["no", "yes"]
    assert fitted.score(x, y) > 0.75
    assert set(fitted.predict(x)) == {"no", "yes"}
    assert np.allclose(fitted.predict_proba(x).sum(axis=1), 1)
    assert fitted.recommendation_["max_epochs"] == 15
    assert fitted.recommendation_.problem.task == "binary"


def test_a_pickle_holds_the_keras_file_and_answers_alike(fitted, people):
    stored = pickle.dumps(fitted)
    assert b"PK\x03\x04" in stored  # the zip archive that a .keras file is
    read = pickle.loads(stored)
    assert np.array_equal(read.predict_proba(people[0]), fitted.predict_proba(people[0]))
    assert read.recommendation_ == fitted.recommendation_
    with pytest.raises(AttributeError, match="set out= to keep it"):
        _ = read.run_


def test_the_run_is_delivered_when_asked_for_and_answers_like_the_estimator(people):
    x, y = people
    estimator = AdvisedClassifier(**QUICK).fit(x, y)
    run = estimator.run_
    assert run is estimator.run_
    run.verify()
    assert run.classes == ("no", "yes")
    assert (run.path / "report.html").is_file()
    assert np.allclose(run.predict_proba(x), estimator.predict_proba(x), atol=1e-4)
    folder = run.path
    del estimator, run
    gc.collect()
    assert not folder.exists()


def test_a_run_folder_is_kept_replaced_and_found_again_by_a_pickle(people, tmp_path):
    x, y = people
    estimator = AdvisedClassifier(**QUICK, out=tmp_path / "run").fit(x, y)
    first = estimator.run_.recommendation["max_epochs"]
    estimator.set_params(max_epochs=3).fit(x, y)
    assert (first, load_run(tmp_path / "run").recommendation["max_epochs"]) == (15, 3)
    assert pickle.loads(pickle.dumps(estimator)).run_.path == tmp_path / "run"


def test_a_search_over_fields_of_the_problem_inside_a_pipeline(people):
    x, y = people
    scale = make_column_transformer(
        (StandardScaler(), ["age"]), remainder="passthrough", verbose_feature_names_out=False
    )
    steps = make_pipeline(scale, AdvisedClassifier(**QUICK)).set_output(transform="pandas")
    search = GridSearchCV(steps, {"advisedclassifier__hidden_layers": [1, 2]}, cv=2).fit(x, y)
    best = search.best_estimator_[-1]
    assert best.feature_names_in_.tolist() == ["age", "town"]
    assert best.recommendation_["hidden_layers"] == search.best_params_["advisedclassifier__hidden_layers"]
    assert search.best_score_ > 0.6
    assert not hasattr(clone(best), "classes_")


def test_groups_are_routed_to_fit_and_stay_in_one_part(people):
    x, y = people
    groups = np.arange(len(y)) % 12
    with config_context(enable_metadata_routing=True):
        estimator = AdvisedClassifier(**QUICK).set_fit_request(groups=True)
        found = cross_validate(
            estimator, x, y, cv=GroupKFold(2), params={"groups": groups}, return_estimator=True, error_score="raise"
        )
    assert len(found["test_score"]) == 2
    assert found["test_score"].min() > 0.5
    split = found["estimator"][0].run_
    assert "as given" in (split.path / "report.html").read_text()


@pytest.mark.parametrize("labels", [(False, True), (-1, 1), (0.0, 1.0), (3, 5)])
def test_labels_come_back_as_they_were(labels):
    draw = np.random.default_rng(2)
    x = draw.normal(size=(60, 2))
    y = np.asarray(labels)[(x[:, 0] > 0).astype(int)]
    estimator = AdvisedClassifier(max_epochs=2, single_network=True).fit(x, y)
    assert estimator.classes_.tolist() == sorted(labels)
    assert estimator.predict(x).dtype == y.dtype


def test_a_requirement_is_delivered_and_measured_at_once():
    draw = np.random.default_rng(2)
    x = draw.normal(size=(80, 3))
    estimator = AdvisedRegressor(max_epochs=3, single_network=True, latency_budget_ms=50.0).fit(x, x[:, 0] * 2)
    assert [each["name"] for each in estimator.run_.requirements] == ["latency"]
    assert np.allclose(
        estimator.run_.predict(pd.DataFrame(x, columns=["x0", "x1", "x2"])), estimator.predict(x), atol=0.5
    )
