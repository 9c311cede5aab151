"""Quantization-aware training with TensorFlow's toolkit, on a twin of the network in the Keras that the toolkit knows.

Importing the toolkit turns ``tf.keras`` into the legacy Keras through an environment variable. It is imported here,
when it is needed, and the variable is put back at once, so that child processes are not affected.
"""

from __future__ import annotations

import contextlib
import io
import os
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from advisor.artifacts import Array, DataBundle, Statistics
from advisor.errors import CompressionError, Finding

LEGACY = "TF_USE_LEGACY_KERAS"
Block = tuple[Array, Array, str]
"""Kernel, bias and activation of a dense layer."""


@contextlib.contextmanager
def toolkit() -> Iterator[tuple[Any, Any]]:
    """Import the toolkit and the legacy Keras, with the process's environment as it was before.

    Raises:
        CompressionError: If it isn't installed.
    """
    before = os.environ.get(LEGACY)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            try:
                import tensorflow_model_optimization as tfmot
                import tf_keras
            except ImportError as error:
                raise CompressionError(
                    Finding("C105", "tensorflow-model-optimization", f"the toolkit can't be imported: {error}.")
                ) from error
            _put_back(before)
            yield tf_keras, tfmot
    finally:
        _put_back(before)


def _put_back(before: str | None) -> None:
    if before is None:
        os.environ.pop(LEGACY, None)
    else:
        os.environ[LEGACY] = before


def train_in_int8(
    core: Any,
    prepare: Callable[[Array], Array],
    bundle: DataBundle,
    statistics: Statistics,
    *,
    seed: int,
    epochs: int,
    rate: float,
    batch: int,
    integers: bool = False,
) -> bytes:
    """Fine-tune a dense network with simulated 8-bit arithmetic and convert it.

    Args:
        core: The trained network in the units of training, Batch Normalization folded: with it, the toolkit silently
            leaves dense layers in 32 bits.
        prepare: The preprocessing, from encoded rows to what the first dense layer sees.
        bundle: The data.
        statistics: Mean and scale of a regression's targets.
        seed: Decides the order of the rows.
        epochs: Passes over the training rows.
        rate: Learning rate of Adam.
        batch: Rows a step.
        integers: Whether inputs and outputs are 8-bit integers too.

    Returns:
        The LiteRT file, from prepared inputs to answers in the user's units.

    Raises:
        CompressionError: If the network has layers that the toolkit can't quantize.
    """
    blocks = _blocks(core)
    x, y = prepare(bundle.train.x), np.asarray(bundle.train.y)
    scale = statistics.target_scale
    if scale is not None and statistics.target_mean is not None:
        blocks[-1] = _in_target_units(blocks[-1], statistics.target_mean, scale)
    with toolkit() as (tf_keras, tfmot), _reported():
        tf_keras.utils.set_random_seed(seed)
        quantized = tfmot.quantization.keras.quantize_model(_twin(tf_keras, blocks, x.shape[1]))
        _start_ranges(quantized, blocks, x)
        quantized.compile(optimizer=tf_keras.optimizers.Adam(rate), loss=_loss(bundle.task, scale))
        pruned = _keep_zeros(tf_keras, quantized, blocks)
        quantized.fit(x, y, batch_size=batch, epochs=epochs, verbose=0, callbacks=pruned)
        return _convert(quantized, integers)


@contextlib.contextmanager
def _reported() -> Iterator[None]:
    """Turn whatever toolkit and converter raise into an error that says so."""
    try:
        yield
    except CompressionError:
        raise
    except Exception as error:  # both raise whatever their depths raise
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise CompressionError(
            Finding("C107", "quantization_aware_int8", f"the toolkit failed: {lines[0][:300]}")
        ) from error


def _in_target_units(block: Block, shift: Array, scale: Array) -> Block:
    kernel, bias, activation = block
    if activation != "linear":
        raise CompressionError(
            Finding("C106", "quantization_aware_int8", f"the output's {activation} can't be merged with its units.")
        )
    return (kernel * scale).astype(np.float32), (bias * scale + shift).astype(np.float32), activation


def _loss(task: str, scale: Array | None) -> Any:
    if task == "multiclass":
        return "sparse_categorical_crossentropy"
    if task not in ("regression", "forecasting"):
        return "binary_crossentropy"
    import tensorflow as tf

    spread = np.asarray(1.0 if scale is None else scale, np.float32)
    return lambda y, answer: tf.reduce_mean(tf.square((tf.cast(y, tf.float32) - answer) / spread), axis=-1)


def _blocks(core: Any) -> list[Block]:
    """Return kernel, bias and activation of each dense layer of a plain stack."""
    found: list[Block] = []
    unusable = []
    for layer in core.layers:
        kind = type(layer).__name__
        if kind == "Dense":
            weights = layer.get_weights()
            bias = weights[1] if len(weights) > 1 else np.zeros(weights[0].shape[1], np.float32)
            found.append((weights[0], bias, layer.activation.__name__))
        elif kind == "Activation" and found:
            kernel, bias, _ = found[-1]
            found[-1] = (kernel, bias, layer.activation.__name__)
        elif (found and kind not in ("Dropout", "AlphaDropout")) or "Conv" in kind or kind == "Flatten":
            unusable.append(f"{layer.name} ({kind})")
    unusable += [f"activation {name}" for _, _, name in found if name not in _APPLIED]
    if unusable or not found:
        raise CompressionError(
            Finding(
                "C106",
                "quantization_aware_int8",
                f"the toolkit can't quantize {', '.join(sorted(set(unusable))) or 'this network'}.",
                "It quantizes stacks of dense layers with ReLU.",
            )
        )
    return found


def _twin(tf_keras: Any, blocks: list[Block], width: int) -> Any:
    layers = [tf_keras.layers.InputLayer((width,), name="features")]
    layers += [
        tf_keras.layers.Dense(kernel.shape[1], activation=activation, name=f"dense_{index}")
        for index, (kernel, _, activation) in enumerate(blocks)
    ]
    twin = tf_keras.Sequential(layers)
    for layer, (kernel, bias, _) in zip(twin.layers, blocks, strict=True):
        layer.set_weights([kernel, bias])
    return twin


def _start_ranges(quantized: Any, blocks: list[Block], x: Array) -> None:
    """Let the ranges of activations start at what the training rows show.

    The toolkit starts each at -6 to 6 and moves it by a thousandth a step, so that answers in larger units would be cut
    off for thousands of steps.
    """
    rows = np.asarray(x, np.float32)
    for layer, (kernel, bias, activation) in zip(quantized.layers[-len(blocks) :], blocks, strict=True):
        before = rows @ kernel + bias
        rows = _APPLIED[activation](before)
        for variable in layer.weights:
            name = variable.name.rsplit("/", 1)[-1].partition(":")[0]
            place, _, end = name.rpartition("_")
            if place in ("pre_activation", "post_activation"):
                values = before if place == "pre_activation" else rows
                # zero must be exact, and is always inside
                variable.assign(min(float(values.min()), 0.0) if end == "min" else max(float(values.max()), 0.0))


def _keep_zeros(tf_keras: Any, quantized: Any, blocks: list[Block]) -> list[Any]:
    """Return the callbacks that set to zero again what was zero before, after every step; none if nothing was."""
    masks = [
        (next(variable for variable in layer.trainable_weights if len(variable.shape) == 2), kernel != 0)
        for layer, (kernel, _, _) in zip(quantized.layers[-len(blocks) :], blocks, strict=True)
        if not kernel.all()
    ]
    if not masks:
        return []

    class Zeros(tf_keras.callbacks.Callback):
        """Multiplies kernels by their masks."""

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            for kernel, mask in masks:
                kernel.assign(kernel * mask.astype(np.float32))

    return [Zeros()]


def _softmax(values: Array) -> Array:
    raised = np.exp(values - values.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))


_APPLIED: Mapping[str, Callable[[Array], Array]] = {
    "linear": lambda values: values,
    "relu": lambda values: np.maximum(values, 0.0),
    "sigmoid": lambda values: 0.5 + 0.5 * np.tanh(0.5 * values),
    "tanh": np.tanh,
    "softmax": _softmax,
}
"""Activations that the toolkit quantizes; it refuses ELU, SELU and leaky ReLU."""


def _convert(quantized: Any, integers: bool) -> bytes:
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_keras_model(quantized)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if integers:
        converter.inference_input_type = converter.inference_output_type = tf.int8
    with contextlib.redirect_stdout(io.StringIO()):
        content: bytes = converter.convert()
    return content
