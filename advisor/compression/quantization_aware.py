"""Quantization-aware training with TensorFlow's toolkit, on a twin of the network in the Keras that the toolkit knows.

Importing the toolkit turns ``tf.keras`` into the legacy Keras through an environment variable. It is imported here,
when it is needed, and the variable is put back at once, so that child processes are not affected.
"""

from __future__ import annotations

import contextlib
import io
import os
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from advisor.artifacts import Array, DataBundle, Statistics
from advisor.compression.twin import build_twin
from advisor.errors import CompressionError, Finding

LEGACY = "TF_USE_LEGACY_KERAS"
PROBED_ROWS = 256
"""Rows that pass through the network at a time while the ranges of its activations are looked at."""


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
    network: Any,
    prepare: Callable[[Array], Array],
    bundle: DataBundle,
    statistics: Statistics,
    *,
    seed: int,
    epochs: int,
    rate: float,
    batch: int,
    integers: bool = False,
    seconds: float | None = None,
) -> bytes:
    """Fine-tune a network with simulated 8-bit arithmetic and convert it.

    Args:
        network: The trained network from prepared inputs to answers in the units of training, Batch Normalization
            folded: with it, the toolkit silently leaves dense layers in 32 bits.
        prepare: The preprocessing, from encoded rows to what the network reads.
        bundle: The data.
        statistics: Mean and scale of a regression's targets.
        seed: Decides the order of the rows.
        epochs: Passes over the training rows.
        rate: Learning rate of Adam.
        batch: Rows a step.
        integers: Whether inputs and outputs are 8-bit integers too.
        seconds: Time after which training ends early; None is unlimited.

    Returns:
        The LiteRT file, from prepared inputs to answers in the units of training.

    Raises:
        CompressionError: If the network has layers that the toolkit can't quantize.
    """
    x, y = prepare(bundle.train.x), statistics.scaled(np.asarray(bundle.train.y))
    with toolkit() as (tf_keras, tfmot), _reported():
        tf_keras.utils.set_random_seed(seed)
        twin = build_twin(tf_keras, network)
        quantized = tfmot.quantization.keras.quantize_model(twin)
        start_ranges(tf_keras, quantized, twin, x)
        quantized.compile(optimizer=tf_keras.optimizers.Adam(rate), loss=_loss(bundle.task))
        watch = _watch(tf_keras, quantized, seconds)
        quantized.fit(x, y, batch_size=batch, epochs=epochs, verbose=0, callbacks=[watch])
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


def _loss(task: str) -> str:
    if task == "multiclass":
        return "sparse_categorical_crossentropy"
    return "mse" if task in ("regression", "forecasting") else "binary_crossentropy"


def start_ranges(tf_keras: Any, quantized: Any, twin: Any, x: Array) -> None:
    """Let the ranges of activations start at what the training rows show.

    The toolkit starts each at -6 to 6 and moves it by a thousandth a step, so that answers in larger units would be cut
    off for thousands of steps.

    Args:
        tf_keras: The legacy Keras.
        quantized: What the toolkit made of the twin.
        twin: The network in 32 bits; its layers have the same names.
        x: Prepared training rows.
    """
    layers = twin.layers[1:]
    probe = tf_keras.Model(twin.input, [layer.output for layer in layers])
    lowest, highest = np.zeros(len(layers)), np.zeros(len(layers))  # zero must be exact, and is always inside
    for first in range(0, len(x), PROBED_ROWS):
        answers = probe.predict_on_batch(x[first : first + PROBED_ROWS])
        answers = answers if isinstance(answers, list) else [answers]
        lowest = np.minimum(lowest, [answer.min() for answer in answers])
        highest = np.maximum(highest, [answer.max() for answer in answers])
    ranges = {layer.name: pair for layer, *pair in zip(layers, lowest, highest, strict=True)}
    for wrapper in quantized.layers:
        for variable in wrapper.weights:
            place, _, end = _name(variable).rpartition("_")
            if place in ("post_activation", "output") and end in ("min", "max"):
                variable.assign(ranges[wrapper.layer.name][end == "max"])


def _name(variable: Any) -> str:
    return str(variable.name.rsplit("/", 1)[-1].partition(":")[0])


def _watch(tf_keras: Any, quantized: Any, seconds: float | None) -> Any:
    """Return the callback that, after every step, sets to zero again what was zero before, and looks at the time."""
    kernels = [each for each in quantized.trainable_weights if _name(each) in ("kernel", "depthwise_kernel")]
    masks = [(kernel, (values != 0).astype(np.float32)) for kernel in kernels if not (values := kernel.numpy()).all()]
    end = None if seconds is None else time.monotonic() + seconds

    class Watch(tf_keras.callbacks.Callback):
        """Multiplies kernels by their masks, and ends training in time."""

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            for kernel, mask in masks:
                kernel.assign(kernel * mask)
            if end is not None and time.monotonic() > end:
                self.model.stop_training = True

    return Watch()


def _convert(quantized: Any, integers: bool) -> bytes:
    import tensorflow as tf

    # One row at a time: a shape that is computed while the file runs is no operation of 8 bits.
    row = tf.TensorSpec((1, *quantized.input_shape[1:]), tf.float32, name="features")
    function = tf.function(lambda features: quantized(features, training=False)).get_concrete_function(row)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function], quantized)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if integers:
        converter.inference_input_type = converter.inference_output_type = tf.int8
    with contextlib.redirect_stdout(io.StringIO()):
        content: bytes = converter.convert()
    return content
