"""Artefacts that still sample: a LiteRT file that is given its dropout masks, and a SavedModel that draws them."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from advisor.artifacts import Array, Artifact, SamplingParts
from advisor.errors import ArtifactError, ExportError, Finding
from advisor.export.compare import TOLERANCES, Comparison, verified
from advisor.export.failures import exporting, first_line
from advisor.export.litert import PRECISIONS
from advisor.export.quiet import quiet
from advisor.export.saved_model import check_saved_model, place_folder
from advisor.storage import write_with

FEATURES = "features"
SAMPLES = "samples"


def export_sampling_litert(parts: SamplingParts, path: Path, *, samples: int, precision: str = "float32") -> None:
    """Export a network as a LiteRT file that takes one row and T masks a dropout layer, and answers T times.

    LiteRT draws no random numbers, so the masks (zeros and ones) are inputs: ``mask_0``, ``mask_1`` … The part of the
    network that no mask touches runs once.

    Args:
        parts: The network, cut before its first random layer.
        path: Final name, ending in ``.tflite``.
        samples: T; it is fixed in the file.
        precision: ``float32``, ``float16`` or ``int8``.

    Raises:
        ExportError: If recurrent layers draw masks of their own, the precision is unknown, or an operation is lacking.
        StorageError: If there is no room or no permission.
    """
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    if precision not in PRECISIONS:
        raise ExportError(
            Finding("E104", "precision", f"{precision!r} is no precision; allowed: {', '.join(PRECISIONS)}.")
        )
    if parts.draws_inside:
        raise ExportError(
            Finding("E105", str(path), "recurrent layers with dropout of their own can't be given masks in LiteRT.")
        )
    source = parts.prefix.inputs[0]
    signature = [tf.TensorSpec((1, *source.shape[1:]), tf.as_dtype(source.dtype), FEATURES)]
    signature += [tf.TensorSpec((samples, *mask.shape), tf.float32, mask.name) for mask in parts.masks]

    def sample(features: Any, *masks: Any) -> dict[str, Any]:
        shared = parts.prefix(features, training=False)
        shared = shared if isinstance(shared, list | tuple) else [shared]
        repeated = [tf.tile(tensor, [samples, *[1] * (len(tensor.shape) - 1)]) for tensor in shared]
        return {SAMPLES: parts.suffix([*repeated, *masks], training=False)}

    def write(temporary: Path) -> None:
        with exporting("LiteRT", path), quiet():
            function = tf.function(sample, input_signature=signature, autograph=False).get_concrete_function()
            # Weights must be constants: LiteRT would keep variables as such, and start them without values.
            frozen = convert_variables_to_constants_v2(function)
            converter = tf.lite.TFLiteConverter.from_concrete_functions([frozen])
            # Only LiteRT's own operations: a file that needs TensorFlow's would be written and then not load.
            converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
            for name, value in PRECISIONS[precision]().items():
                if name == "target_spec":
                    for key, setting in value.items():
                        setattr(converter.target_spec, key, setting)
                else:
                    setattr(converter, name, value)
            temporary.write_bytes(converter.convert())

    write_with(path, write)


class SamplingRuntime:
    """A loaded LiteRT file that answers one row with all masks at once.

    Attributes:
        samples: T, the number of answers to a row.
        outputs: Numbers in one answer.
    """

    def __init__(self, path: Path, masks: Sequence[Array] | None = None) -> None:
        """Load a file.

        Args:
            path: A file that :func:`export_sampling_litert` wrote.
            masks: One array (T, ...) a mask, in their order; None when they come with each call of :meth:`draw`.

        Raises:
            ArtifactError: If the file is missing or damaged, or doesn't take these masks.
        """
        from ai_edge_litert.interpreter import Interpreter

        try:
            content = path.read_bytes()
        except OSError as error:
            raise ArtifactError(
                Finding("A101", str(path), f"the file can't be read: {error.strerror or error}.", "Train again.")
            ) from error
        try:
            with quiet():
                self._interpreter = Interpreter(model_content=content, num_threads=1)
                self._interpreter.allocate_tensors()
            details = {each["name"].split(":")[0]: each for each in self._interpreter.get_input_details()}
            output = self._interpreter.get_output_details()[0]
            given = details.pop(FEATURES)
            self._places = [int(details[f"mask_{number}"]["index"]) for number in range(len(details))]
            self._input, self._shape = int(given["index"]), tuple(int(size) for size in given["shape"])
            self._dtype = given["dtype"]
            if masks is not None:
                self._set_masks(masks)
        except (ValueError, RuntimeError, IndexError, KeyError) as error:
            raise ArtifactError(
                Finding("A106", str(path), f"LiteRT can't sample with it: {first_line(error)}", "Train again.")
            ) from error
        self._output = int(output["index"])
        self.samples, self.outputs = int(output["shape"][0]), int(output["shape"][-1])
        self._lock = threading.Lock()

    def _set_masks(self, masks: Sequence[Array]) -> None:
        """Give the file its masks; they stay for all rows that follow."""
        for place, mask in zip(self._places, masks, strict=True):
            self._interpreter.set_tensor(place, mask)

    def draw(self, rows: Array, masks: Sequence[Array]) -> Array:
        """Return the answers under any number of masks, float32 (rows, masks, outputs).

        Args:
            rows: Encoded rows.
            masks: One array (number, ...) a mask; the file takes T of them at a time.
        """
        count, parts = len(masks[0]), []
        for first in range(0, count, self.samples):
            some = [mask[first : first + self.samples] for mask in masks]
            lacking = self.samples - len(some[0])
            filled = [np.concatenate([each, np.ones((lacking, *each.shape[1:]), np.float32)]) for each in some]
            with self._lock:
                self._set_masks(filled)
            parts.append(self(rows)[:, : self.samples - lacking])
        return np.concatenate(parts, axis=1)

    def sample_row(self, row: Array) -> Array:
        """Return all answers to one encoded row, float32 (samples, outputs)."""
        with self._lock:
            self._interpreter.set_tensor(self._input, np.asarray(row, self._dtype).reshape(self._shape))
            self._interpreter.invoke()
            answers: Array = self._interpreter.get_tensor(self._output)
        return answers

    def __call__(self, rows: Array) -> Array:
        """Return all answers to encoded rows, float32 (rows, samples, outputs)."""
        answers = np.empty((len(rows), self.samples, self.outputs), np.float32)
        for number, row in enumerate(rows):
            answers[number] = self.sample_row(row)
        return answers


def verify_sampling(
    path: Path,
    reference: Array,
    received: Array,
    *,
    root: Path,
    precision: str = "float32",
    scale: Array | float = 1.0,
    layers: int = 1,
) -> Artifact:
    """Compare what a reloaded sampling file answers with what the model in memory answers under the same masks.

    Args:
        path: The file.
        reference: Answers in memory, (rows, samples, outputs).
        received: Answers of the file, likewise.
        root: The run folder.
        precision: Precision of the file; sets the tolerance.
        scale: What differences are measured in, at least: the target's deviation; 1 for logits.
        layers: Number of layers with a kernel; each rounds anew.

    Raises:
        ExportError: If they differ by more than is allowed.
    """
    if reference.shape != received.shape or not np.isfinite(received).all():
        difference = float("inf")
    else:
        a, b = reference.astype(np.float64), received.astype(np.float64)
        difference = float((np.abs(a - b) / np.maximum(np.asarray(scale, np.float64), np.abs(a))).max(initial=0.0))
    # A sample's answer lies further out than a prediction's, so three times what a single pass is allowed.
    allowed = TOLERANCES[precision] * max(layers, 1) * (3.0 if precision == "float32" else 1.0)
    comparison = Comparison(difference, allowed, len(reference))
    return verified("litert_sampling", path, root, path.stat().st_size, comparison, precision)


def save_sampling_model(
    parts: SamplingParts, folder: Path, *, samples: int, task: str, temperature: float = 1.0, noise: Array | None = None
) -> None:
    """Export a SavedModel whose endpoint ``sample`` draws masks from a seed and answers with all samples.

    It takes ``features``, encoded rows, and ``seed``, a whole number: the same seed gives the same answers in every
    process. It answers ``samples`` (rows, T, outputs): calibrated probabilities, or values in the user's units; with
    their ``mean``, and ``std`` including the noise of the observations.

    Args:
        parts: The network, cut before its first random layer; classes answer before the last activation.
        folder: Final name.
        samples: T.
        task: The problem's task.
        temperature: What classes' answers are divided by.
        noise: Standard deviation of observations, one an output.

    Raises:
        ExportError: If the network can't be exported.
        StorageError: If there is no room or no permission.
    """
    import tensorflow as tf

    source = parts.prefix.inputs[0]
    spread = np.zeros(1, np.float32) if noise is None else np.asarray(noise, np.float32)

    def sample(features: Any, seed: Any) -> dict[str, Any]:
        rows = tf.shape(features)[0]
        shared = parts.prefix(features, training=False)
        shared = shared if isinstance(shared, list | tuple) else [shared]
        repeated = [tf.repeat(tensor, samples, axis=0) for tensor in shared]
        masks = []
        for number, mask in enumerate(parts.masks):
            drawn = tf.random.stateless_uniform([samples, *mask.shape], tf.stack([seed, number]))
            kept = tf.cast(drawn >= mask.rate, tf.float32)
            masks.append(tf.tile(kept, [rows, *[1] * len(mask.shape)]))
        answers = parts.suffix([*repeated, *masks], training=False)
        answers = tf.reshape(answers, [rows, samples, parts.suffix.outputs[0].shape[-1]])
        if task == "multiclass":
            answers = tf.nn.softmax(answers / temperature)
        elif task in ("binary", "multilabel"):
            answers = tf.math.sigmoid(answers / temperature)
        variance = tf.math.reduce_variance(answers, axis=1)
        return {
            SAMPLES: answers,
            "mean": tf.reduce_mean(answers, axis=1),
            "std": tf.sqrt(variance + tf.constant(spread) ** 2),
        }

    signature = [
        tf.TensorSpec((None, *source.shape[1:]), tf.as_dtype(source.dtype), FEATURES),
        tf.TensorSpec((), tf.int32, "seed"),
    ]

    def write(fresh: Path) -> None:
        with exporting("a SavedModel", folder), quiet():
            module = tf.Module()
            module.prefix, module.suffix = parts.prefix, parts.suffix
            module.sample = tf.function(sample, input_signature=signature, autograph=False)
            tf.saved_model.save(module, str(fresh), signatures={"sample": module.sample})

    place_folder(folder, write)


def load_sampling_model(folder: Path) -> Any:
    """Check a sampling SavedModel and return its endpoint ``sample(features, seed)``; the model stays loaded with it.

    Raises:
        ArtifactError: If the folder is missing, damaged or unsafe.
    """
    import tensorflow as tf

    check_saved_model(folder)
    with quiet():
        loaded = tf.saved_model.load(str(folder))
    endpoint = loaded.sample
    return lambda features, seed: (loaded, endpoint(tf.constant(features), tf.constant(seed, tf.int32)))[1]
