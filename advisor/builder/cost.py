"""What a built model costs: parameters, bytes, multiply-adds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from advisor.builder.namespace import Model

BYTES_OF_FLOAT32 = 4


@dataclass(frozen=True)
class Cost:
    """What a model costs before compression.

    Attributes:
        parameters: Numbers in all weights, moving statistics included.
        trainable_parameters: Those that training changes.
        bytes: Size of the weights as float32.
        multiply_adds: Multiplications with addition for one row, in dense and convolution kernels. Work for each
            single value (bias, activation, normalization, lookup) isn't counted.
    """

    parameters: int
    trainable_parameters: int
    bytes: int
    multiply_adds: int


def count_cost(model: Model) -> Cost:
    """Count what a built model costs."""
    parameters = int(model.count_params())
    trainable = sum(_size(weight.shape) for weight in model.trainable_weights)
    return Cost(
        parameters=parameters,
        trainable_parameters=trainable,
        bytes=parameters * BYTES_OF_FLOAT32,
        multiply_adds=sum(_multiply_adds(layer) for layer in model.layers),
    )


def compiles_well(model: Model) -> bool:
    """Tell whether XLA makes this model faster on a processor.

    It doesn't with convolutions: a step of a small convolutional network took 0.19 s without it, and with it the first
    22 steps weren't over after five minutes (measured on two shared cores).
    """
    return not any("Conv" in type(layer).__name__ for layer in model.layers)


def _multiply_adds(layer: Any) -> int:
    kind = type(layer).__name__
    if kind == "Dense":
        return _size(layer.kernel.shape)
    if kind in ("Conv1D", "Conv2D", "DepthwiseConv1D", "DepthwiseConv2D"):
        return _size(layer.kernel.shape) * _size(layer.output.shape[1:-1])
    return 0


def _size(shape: tuple[int, ...]) -> int:
    size = 1
    for length in shape:
        size *= int(length)
    return size
