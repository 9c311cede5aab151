"""``AdvisedClassifier``: classes, chosen by a network that the rules advise."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.utils import column_or_1d
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_y  # as scikit-learn's own estimators check a target

from advisor.interfaces.sklearn.base import Advised
from advisor.interfaces.sklearn.frames import checked_rows


class AdvisedClassifier(ClassifierMixin, Advised):
    """A classifier that is advised, trained and measured by Advisor.

    ``fit`` describes the data as a problem, lets the rulebook decide on the network and its training, and trains it.
    A part of the rows is set aside to choose by and to measure on (64 % train, 16 % choose, 20 % measure).

    Every field of a problem but the task is a parameter, such as ``hidden_layers``, ``latency_budget_ms`` or
    ``risk_sensitive``; None (the default of all) leaves it to the data and the vocabulary.

    Parameters:
        rulebook: Name or folder of the rulebook that decides.
        random_state: Decides split, first weights and order of the rows; None draws one.
        max_epochs: Longest training of one network; None leaves it to the rulebook.
        single_network: Train one network only: no other strengths are tried, and there is no second training against
            overfitting. With ``max_epochs`` the way to a quick fit.
        time_budget: Seconds that training may take in all; the outcome then depends on the machine.
        out: Run folder, replaced by every ``fit``; None delivers into a temporary one when ``run_`` is asked for.

    Attributes:
        classes_: Labels, sorted; the columns of ``predict_proba``.
        recommendation_: What was advised and carried out (:class:`advisor.Recommendation`).
        run_: The delivered :class:`advisor.Run`: metrics, requirements, report, files.
        n_features_in_: Number of columns.
        feature_names_in_: Names of the columns, where ``fit`` was given a dataframe.
    """

    def fit(self, X: Any, y: Any, *, groups: Any = None) -> AdvisedClassifier:
        """Advise, train and choose a network.

        Args:
            X: (rows, features): a dataframe (text, dates and missing values allowed) or an array of numbers.
            y: (rows,): text, whole numbers or truth values.
            groups: (rows,): rows of one group, such as a patient, stay in one part of the split. It can be routed as
                metadata with ``set_fit_request(groups=True)``.

        Raises:
            ValueError: If the rows, the target or a parameter can't be used.
        """
        frame = checked_rows(self, X, reset=True)
        y = _check_y(column_or_1d(y, warn=True), estimator=self) if _is_numeric(y) else column_or_1d(y, warn=True)
        check_classification_targets(y)
        classes, codes = np.unique(y, return_inverse=True)
        if len(classes) < 2:
            raise ValueError(f"y holds one class ({classes[0]!r}); a classifier needs at least two classes.")
        known, names = _labels(classes)
        task = "binary" if len(classes) == 2 else "multiclass"
        self._fit(frame, known[codes], task, groups, codes)
        self.classes_ = classes
        position = {name: number for number, name in enumerate(map(_text, self._network.encoder.labels.tolist()))}
        self._order = [position[name] for name in names]
        return self

    def predict_proba(self, X: Any) -> NDArray[Any]:
        """Return the probability of each class, (rows, classes), in the order of ``classes_``."""
        outputs = self._outputs(X)
        if outputs.shape[1] == 1:
            outputs = np.hstack([1 - outputs, outputs])
        ordered = outputs[:, self._order]
        return np.asarray(ordered / ordered.sum(axis=1, keepdims=True))

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the most probable class of each row, (rows,)."""
        best = self.predict_proba(X).argmax(axis=1)
        return np.asarray(self.classes_[best])


def _is_numeric(y: Any) -> bool:
    return np.asarray(y).dtype.kind in "biuf"


def _labels(classes: NDArray[Any]) -> tuple[NDArray[Any], list[str]]:
    """Return the classes as the pipeline reads them, and the text of each.

    Raises:
        ValueError: If two classes have the same text, or one has none.
    """
    kind = classes.dtype.kind
    if kind == "f" and (classes == np.round(classes)).all():
        classes = classes.astype(np.int64)
    elif kind not in "biu":
        classes = np.asarray([str(each) for each in classes.tolist()], dtype=object)
    names = [_text(each) for each in classes.tolist()]
    if len(set(names)) < len(names) or "" in names:
        raise ValueError(f"the classes {names} can't be told apart by their text; rename them.")
    return classes, names


def _text(label: Any) -> str:
    return str(label)
