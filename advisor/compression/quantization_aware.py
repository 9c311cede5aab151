"""Quantization-aware training with TensorFlow's toolkit, on a twin of the network in the Keras that the toolkit knows.

Importing the toolkit turns ``tf.keras`` into the legacy Keras through an environment variable. It is imported here,
when it is needed, and the variable is put back at once, so that child processes are not affected.
"""

from __future__ import annotations

import contextlib
import io
import os
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from advisor.artifacts import Array, DataBundle, Statistics
from advisor.errors import CompressionError, Finding

LEGACY = "TF_USE_LEGACY_KERAS"
EPOCHS, BATCH, RATE = 10, 32, 1e-4
"""Fine-tuning as the toolkit's guide does it: briefly, at a low rate."""
_ACTIVATIONS = ("relu", "linear", "sigmoid", "softmax", "tanh")
"""Activations that the toolkit quantizes; it refuses ELU, SELU and leaky ReLU."""


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
        integers: Whether inputs and outputs are 8-bit integers too.

    Returns:
        The LiteRT file, from prepared inputs to answers in the user's units.

    Raises:
        CompressionError: If the network has layers that the toolkit can't quantize.
    """
    blocks = _blocks(core)
    x = prepare(bundle.train.x)
    y = np.asarray(bundle.train.y)
    shift, scale = statistics.target_mean, statistics.target_scale
    if shift is not None and scale is not None:
        y = ((y - shift) / scale).astype(np.float32)
    losses = {"multiclass": "sparse_categorical_crossentropy", "regression": "mse", "forecasting": "mse"}
    with toolkit() as (tf_keras, tfmot):
        tf_keras.utils.set_random_seed(seed)
        twin = _twin(tf_keras, blocks, x.shape[1])
        quantized = tfmot.quantization.keras.quantize_model(twin)
        quantized.compile(optimizer=tf_keras.optimizers.Adam(RATE), loss=losses.get(bundle.task, "binary_crossentropy"))
        quantized.fit(x, y, batch_size=BATCH, epochs=EPOCHS, verbose=0)
        return _convert(tf_keras, quantized, shift, scale, integers)


def _blocks(core: Any) -> list[tuple[Array, Array, str]]:
    """Return kernel, bias and activation of each dense layer of a plain stack."""
    found: list[tuple[Array, Array, str]] = []
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
        elif found and kind not in ("Dropout", "AlphaDropout"):
            unusable.append(f"{layer.name} ({kind})")
    unusable += [f"activation {name}" for _, _, name in found if name not in _ACTIVATIONS]
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


def _twin(tf_keras: Any, blocks: list[tuple[Array, Array, str]], width: int) -> Any:
    layers = [tf_keras.layers.InputLayer((width,), name="features")]
    layers += [
        tf_keras.layers.Dense(kernel.shape[1], activation=activation, name=f"dense_{index}")
        for index, (kernel, _, activation) in enumerate(blocks)
    ]
    twin = tf_keras.Sequential(layers)
    for layer, (kernel, bias, _) in zip(twin.layers, blocks, strict=True):
        layer.set_weights([kernel, bias])
    return twin


def _convert(tf_keras: Any, quantized: Any, shift: Any, scale: Any, integers: bool) -> bytes:
    import tensorflow as tf

    model = quantized
    if shift is not None and scale is not None:
        units = tf_keras.layers.Rescaling(scale=np.asarray(scale, np.float32), offset=np.asarray(shift, np.float32))
        model = tf_keras.Sequential([quantized, units])
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if integers:
        converter.inference_input_type = converter.inference_output_type = tf.int8
    with contextlib.redirect_stdout(io.StringIO()):
        content: bytes = converter.convert()
    return content
