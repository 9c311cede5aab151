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
        multiply_adds: Multiplications with addition for one row, in dense, convolution and recurrent kernels. Work for
            each single value (bias, activation, normalization, lookup) isn't counted.
    """

    parameters: int
    trainable_parameters: int
    bytes: int
    multiply_adds: int


def count_cost(model: Model) -> Cost:
    """Count what a built model costs."""
    parameters = int(model.count_params())
    trainable = sum(_size(weight.shape) for weight in model.trainable_weights)
    # A forecast carries each channel through the same kernels.
    channels = model.input_shape[-1] if any(type(layer).__name__ == "Windows" for layer in model.layers) else 1
    return Cost(
        parameters=parameters,
        trainable_parameters=trainable,
        bytes=parameters * BYTES_OF_FLOAT32,
        multiply_adds=sum(_multiply_adds(layer) for layer in model.layers) * int(channels),
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
    if kind == "Bidirectional":
        return sum(_of_each_step(each) for each in (layer.forward_layer, layer.backward_layer)) * _steps(layer)
    return _of_each_step(layer) * _steps(layer) if kind in ("GRU", "LSTM") else 0


def _steps(layer: Any) -> int:
    """Return how many steps a recurrent layer reads; its mask may stand beside its input."""
    read = layer.input[0] if isinstance(layer.input, list | tuple) else layer.input
    return int(read.shape[1])


def _of_each_step(layer: Any) -> int:
    return _size(layer.cell.kernel.shape) + _size(layer.cell.recurrent_kernel.shape)


def _size(shape: tuple[int, ...]) -> int:
    size = 1
    for length in shape:
        size *= int(length)
    return size
