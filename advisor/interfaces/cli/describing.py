"""What may be said about data on the command line, the same for every command that reads some."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from advisor.errors import Finding, RequestError

WIDE_HELP = "Columns that go straight to the output of a wide & deep network, with commas; all when not given."
CROSS_HELP = "Categorical columns, with commas, whose combinations the wide path reads too; repeatable."
COLUMN_HELP = "NAME=KIND, repeatable: a column is numeric, categorical, boolean or datetime, or is to be ignored."


def data_options(
    *,
    series_id: str | None = None,
    time: str | None = None,
    horizon: int | None = None,
    window: int | None = None,
    column: Sequence[str] | None = None,
    wide: str | None = None,
    cross: Sequence[str] | None = None,
    allow_missing_target: bool = False,
) -> dict[str, Any]:
    """Return what was said as fields of :class:`advisor.data.SourceOptions`; what wasn't said is left out.

    Args:
        series_id: Column that tells one series from another.
        time: Column that orders the steps.
        horizon: Steps to forecast.
        window: Steps that a forecast reads.
        column: Kinds of columns, each as ``NAME=KIND``.
        wide: Columns of the wide path, with commas between them.
        cross: Crosses of columns, each with commas between its columns.
        allow_missing_target: Whether rows without a target are left out.

    Raises:
        RequestError: If a kind isn't one, or a column gets two.
    """
    said: dict[str, Any] = {"series_id": series_id, "time": time, "horizon": horizon, "window": window}
    found = {name: value for name, value in said.items() if value is not None}
    if column:
        found["kinds"] = kinds_of(column)
    if wide:
        found["wide_columns"] = _names(wide)
    if cross:
        found["crosses"] = [_names(each) for each in cross]
    if allow_missing_target:
        found["allow_missing_target"] = True
    return found


def words_of(
    data_kind: str | None, series_id: str | None, time: str | None, horizon: int | None, column: Sequence[str] | None
) -> list[str]:
    """Return what was said as words of a command line, to hand on."""
    said = {"--data-kind": data_kind, "--series-id": series_id, "--time": time, "--horizon": horizon}
    words = [word for name, value in said.items() if value is not None for word in (name, str(value))]
    return words + [word for each in column or () for word in ("--column", each)]


def _names(said: str) -> list[str]:
    return [name.strip() for name in said.split(",") if name.strip()]


def kinds_of(said: Sequence[str]) -> dict[str, str]:
    """Return column → kind of arguments ``NAME=KIND``; a name may hold an equals sign.

    Raises:
        RequestError: If a kind isn't one, or a column gets two.
    """
    from advisor.data.kinds import OVERRIDES

    kinds: dict[str, str] = {}
    for each in said:
        name, mark, kind = each.rpartition("=")
        if not mark or not name or kind not in OVERRIDES:
            raise RequestError(
                Finding(
                    "R135",
                    "--column",
                    f"{each!r} doesn't say a column and its kind.",
                    f"Write NAME=KIND; kinds: {', '.join(OVERRIDES)}.",
                )
            )
        if kinds.get(name, kind) != kind:
            raise RequestError(
                Finding("R135", "--column", f"{name!r} is said to be {kinds[name]} and {kind}.", "Say one kind.")
            )
        kinds[name] = kind
    return kinds
