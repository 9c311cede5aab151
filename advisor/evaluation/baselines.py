"""What a deep net must beat on the same split: predicting the mean or majority, a linear model, boosted trees."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from advisor.artifacts import Array, DataBundle, Part, Statistics
from advisor.evaluation.columns import EncodedColumn, LinearLayout, tree_table
from advisor.evaluation.metrics import Metrics, measure

LARGEST_TABLE_CELLS = 10_000_000
"""Training rows times columns times models (one for each class, label or output; one for two classes) that a baseline
sees at most. Of a larger table it sees as many rows as fit, drawn with the run's seed: no
baseline took longer than 40 s on one core at this bound."""
_LINEAR_ITERATIONS = 300
_ROWS_AT_A_TIME = 20_000
_RIDGE_STRENGTHS = (0.01, 0.1, 1.0, 10.0, 100.0)
_REGRESSIONS = ("regression", "forecasting")

CONSTANT = ("mean", "majority")
"""Names of the baselines that don't look at the columns."""

Predictor = Callable[[Array], Array]


@dataclass(frozen=True)
class Baseline:
    """One simple model, fitted on the training rows and measured on the test rows.

    Attributes:
        name: ``mean`` or ``majority``, ``linear``, ``boosted_trees``; of forecasts ``naive``,
            ``seasonal_naive``, ``ridge``.
        title: Its name for people.
        metrics: Measured like those of the deep net.
        seconds: Wall time of fitting and predicting.
        rows: Training rows it saw.
        notes: What a reader must know: fewer rows, no convergence.
    """

    name: str
    title: str
    metrics: Metrics
    seconds: float
    rows: int
    notes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return a JSON-ready dictionary."""
        return {
            "name": self.name,
            "title": self.title,
            "seconds": self.seconds,
            "rows": self.rows,
            "notes": list(self.notes),
            "metrics": self.metrics.as_dict(),
        }


def measure_baselines(
    bundle: DataBundle,
    columns: Sequence[EncodedColumn],
    *,
    seed: int,
    statistics: Statistics | None = None,
    largest_table_cells: int = LARGEST_TABLE_CELLS,
) -> tuple[Baseline, ...]:
    """Fit every baseline on the training rows and measure it on the test rows.

    The validation rows aren't used: no baseline here has anything to choose on them.

    Args:
        bundle: The split data.
        columns: Description of the encoded columns, in order.
        seed: Seed of the trees and of drawing rows.
        statistics: Given when the regression targets in ``bundle`` are standardized, for metrics in the user's units.
        largest_table_cells: Rows times columns times models to fit on at most.

    Returns:
        Baselines ``mean`` (for a classification ``majority``: the classes' shares as probabilities), ``linear`` and
        ``boosted_trees``.
    """
    train, note = _bounded(bundle.train, seed, largest_table_cells // _models(bundle))
    test = bundle.test
    fits: tuple[tuple[str, str, Callable[[], Predictor]], ...] = (
        (*_constant_name(bundle.task), lambda: _fit_constant(bundle, train)),
        ("linear", "linear model", lambda: _fit_linear(bundle, columns, train, seed)),
        ("boosted_trees", "histogram gradient boosting", lambda: _fit_trees(bundle, columns, train, seed)),
    )
    baselines = []
    for name, title, fit in fits:
        started = time.perf_counter()
        # Threads that wait for one another spin: on busy cores boosting then takes six times the processor time.
        with warnings.catch_warnings(record=True) as caught, threadpool_limits(1, "openmp"):
            warnings.simplefilter("always")
            answers = _in_parts(fit(), test.x)
        seconds = time.perf_counter() - started
        notes = list(note) if name not in CONSTANT else []
        if any(each.category.__name__ == "ConvergenceWarning" for each in caught):
            notes.append(
                f"The linear model was stopped after {_LINEAR_ITERATIONS} iterations, before it had converged."
            )
        metrics = measure(bundle.task, _in_units(bundle, test.y, statistics), _in_units(bundle, answers, statistics))
        baselines.append(Baseline(name, title, metrics, seconds, len(train), tuple(notes)))
    return tuple(baselines)


def _in_parts(predict: Predictor, x: Array) -> Array:
    """Predict some rows at a time: the tables that simple models read are far larger than the encoded rows."""
    return np.concatenate([predict(x[begin : begin + _ROWS_AT_A_TIME]) for begin in range(0, len(x), _ROWS_AT_A_TIME)])


def _constant_name(task: str) -> tuple[str, str]:
    return ("mean", "predicting the mean") if task in _REGRESSIONS else ("majority", "predicting the majority class")


def _models(bundle: DataBundle) -> int:
    return (
        len(bundle.classes) if bundle.task == "multiclass" else max(bundle.train.y.size // max(len(bundle.train), 1), 1)
    )


def _bounded(train: Part, seed: int, cells: int) -> tuple[Part, tuple[str, ...]]:
    most = max(cells // max(train.x.shape[1], 1), 1)
    if len(train) <= most:
        return train, ()
    chosen = np.sort(np.random.default_rng(seed).choice(len(train), most, replace=False))
    note = f"Fitted on {most} of {len(train)} training rows, drawn at random, to bound its time."
    return Part(train.x[chosen], train.y[chosen], train.rows[chosen]), (note,)


def _in_units(bundle: DataBundle, values: Array, statistics: Statistics | None) -> Array:
    if bundle.task not in _REGRESSIONS or statistics is None:
        return values
    if statistics.target_scale is None or statistics.target_mean is None:
        return values
    table = np.asarray(values, np.float64).reshape(len(values), -1)
    return np.asarray(table * statistics.target_scale + statistics.target_mean)


def _fit_constant(bundle: DataBundle, train: Part) -> Predictor:
    if bundle.task == "multiclass":
        answer = np.bincount(train.y.reshape(-1).astype(np.int64), minlength=len(bundle.classes)) / len(train)
    else:
        answer = train.y.astype(np.float64).reshape(len(train), -1).mean(axis=0)
    return lambda x: np.tile(answer, (len(x), 1))


def _fit_linear(bundle: DataBundle, columns: Sequence[EncodedColumn], train: Part, seed: int) -> Predictor:
    from sklearn.linear_model import LogisticRegression, Ridge, RidgeCV

    layout = LinearLayout.fit(columns, train.x)
    table = layout.apply(train.x)
    if bundle.task in _REGRESSIONS:
        y = train.y.astype(np.float64).reshape(len(train), -1)
        # Leave-one-out choice of the strength needs a dense table; beside one-hot slots the usual strength will do.
        model = RidgeCV(alphas=_RIDGE_STRENGTHS) if not layout.codes and len(train) > 1 else Ridge(alpha=1.0)
        model.fit(table, y)
        return lambda x: np.asarray(model.predict(layout.apply(x))).reshape(len(x), -1)
    return _fit_classes(
        bundle,
        train,
        table,
        lambda: LogisticRegression(max_iter=_LINEAR_ITERATIONS, random_state=seed),
        layout.apply,
    )


def _fit_trees(bundle: DataBundle, columns: Sequence[EncodedColumn], train: Part, seed: int) -> Predictor:
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    table, categorical = tree_table(columns, train.x)
    settings = {"categorical_features": categorical if any(categorical) else None, "random_state": seed}
    if bundle.task in _REGRESSIONS:
        y = train.y.astype(np.float64).reshape(len(train), -1)
        models = [HistGradientBoostingRegressor(**settings).fit(table, column) for column in y.T]
        return lambda x: np.stack([model.predict(tree_table(columns, x)[0]) for model in models], axis=1)
    return _fit_classes(
        bundle, train, table, lambda: HistGradientBoostingClassifier(**settings), lambda x: tree_table(columns, x)[0]
    )


def _fit_classes(
    bundle: DataBundle, train: Part, table: Any, make: Callable[[], Any], prepare: Callable[[Array], Any]
) -> Predictor:
    """Fit one classifier (binary, multiclass), or one for each label, also where training rows lack a class."""
    if bundle.task == "multiclass":
        predict = _fit_classifier(table, train.y.reshape(-1), len(bundle.classes), make)
        return lambda x: predict(prepare(x))
    labels = train.y.reshape(len(train), -1)
    predictors = [_fit_classifier(table, label, 2, make) for label in labels.T]

    def probabilities(x: Array) -> Array:
        prepared = prepare(x)
        return np.stack([predict(prepared)[:, 1] for predict in predictors], axis=1)

    return probabilities


def _fit_classifier(table: Any, y: Array, classes: int, make: Callable[[], Any]) -> Callable[[Any], Array]:
    numbers = y.astype(np.int64)
    present = np.unique(numbers)
    if len(present) == 1:

        def always(prepared: Any) -> Array:
            answer = np.zeros((prepared.shape[0], classes))
            answer[:, present[0]] = 1.0
            return answer

        return always
    model = make().fit(table, numbers)

    def predict(prepared: Any) -> Array:
        answer = np.zeros((prepared.shape[0], classes))
        answer[:, model.classes_] = model.predict_proba(prepared)
        return answer

    return predict
