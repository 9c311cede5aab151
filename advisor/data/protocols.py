"""What every kind of data must offer, so that nothing behind it asks which kind it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from numpy.typing import NDArray

from advisor.artifacts import DataBundle, InputSpec
from advisor.data.limits import ReadingLimits
from advisor.data.schema import Column, Target

if TYPE_CHECKING:
    from advisor.data.encoding import Encoded
    from advisor.data.profiling import Profile
    from advisor.data.splitting import Split

DATA_KINDS = ("table", "image", "series", "text")


@dataclass(frozen=True)
class SourceOptions:
    """What the user said about the data; what makes no sense for a kind is refused there.

    Attributes:
        target: Name of the target column; several are joined by commas; None leaves it to inference.
        task: The task, when it is known better than inferred.
        split_column: Column with train, val and test.
        validation: Separate data for validation, in the same form.
        test: Separate data for the final measurement, likewise.
        kinds: Kinds of columns, where they are known better than inferred.
        series_id: Column that tells one series from another.
        time: Column that orders the rows of a series.
        horizon: Number of steps to forecast.
        window: Number of steps that a forecast reads.
        wide_columns: Columns of a table that the wide path of a network reads; none means all.
        crosses: Groups of categorical columns whose combinations the wide path reads too.
        allow_missing_target: Whether rows without a target are left out, with a note; else they are an error. (To
            describe data they may be missing: how many there are says something about the problem.)
        limits: How much of texts and series is read.
    """

    target: str | None = None
    task: str | None = None
    split_column: str | None = None
    validation: Any = None
    test: Any = None
    kinds: Mapping[str, str] = field(default_factory=dict)
    series_id: str | None = None
    time: str | None = None
    horizon: int | None = None
    window: int | None = None
    wide_columns: Sequence[str] = ()
    crosses: Sequence[Sequence[str]] = ()
    allow_missing_target: bool = True
    limits: ReadingLimits = field(default_factory=ReadingLimits)


class DataSchema(Protocol):
    """What is known about the data; :class:`advisor.data.schema.Schema` is that of a table."""

    @property
    def target(self) -> Target: ...  # noqa: D102
    @property
    def columns(self) -> tuple[Column, ...]: ...  # noqa: D102
    @property
    def features(self) -> tuple[Column, ...]: ...  # noqa: D102
    @property
    def notes(self) -> tuple[str, ...]: ...  # noqa: D102

    def describe(self) -> list[dict[str, str]]:
        """Return one printable row a column: ``column``, ``kind``, ``role``, ``missing``, ``values``, ``note``."""

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready document."""


class DataEncoder(Protocol):
    """Turns raw rows into the network's input, always in the same way."""

    @property
    def inputs(self) -> InputSpec: ...  # noqa: D102
    @property
    def classes(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def labels(self) -> NDArray[Any]: ...  # noqa: D102

    def encode(self, rows: Any) -> NDArray[Any]:
        """Return raw rows (whatever the kind takes, a path too) as float32 (n, ``*inputs.shape``)."""

    def encode_counted(self, rows: Any) -> Encoded:
        """Encode rows and count what was missing or unknown."""

    def contract(self) -> dict[str, Any]:
        """Return the JSON-ready document that travels with a delivered model; ``kind`` says who reads it."""


class Source(Protocol):
    """Data that were read and understood: from here to encoded parts.

    Attributes:
        kind: ``table``, ``image``, ``series`` or ``text``.
        profile: The schema and what the data say about the problem.
    """

    kind: str
    profile: Profile

    @property
    def schema(self) -> DataSchema: ...  # noqa: D102
    @property
    def encoder(self) -> DataEncoder: ...  # noqa: D102

    def split(self, seed: int) -> Split:
        """Divide the labeled rows; what the user or the data give is kept."""

    def bundle(self, split: Split) -> DataBundle:
        """Encode the parts."""

    def raw_inputs(self, rows: NDArray[Any]) -> Mapping[str, NDArray[Any]]:
        """Return these rows as the exported model for raw rows takes them, by the raw column's name."""

    def flat(self, x: NDArray[Any]) -> tuple[NDArray[Any], tuple[Any, ...]]:
        """Return encoded rows as a table (n, width) and its encoded columns, for models that read tables only."""
