"""What both estimators do: check what they are given, let the pipeline work, and hold what it made."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import check_consistent_length, check_random_state
from sklearn.utils.validation import check_is_fitted

from advisor.builder import with_target_units
from advisor.data.conventions import CONVENTIONS
from advisor.data.splitting import FRACTIONS
from advisor.errors import AdvisorError
from advisor.interfaces.sklearn.delivery import Delivery
from advisor.interfaces.sklearn.frames import (
    SPLIT,
    TARGET,
    checked_rows,
    free_name,
    kinds_of,
    parts_by_group,
)
from advisor.interfaces.sklearn.network import Network
from advisor.interfaces.sklearn.parameters import FIELDS, defaults, takes_parameters
from advisor.pipeline import Request, train_network
from advisor.run import Run

EXPORTS = ("keras", "litert")
FEWEST_ROWS = 5
"""With fewer rows, one part of the split would be empty or a single row."""


class Advised(BaseEstimator):
    """The common part of the estimators; see :class:`AdvisedClassifier` and :class:`AdvisedRegressor`."""

    @takes_parameters
    def __init__(self, **parameters: Any) -> None:
        """Keep the parameters as they are; ``fit`` checks them."""
        known = defaults()
        if unknown := sorted(set(parameters) - set(known)):
            raise TypeError(f"{type(self).__name__} has no parameter {unknown[0]!r}; it has: {', '.join(known)}.")
        for name, default in known.items():
            setattr(self, name, parameters.get(name, default))

    def _fit(self, frame: pl.DataFrame, y: NDArray[Any], task: str, groups: Any, labels: NDArray[Any] | None) -> None:
        """Train, and deliver at once where a folder, a requirement or a time budget asks for it.

        Args:
            frame: Rows, as :func:`advisor.interfaces.sklearn.frames.checked_rows` returns them.
            y: The target as the pipeline reads it, (rows,).
            task: ``regression``, ``binary`` or ``multiclass``.
            groups: Group of each row, or None.
            labels: Class of each row, or None.

        Raises:
            ValueError: If the rows, the target or a parameter can't be used.
        """
        check_consistent_length(frame, y)
        random = self.random_state
        seed = int(random) if isinstance(random, int | np.integer) else check_random_state(random).randint(2**31)
        table, split, given = _table(frame, y, groups, labels, seed)
        stated = {name: value for name in FIELDS if (value := getattr(self, name)) is not None}
        request = Request(
            data=table,
            target=next(name for name in table.columns if name not in (*frame.columns, split)),
            given={"task": task} | given | stated,
            rulebook=self.rulebook,
            split_column=split,
            seed=seed,
            time_budget=self.time_budget,
            max_epochs=self.max_epochs,
            single_network=self.single_network,
            data_kind="table",
            data_options={"kinds": kinds_of(frame)},
            exports=EXPORTS,
        )
        try:
            self._carry_out(request)
        except AdvisorError as error:
            raise ValueError(str(error)) from error

    def _carry_out(self, request: Request) -> None:
        delivery = Delivery(request, self.out)
        if self.out is None and self.time_budget is None:
            prepared, fitted = train_network(request, delivery.folder)
            self.recommendation_ = fitted.recommendation
            if not fitted.recommendation.requirements:
                core = with_target_units(fitted.chosen.core, prepared.statistics)
                self._network, self._delivery = Network.of(core, prepared.encoder), delivery
                return
            run = delivery.deliver(resume=True)
        else:
            run = delivery.deliver(resume=False)
        self.recommendation_ = run.recommendation
        self._network, self._delivery = Network.of(run.core, run.encoder), delivery

    @property
    def run_(self) -> Run:
        """The run of the last ``fit``, with everything measured; exported and measured when it is first asked for.

        Raises:
            AttributeError: If nothing is fitted, or the estimator was pickled with its run in a temporary folder.
        """
        delivery: Delivery | None = getattr(self, "_delivery", None)
        run = None if delivery is None else delivery.run()
        if run is None:
            reason = "isn't fitted yet" if delivery is None else "was copied without its run; set out= to keep it"
            raise AttributeError(f"this {type(self).__name__} has no run_: it {reason}.")
        return run

    def __sklearn_is_fitted__(self) -> bool:
        """Tell whether there is a network."""
        return hasattr(self, "_network")

    def _outputs(self, x: Any) -> NDArray[Any]:
        check_is_fitted(self)
        frame = checked_rows(self, x, reset=False)
        try:
            return self._network.outputs(frame)
        except AdvisorError as error:
            raise ValueError(str(error)) from error

    def __sklearn_tags__(self) -> Any:
        """Say what scikit-learn may expect: missing values and text in dataframes, no sparse rows."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.sparse = False
        tags.target_tags.required = True
        return tags


def _table(
    frame: pl.DataFrame, y: NDArray[Any], groups: Any, labels: NDArray[Any] | None, seed: int
) -> tuple[pl.DataFrame, str | None, dict[str, Any]]:
    """Return the rows with the target and, where it is decided here, the split beside them; and what is known so.

    The pipeline wants :data:`advisor.data.conventions.CONVENTIONS` ``.minimum_rows``. Fewer are divided first and then
    repeated, so that no row is in two parts; what is measured on so few means little, and a warning says so.

    Raises:
        ValueError: If there are too few rows or groups to train, choose and measure on.
    """
    named = [pl.Series(free_name(TARGET, frame), y)]
    few = frame.height < CONVENTIONS.minimum_rows
    if frame.height < FEWEST_ROWS:
        raise ValueError(
            f"Found {frame.height} sample(s) with {frame.width} feature(s), while a minimum of {FEWEST_ROWS} samples "
            "is required to train, choose and measure on."
        )
    if groups is None and not few:
        return frame.with_columns(named), None, {}
    if groups is None:
        groups = np.arange(frame.height)
    check_consistent_length(frame, groups)
    named.append(pl.Series(free_name(SPLIT, frame), parts_by_group(groups, labels, seed, FRACTIONS)))
    table, given = frame.with_columns(named), {}
    if few:
        warnings.warn(
            f"{frame.height} rows are too few for a network; it is trained, but measured on a handful of rows.",
            UserWarning,
            stacklevel=4,
        )
        given["labeled_rows"] = frame.height
        table = pl.concat([table] * -(-CONVENTIONS.minimum_rows // frame.height))
    return table, named[-1].name, given
