"""The model that takes raw columns by name: lookup of categories and parts of dates are inside it too."""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from advisor.artifacts import InputSpec
from advisor.builder.kinds import inputs_of
from advisor.builder.layers import raw_layer_classes
from advisor.builder.namespace import Model, Tensor, program_keras
from advisor.data.dates import part_names
from advisor.errors import BuildError, Finding

ENCODED = "encoded"
CORE = "core"
# Names of layers that an input must not have (numbered ones have two underscores, which no input's name has), and
# parameters of a model's call.
_OWN_NAMES = (ENCODED, CORE, "self", "inputs", "training", "mask")
_RAW_KINDS = {"numeric": "float32", "boolean": "float32", "categorical": "string", "datetime": "float64"}


class RawColumn(Protocol):
    """One column of the user's table that a model reads, as the data stage describes it.

    Attributes:
        name: Its name, as in the file.
        kind: ``numeric``, ``boolean``, ``categorical`` or ``datetime``.
        categories: Categories with a code of their own, in the order of their codes.
        origin_day: For dates, the day since 1970-01-01 from which days are counted.
        has_time: For dates, whether the time of day is encoded.
    """

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def kind(self) -> str: ...  # noqa: D102
    @property
    def categories(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def origin_day(self) -> int: ...  # noqa: D102
    @property
    def has_time(self) -> bool: ...  # noqa: D102


@dataclass(frozen=True)
class Serving:
    """A model for raw rows, and how its inputs are called.

    Attributes:
        model: Takes a dictionary from input name to a tensor (rows, 1).
        inputs: From the user's column name to the input's name.
        types: From the input's name to ``float32`` (NaN is missing; booleans are 0 and 1), ``string`` ("" is missing)
            or ``float64`` (seconds since 1970-01-01 UTC, NaN is missing).
    """

    model: Model
    inputs: dict[str, str]
    types: dict[str, str]


def input_names(columns: Iterable[str]) -> dict[str, str]:
    """Return a name for each column that every format accepts: ASCII letters, digits and underscores.

    Accents are dropped, anything else becomes an underscore, and a number is appended where two columns would
    otherwise share a name, also when they differ in case alone. A word of Python (``class``) is no name either, for
    exporting makes the names parameters of a function. The answer depends on the columns' order only.
    """
    taken, names = set(_OWN_NAMES), {}
    for column in columns:
        letters = (each for each in unicodedata.normalize("NFKD", column) if not unicodedata.combining(each))
        plain = "".join(letters)
        plain = re.sub(r"[^A-Za-z0-9]+", "_", plain).strip("_") or "column"
        plain = f"column_{plain}" if plain[0].isdigit() or keyword.iskeyword(plain) else plain
        name, number = plain, 2
        while name.casefold() in taken:
            name, number = f"{plain}_{number}", number + 1
        taken.add(name.casefold())
        names[column] = name
    return names


def build_serving(delivered_core: Model, inputs: InputSpec | Sequence[RawColumn]) -> Serving:
    """Put a model for raw rows around a core for encoded ones.

    Args:
        delivered_core: The trained core, answering in the user's units; its weights are shared.
        inputs: What the network reads; for a table the raw columns are enough.

    Returns:
        The model for raw rows, equal to encoding the rows and asking the core. It can be saved and exported as a
        SavedModel; LiteRT has no strings, so the core is what goes there.

    Raises:
        BuildError: If a kind can't be served, or the inputs don't fit the core.
    """
    if not isinstance(inputs, InputSpec):
        return serve_columns(delivered_core, inputs)
    return inputs_of(inputs).build_serving(delivered_core, inputs)


def serve_columns(delivered_core: Model, columns: Sequence[RawColumn]) -> Serving:
    """Put a model for raw columns of a table around a core for encoded ones.

    Args:
        delivered_core: The trained core, answering in the user's units; its weights are shared.
        columns: The columns that the model reads, in the order in which the encoder encodes them.

    Returns:
        The model with one input a column, equal to encoding the rows and asking the core. It can be saved and
        exported as a SavedModel; LiteRT has no strings, so the core is what goes there.

    Raises:
        BuildError: If a kind can't be served, or the columns don't give the core's number of inputs.
    """
    _check(delivered_core, columns)
    keras = program_keras()
    layers = raw_layer_classes(keras)
    names = input_names(column.name for column in columns)
    inputs: dict[str, Tensor] = {}
    pieces: list[Tensor] = []
    for column in columns:
        name, kind = names[column.name], _RAW_KINDS[column.kind]
        inputs[name] = keras.Input(shape=(1,), name=name, dtype=kind)
        if kind == "string":
            pieces.append(_lookup(keras, column, f"lookup__{len(pieces)}")(inputs[name]))
        elif kind == "float64":
            parts = layers.date_parts(
                origin_day=column.origin_day, has_time=column.has_time, name=f"dates__{len(pieces)}", dtype="float64"
            )
            pieces.append(parts(inputs[name]))
        else:
            pieces.append(inputs[name])
    encoded: Tensor = layers.encoded(name=ENCODED)(pieces)
    core = keras.Model(delivered_core.inputs[0], delivered_core.outputs[0], name=CORE)
    model = keras.Model(inputs, core(encoded), name="serving")
    types = {names[column.name]: _RAW_KINDS[column.kind] for column in columns}
    return Serving(model, names, types)


def _lookup(keras: Any, column: RawColumn, name: str) -> Any:
    """Return the layer with the encoder's codes: 0 for "", 1 for unknown, then the categories in their order."""
    unknown = "[UNK]"
    while unknown in column.categories:
        unknown += "_"
    return keras.layers.StringLookup(
        vocabulary=list(column.categories) or [f"{unknown}_"],
        mask_token="",
        oov_token=unknown,
        num_oov_indices=1,
        name=name,
    )


def _check(core: Model, columns: Sequence[RawColumn]) -> None:
    findings = [
        Finding("B109", column.name, f"{column.kind} columns can't be served; allowed: {', '.join(_RAW_KINDS)}.")
        for column in columns
        if column.kind not in _RAW_KINDS
    ]
    if not findings:
        width = sum(_width(column) for column in columns)
        wanted = int(core.inputs[0].shape[-1])
        if width != wanted:
            findings.append(
                Finding(
                    "B109",
                    "",
                    f"the columns give {width} encoded inputs, the model has {wanted}.",
                    "Use the schema that the model was trained with.",
                )
            )
    if findings:
        raise BuildError(*findings)


def _width(column: RawColumn) -> int:
    return len(part_names(column.has_time)) if column.kind == "datetime" else 1
