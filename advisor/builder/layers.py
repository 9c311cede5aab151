"""The layers that turn encoded rows into inputs of the first dense layer, inside the model.

They are written once and made for whichever Keras is asked for, so that a twin model has the same ones. Their
constants stand in their configuration rather than in weights: they survive every format, count as no parameters,
and a converter can fold them. Only operations that LiteRT has of its own are used.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from advisor.builder.columns import RESERVED_CODES, UNKNOWN_CODE
from advisor.builder.image_layers import image_layer_classes
from advisor.builder.namespace import Namespace, Tensor, program_keras, tensor_functions
from advisor.builder.recurrent_layers import recurrent_layer_classes
from advisor.builder.regularizers import group_l1_class
from advisor.builder.text_layers import text_layer_classes
from advisor.data.dates import DAY_SECONDS, YEAR_DAYS, part_names

PACKAGE = "advisor"


@dataclass(frozen=True)
class LayerClasses:
    """The layer classes of one Keras.

    Attributes:
        standardize: Impute by the training mean, then subtract and scale.
        missing_flags: 1 where a number is missing, else 0.
        one_hot: 1 where a column holds a certain code, else 0.
        embeddings: Columns of codes, looked up in trained tables.
        crosses: Combinations of codes, hashed and looked up in trained tables.
        picked: Some of the prepared inputs.
        target_units: From the units of training to the user's.
    """

    standardize: Any
    missing_flags: Any
    one_hot: Any
    embeddings: Any
    crosses: Any
    picked: Any
    target_units: Any


def register_layers() -> None:
    """Make the layers known to the program's Keras; needed before a saved model is loaded."""
    layer_classes(program_keras())
    group_l1_class(program_keras())
    raw_layer_classes(program_keras())
    image_layer_classes(program_keras())
    recurrent_layer_classes(program_keras())
    text_layer_classes(program_keras())


def _constant(numbers: Sequence[float]) -> Any:
    return np.asarray(numbers, dtype=np.float32)


def _first_rows(namespace: Namespace, size: int, seed: int) -> Callable[..., Any]:
    """Return an initializer of a table: zeros for missing and unknown, random rows for the categories.

    With this range the squared length of a row is 1 on average, that of a one-hot vector.
    """
    bound = math.sqrt(3.0 / size)
    random = namespace.initializers.RandomUniform(-bound, bound, seed=seed)

    def make(shape: tuple[int, ...], dtype: Any = None) -> Any:
        named = (np.arange(shape[0]) >= RESERVED_CODES)[:, None].astype(np.float32)
        return random(shape, dtype=dtype) * named

    return make


@lru_cache(maxsize=4)
def layer_classes(namespace: Namespace) -> LayerClasses:
    """Return the layer classes made for a Keras, registered there under the package ``advisor``."""
    ops = tensor_functions(namespace)
    register = namespace.saving.register_keras_serializable(package=PACKAGE)
    base: Any = namespace.layers.Layer

    def pick(inputs: Tensor, columns: Sequence[int]) -> Tensor:
        """Return these columns; all of them in order costs nothing."""
        if list(columns) == list(range(inputs.shape[-1])):
            return inputs
        return ops.take(inputs, np.asarray(columns, dtype=np.int32), axis=1)

    @register
    class Standardize(base):
        """Impute missing numbers by ``fill``, then subtract ``center`` and multiply by ``factor``.

        Multiplying (rather than dividing) is deliberate: graph optimizers replace a division by a constant, and the
        last bit would then depend on the runtime.
        """

        def __init__(
            self,
            columns: Sequence[int],
            fill: Sequence[float],
            center: Sequence[float],
            factor: Sequence[float],
            **others: Any,
        ) -> None:
            super().__init__(**others)
            self.columns, self.fill = list(columns), list(fill)
            self.center, self.factor = list(center), list(factor)

        def call(self, inputs: Tensor) -> Tensor:
            numbers = pick(inputs, self.columns)
            numbers = ops.where(ops.isnan(numbers), _constant(self.fill), numbers)
            return (numbers - _constant(self.center)) * _constant(self.factor)

        def get_config(self) -> dict[str, Any]:
            own = {"columns": self.columns, "fill": self.fill, "center": self.center, "factor": self.factor}
            return {**super().get_config(), **own}

    @register
    class MissingFlags(base):
        """1 where a number of these columns is missing (NaN), else 0."""

        def __init__(self, columns: Sequence[int], **others: Any) -> None:
            super().__init__(**others)
            self.columns = list(columns)

        def call(self, inputs: Tensor) -> Tensor:
            return ops.cast(ops.isnan(pick(inputs, self.columns)), "float32")

        def get_config(self) -> dict[str, Any]:
            return {**super().get_config(), "columns": self.columns}

    @register
    class OneHotCodes(base):
        """One slot for each pair of column and code: 1 where the column holds the code, else 0.

        All columns together are one gather and one comparison, however many they are.
        """

        def __init__(self, columns: Sequence[int], codes: Sequence[int], **others: Any) -> None:
            super().__init__(**others)
            self.columns, self.codes = list(columns), list(codes)

        def call(self, inputs: Tensor) -> Tensor:
            return ops.cast(ops.equal(pick(inputs, self.columns), _constant(self.codes)), "float32")

        def get_config(self) -> dict[str, Any]:
            return {**super().get_config(), "columns": self.columns, "codes": self.codes}

    @register
    class Embeddings(base):
        """Columns of codes, each looked up in a table of its own; the found rows side by side.

        A code that is none (NaN too) counts as unknown. The rows of missing and unknown start as zeros: where no
        training row changes them, they say nothing.
        """

        def __init__(
            self,
            columns: Sequence[int],
            codes: Sequence[int],
            sizes: Sequence[int],
            seeds: Sequence[int],
            **others: Any,
        ) -> None:
            super().__init__(**others)
            self.columns, self.codes = list(columns), list(codes)
            self.sizes, self.seeds = list(sizes), list(seeds)

        def build(self, input_shape: Any) -> None:
            self.tables = [
                self.add_weight(
                    name=f"table_{column}", shape=(codes, size), initializer=_first_rows(namespace, size, seed)
                )
                for column, codes, size, seed in zip(self.columns, self.codes, self.sizes, self.seeds, strict=True)
            ]
            super().build(input_shape)

        def call(self, inputs: Tensor) -> Tensor:
            codes = pick(inputs, self.columns)
            known = ops.logical_and(codes >= 0.0, codes < _constant(self.codes))
            codes = ops.cast(ops.where(known, codes, np.float32(UNKNOWN_CODE)), "int32")
            rows = [ops.rows_of(table, codes[:, index]) for index, table in enumerate(self.tables)]
            return rows[0] if len(rows) == 1 else ops.concatenate(rows, axis=1)

        def compute_output_shape(self, input_shape: Any) -> Any:
            return (input_shape[0], sum(self.sizes))

        def get_config(self) -> dict[str, Any]:
            own = {"columns": self.columns, "codes": self.codes, "sizes": self.sizes, "seeds": self.seeds}
            return {**super().get_config(), **own}

    @register
    class Crosses(base):
        """Combinations of columns, each looked up in a table of its own; the found rows side by side.

        The combinations of a cross are numbered, and the numbers are folded into so many buckets. A code that is none
        (NaN too) counts as unknown. The tables start as zeros: a combination that no training row has says nothing.

        Source:
            Cheng et al. 2016, "Wide & Deep Learning for Recommender Systems", section 3.1.
        """

        def __init__(
            self,
            crosses: Sequence[Sequence[int]],
            codes: Sequence[Sequence[int]],
            shifts: Sequence[Sequence[int]],
            buckets: Sequence[int],
            size: int,
            **others: Any,
        ) -> None:
            super().__init__(**others)
            self.crosses, self.codes = [list(each) for each in crosses], [list(each) for each in codes]
            self.shifts, self.buckets, self.size = [list(each) for each in shifts], list(buckets), int(size)

        def build(self, input_shape: Any) -> None:
            self.tables = [
                self.add_weight(name=f"cross_{index}", shape=(buckets, self.size), initializer="zeros")
                for index, buckets in enumerate(self.buckets)
            ]
            super().build(input_shape)

        def call(self, inputs: Tensor) -> Tensor:
            found = []
            for columns, codes, shifts, buckets, table in zip(
                self.crosses, self.codes, self.shifts, self.buckets, self.tables, strict=True
            ):
                number = None
                for column, count, shift in zip(columns, codes, shifts, strict=True):
                    code = inputs[:, column] + np.float32(shift)
                    known = ops.logical_and(code >= 0.0, code < np.float32(count))
                    code = ops.cast(ops.where(known, code, np.float32(UNKNOWN_CODE)), "int32")
                    number = code if number is None else number * count + code
                if math.prod(codes) > buckets:
                    number = ops.mod(number, buckets)
                found.append(ops.rows_of(table, number))
            return found[0] if len(found) == 1 else ops.concatenate(found, axis=1)

        def compute_output_shape(self, input_shape: Any) -> Any:
            return (input_shape[0], len(self.crosses) * self.size)

        def get_config(self) -> dict[str, Any]:
            own = {"crosses": self.crosses, "codes": self.codes, "shifts": self.shifts}
            return {**super().get_config(), **own, "buckets": self.buckets, "size": self.size}

    @register
    class PickedInputs(base):
        """Some of the prepared inputs, in order."""

        def __init__(self, columns: Sequence[int], **others: Any) -> None:
            super().__init__(**others)
            self.columns = list(columns)

        def call(self, inputs: Tensor) -> Tensor:
            return pick(inputs, self.columns)

        def compute_output_shape(self, input_shape: Any) -> Any:
            return (input_shape[0], len(self.columns))

        def get_config(self) -> dict[str, Any]:
            return {**super().get_config(), "columns": self.columns}

    @register
    class TargetUnits(base):
        """Multiply by ``scale`` and add ``shift``: from the units of training to the user's."""

        def __init__(self, scale: Sequence[float], shift: Sequence[float], **others: Any) -> None:
            super().__init__(**others)
            self.scale, self.shift = list(scale), list(shift)

        def call(self, inputs: Tensor) -> Tensor:
            return inputs * _constant(self.scale) + _constant(self.shift)

        def get_config(self) -> dict[str, Any]:
            return {**super().get_config(), "scale": self.scale, "shift": self.shift}

    return LayerClasses(Standardize, MissingFlags, OneHotCodes, Embeddings, Crosses, PickedInputs, TargetUnits)


@dataclass(frozen=True)
class RawLayerClasses:
    """The layer classes that only a model for raw rows has.

    Attributes:
        date_parts: Seconds since 1970-01-01 to the numbers that a network can use.
        encoded: All encoded columns side by side, as float32, infinite ones as missing.
    """

    date_parts: Any
    encoded: Any


@lru_cache(maxsize=1)
def raw_layer_classes(keras: Namespace) -> RawLayerClasses:
    """Return the layer classes for raw rows, registered under the package ``advisor``.

    Their formulas are the encoder's, in float64 as there.
    """
    ops = tensor_functions(keras)
    register = keras.saving.register_keras_serializable(package=PACKAGE)

    @register
    class DateParts(keras.layers.Layer):
        """Seconds since 1970-01-01, float64 (rows, 1), to the parts of a date, float32; NaN stays NaN."""

        def __init__(self, origin_day: int, has_time: bool, **others: Any) -> None:
            super().__init__(**others)
            self.origin_day, self.has_time = int(origin_day), bool(has_time)

        def call(self, inputs: Tensor) -> Tensor:
            # keras.ops takes a plain Python number for a float32; only NumPy's keeps its digits.
            days = ops.floor(inputs / DAY_SECONDS)
            weekday = 2 * math.pi * ops.mod(days + 3.0, np.float64(7)) / 7.0
            season = 2 * math.pi * ops.mod(days, np.float64(YEAR_DAYS)) / YEAR_DAYS
            parts = [days - float(self.origin_day)]
            parts += [ops.sin(weekday), ops.cos(weekday), ops.sin(season), ops.cos(season)]
            if self.has_time:
                hour = 2 * math.pi * (inputs - days * DAY_SECONDS) / DAY_SECONDS
                parts += [ops.sin(hour), ops.cos(hour)]
            return ops.cast(ops.concatenate(parts, axis=1), "float32")

        def compute_output_spec(self, inputs: Tensor) -> Any:
            return keras.KerasTensor((inputs.shape[0], len(part_names(self.has_time))), dtype="float32")

        def get_config(self) -> dict[str, Any]:
            return {**super().get_config(), "origin_day": self.origin_day, "has_time": self.has_time}

    @register
    class Encoded(keras.layers.Layer):
        """All encoded columns side by side, as float32; infinite numbers become missing ones."""

        def call(self, inputs: Sequence[Tensor]) -> Tensor:
            columns = ops.concatenate([ops.cast(each, "float32") for each in inputs], axis=1)
            return ops.where(ops.isfinite(columns), columns, np.float32(np.nan))

    return RawLayerClasses(DateParts, Encoded)
