"""Reads a ``.keras`` file without loading it and refuses what could harm: bombs, links, code, paths to other files."""

from __future__ import annotations

import io
import json
import math
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from advisor.errors import ArtifactError, Finding

CONFIG, METADATA, WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
_ASSET = re.compile(r"assets/(?:[A-Za-z0-9_]+/)*vocabulary\.txt")
_RATIO_FLOOR_BYTES = 1 << 16
_RUN_CODE = ("Lambda", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer")
_ALLOCATE_WHEN_DESCRIBED = ("MelSpectrogram", "STFTSpectrogram", "STFT")
_FORBIDDEN = frozenset((*_RUN_CODE, *_ALLOCATE_WHEN_DESCRIBED, "Layer", "Wrapper"))
_PATH_KEYS = frozenset({"vocabulary", "idf_weights", "filepath", "path", "file", "url"})
_NAMESPACES = {
    "keras.layers": "Layer",
    "keras.initializers": "Initializer",
    "keras.regularizers": "Regularizer",
    "keras.constraints": "Constraint",
    "keras.optimizers": "Optimizer",
    "keras.optimizers.schedules": "LearningRateSchedule",
    "keras.losses": "Loss",
    "keras.metrics": "Metric",
}
_MODELS = frozenset({"Functional", "Sequential", "Model"})
_MODEL_MODULES = frozenset({"keras", "keras.models", "keras.src.models.functional", "keras.src.models.sequential"})
_PLAIN_VALUES = frozenset(
    {"__keras_tensor__", "__tuple__", "__numpy__", "__tensor__", "__ellipsis__", "slice", "__slice__"}
)
_OWN_PACKAGE = "advisor>"


@dataclass(frozen=True)
class FileLimits:
    """What a ``.keras`` file may be at most.

    Attributes:
        file_bytes: All entries together, unpacked.
        config_bytes: The architecture's description; vocabularies are in it.
        entries: Number of entries.
        ratio: How many times smaller an entry may be when packed; Keras itself doesn't pack.
        weights: Number of weights, both those stored and those that the description asks for.
    """

    file_bytes: int = 2 << 30
    config_bytes: int = 64 << 20
    entries: int = 1000
    ratio: float = 50.0
    weights: int = 500_000_000


DEFAULT_LIMITS = FileLimits()


def check_keras_file(path: Path, limits: FileLimits = DEFAULT_LIMITS) -> None:
    """Refuse a ``.keras`` file that is damaged, larger than allowed, or asks for more than numbers.

    Nothing of the file is executed and no model is allocated: the entries of the archive are looked at first, then the
    description, then the stored weights, and at last the description is built in a graph, where weights have shapes
    but take no memory.

    Args:
        path: The file.
        limits: What it may be at most.

    Raises:
        ArtifactError: Naming what is wrong.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            _check_entries(path, archive, limits)
            config = _read_config(path, archive)
            config["compile_config"] = None  # never read: files are loaded for prediction only
            _check_config(path, config)
            stored = _count_stored(path, archive, limits)
    except FileNotFoundError as error:
        raise _refusal("A101", path, "there is no such file.") from error
    except (zipfile.BadZipFile, EOFError, NotImplementedError, OSError, RuntimeError, ValueError, KeyError) as error:
        # zipfile raises EOFError where an archive is cut short, KeyError for a missing entry, NotImplementedError for a
        # compression that it doesn't know, RuntimeError for a password; the configuration's JSON raises ValueError
        raise _refusal("A102", path, f"the file is damaged: {error}.") from error
    _check_asked_for(path, config, stored, limits)


def _refusal(code: str, path: Path, message: str) -> ArtifactError:
    hint = "Use a file that Advisor wrote, as it wrote it; train or export again when there is none."
    return ArtifactError(Finding(code, str(path), message, hint))


def _check_entries(path: Path, archive: zipfile.ZipFile, limits: FileLimits) -> None:
    entries = archive.infolist()
    names = [entry.filename for entry in entries]
    if len(entries) > limits.entries:
        raise _refusal("A104", path, f"the file has {len(entries)} entries; allowed: {limits.entries}.")
    if len(set(names)) != len(names):
        raise _refusal("A103", path, "the file has two entries of one name.")
    for name in names:
        if name not in (CONFIG, METADATA, WEIGHTS) and not _ASSET.fullmatch(name):
            raise _refusal("A103", path, f"the entry {name!r} doesn't belong into a .keras file.")
    missing = [name for name in (CONFIG, METADATA, WEIGHTS) if name not in names]
    if missing:
        raise _refusal("A102", path, f"the file is damaged: it lacks {', '.join(missing)}.")
    total = 0
    for entry in entries:
        total += entry.file_size
        if entry.file_size > _RATIO_FLOOR_BYTES and entry.file_size > limits.ratio * max(entry.compress_size, 1):
            raise _refusal(
                "A104",
                path,
                f"the entry {entry.filename!r} unpacks from {entry.compress_size} to {entry.file_size} bytes; "
                f"allowed: {limits.ratio:g} times its size.",
            )
    if total > limits.file_bytes:
        raise _refusal("A104", path, f"the file unpacks to {total} bytes; allowed: {limits.file_bytes}.")
    if archive.getinfo(CONFIG).file_size > limits.config_bytes:
        raise _refusal("A104", path, f"the model's description is larger than {limits.config_bytes} bytes.")


def _read_config(path: Path, archive: zipfile.ZipFile) -> dict[str, Any]:
    try:
        config = json.loads(archive.read(CONFIG))
    except RecursionError as error:
        raise _refusal("A104", path, "the model's description is nested too deeply.") from error
    if not isinstance(config, dict):
        raise _refusal("A102", path, "the model's description is not a JSON object.")
    return config


def _check_config(path: Path, config: dict[str, Any]) -> None:
    if config.get("class_name") not in _MODELS:
        raise _refusal(
            "A103", path, f"the file holds a {config.get('class_name')!r}, not a functional or sequential model."
        )
    for node in _nodes(config):
        for key in _PATH_KEYS & node.keys():
            if isinstance(node[key], str):
                raise _refusal("A103", path, f"the model reads another file: {key} is {node[key]!r}.")
        if "class_name" in node and ("config" in node or "module" in node):
            reason = _why_forbidden(node)
            if reason:
                raise _refusal("A103", path, reason)


def _nodes(document: Any) -> Iterator[dict[str, Any]]:
    """Yield every object of a JSON document, without recursion."""
    waiting = [document]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            yield value
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)


def _why_forbidden(node: Mapping[str, Any]) -> str | None:
    """Return why a described object may not be built, or None when it may."""
    name, module, registered = node["class_name"], node.get("module"), node.get("registered_name")
    shown = f"{module}.{name}" if module else str(name)
    if not isinstance(name, str) or not isinstance(module, str | None) or not isinstance(registered, str | None):
        return f"the model's description names an object in an unknown way: {shown!r}."
    if name in _PLAIN_VALUES:
        return None
    if registered is not None and registered.startswith(_OWN_PACKAGE):
        import keras

        if keras.saving.get_registered_object(registered) is None:
            return f"the model uses {registered!r}, which this version of Advisor doesn't know."
        return None
    if name == "function" and module == "builtins":
        return None if _is_keras_function(node.get("config")) else f"the model calls a function {node.get('config')!r}."
    if name in _FORBIDDEN or not _is_keras_class(module, name):
        return (
            f"the model contains {shown!r}; allowed are Keras's own layers that run no code of others, and Advisor's."
        )
    return None


def _is_keras_function(name: Any) -> bool:
    import keras

    return isinstance(name, str) and name.isidentifier() and name in dir(keras.activations)


def _is_keras_class(module: str | None, name: str) -> bool:
    import keras

    if module in _MODEL_MODULES:
        return name in _MODELS or (module == "keras" and name == "DTypePolicy")
    if module not in _NAMESPACES:
        return False
    space: Any = keras
    for part in module.split(".")[1:]:
        space = getattr(space, part)
    found, base = getattr(space, name, None), getattr(space, _NAMESPACES[module])
    return isinstance(found, type) and issubclass(found, base)


def _count_stored(path: Path, archive: zipfile.ZipFile, limits: FileLimits) -> int:
    """Return the number of stored weights, after looking for links, outside storage and declared emptiness."""
    import h5py

    archive.testzip()
    weights = 0
    with h5py.File(io.BytesIO(archive.read(WEIGHTS)), "r") as stored:
        waiting: list[Any] = [stored]
        while waiting:
            group = waiting.pop()
            for name in group:
                if group.get(name, getlink=True, getclass=True) is not h5py.HardLink:
                    raise _refusal("A103", path, f"the weights contain a link, {name!r}.")
                if group.get(name, getclass=True) is h5py.Group:
                    waiting.append(group[name])
                    continue
                weights += _check_dataset(path, group[name], limits)
                if weights > limits.weights:
                    raise _refusal("A104", path, f"the file declares more than {limits.weights} weights.")
    return weights


def _check_dataset(path: Path, dataset: Any, limits: FileLimits) -> int:
    if getattr(dataset, "external", None) or getattr(dataset, "is_virtual", False):
        raise _refusal("A103", path, f"the weights {dataset.name!r} are read from another file.")
    declared, kept = int(dataset.nbytes), int(dataset.id.get_storage_size())
    if declared > _RATIO_FLOOR_BYTES and declared > limits.ratio * max(kept, 1):
        raise _refusal("A104", path, f"the weights {dataset.name!r} declare {declared} bytes and store {kept}.")
    return math.prod(dataset.shape)


def _check_asked_for(path: Path, config: dict[str, Any], stored: int, limits: FileLimits) -> None:
    """Build the description in a graph, where nothing is allocated, and count the weights it asks for."""
    import keras
    import tensorflow as tf

    try:
        with tf.Graph().as_default():
            model = keras.saving.deserialize_keras_object(config, safe_mode=True)
            asked = sum(math.prod(weight.shape) for weight in model.weights)  # states of generators aren't stored
    except Exception as error:  # whatever a hostile description makes Keras raise
        reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise _refusal("A102", path, f"the model's description can't be built: {reason}") from error
    if asked > limits.weights:
        raise _refusal("A104", path, f"the description asks for {asked} weights; allowed: {limits.weights}.")
    if asked > stored:
        raise _refusal("A104", path, f"the description asks for {asked} weights, but only {stored} are stored.")
