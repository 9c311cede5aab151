"""What a built model costs: parameters, bytes, multiply-adds."""

from __future__ import annotations

from dataclasses import dataclass

from advisor.builder.namespace import Model

BYTES_OF_FLOAT32 = 4


@dataclass(frozen=True)
class Cost:
    """What a model costs before compression.

    Attributes:
        parameters: Numbers in all weights, moving statistics included.
        trainable_parameters: Those that training changes.
        bytes: Size of the weights as float32.
        multiply_adds: Multiplications with addition for one row, in dense kernels. Work for each single value
            (bias, activation, normalization, lookup) isn't counted.
    """

    parameters: int
    trainable_parameters: int
    bytes: int
    multiply_adds: int


def count_cost(model: Model) -> Cost:
    """Count what a built model costs."""
    parameters = int(model.count_params())
    trainable = sum(_size(weight.shape) for weight in model.trainable_weights)
    kernels = [layer.kernel for layer in model.layers if type(layer).__name__ == "Dense"]
    return Cost(
        parameters=parameters,
        trainable_parameters=trainable,
        bytes=parameters * BYTES_OF_FLOAT32,
        multiply_adds=sum(_size(kernel.shape) for kernel in kernels),
    )


def _size(shape: tuple[int, ...]) -> int:
    size = 1
    for length in shape:
        size *= int(length)
    return size
