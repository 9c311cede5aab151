"""From a model to the content of a LiteRT file: traced once, frozen, converted, and made small.

Keras's own way to LiteRT goes through a SavedModel: it traces the model three times, writes it and reads it again. That
takes two to nine times as long for the same answers.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

from advisor.export.compacting import compact
from advisor.export.keras_format import KerasModel


def convert(
    model: KerasModel,
    settings: Mapping[str, Any],
    *,
    target: Mapping[str, Any] | None = None,
    batch: int = 1,
    every_kernel: bool = False,
) -> bytes:
    """Return the content of a LiteRT file for a model with one input.

    Args:
        model: The model.
        settings: Attribute of the converter → value.
        target: Attribute of its target → value; only LiteRT's own operations are allowed unless it says otherwise, for
            a file that needs TensorFlow's would be written and then not load.
        batch: Rows that the file is laid out for.
        every_kernel: Whether small kernels are stored in 8 bits too; see :func:`advisor.export.compacting.compact`.
    """
    import tensorflow as tf

    inputs = model.inputs[0]
    signature = [tf.TensorSpec((batch, *inputs.shape[1:]), inputs.dtype, name=inputs.name)]
    function = tf.function(lambda rows: model(rows, training=False), input_signature=signature, autograph=False)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function.get_concrete_function()])
    for name, value in {"supported_ops": [tf.lite.OpsSet.TFLITE_BUILTINS], **(target or {})}.items():
        setattr(converter.target_spec, name, value)
    for name, value in settings.items():
        setattr(converter, name, value)
    with warnings.catch_warnings():
        # Ranges of 8-bit inputs are learned from the representative rows; the converter misses older options for them.
        warnings.filterwarnings("ignore", "Statistics for quantized inputs were expected")
        content = converter.convert()
    return compact(content, every_kernel=every_kernel)
