"""The SavedModel folder: exported beside its final name and renamed in place, checked before it is loaded."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from advisor.artifacts import Array, Artifact
from advisor.errors import ArtifactError, Finding, StorageError
from advisor.export.compare import TOLERANCES, Rows, verify
from advisor.export.failures import exporting, first_line
from advisor.export.keras_format import KerasModel, predictor
from advisor.export.quiet import quiet

_GRAPH = "saved_model.pb"
_LARGEST_GRAPH_BYTES = 512 << 20
_UNSAFE_OPERATIONS = frozenset(
    {
        "ReadFile",
        "WriteFile",
        "MatchingFiles",
        "PyFunc",
        "PyFuncStateless",
        "EagerPyFunc",
        "PrintV2",
        "Save",
        "SaveSlices",
    }
)
"""Operations that reach outside the model. Saving and restoring its own variables (SaveV2, RestoreV2) isn't among
them: every SavedModel contains those, outside the function that serves."""


def save_saved_model(model: KerasModel, folder: Path) -> None:
    """Export a model as a SavedModel folder, whole or not at all.

    The endpoint is ``serve``. The new folder takes the place of an earlier one in two renames; if the process dies in
    between, the earlier one is left beside it under a hidden name.

    Args:
        model: The model; its inputs keep their names.
        folder: Final name; an earlier SavedModel there is replaced.

    Raises:
        StorageError: If there is no room or no permission; an earlier folder stays as it was.
        ExportError: If the model can't be exported.
    """

    def write(fresh: Path) -> None:
        with exporting("a SavedModel", folder), quiet():
            model.export(fresh, format="tf_saved_model", verbose=False)

    place_folder(folder, write)


def place_folder(folder: Path, write: Callable[[Path], None]) -> None:
    """Let ``write`` make a folder under another name, then put it in place of an earlier one.

    Args:
        folder: Final name.
        write: Called with a path that doesn't exist yet.

    Raises:
        StorageError: If there is no room or no permission; an earlier folder stays as it was.
    """
    temporary: Path | None = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
        fresh = temporary / "new"
        write(fresh)
        _sync(fresh)
        fresh.chmod(0o755)
        _put_in_place(fresh, folder, temporary / "old")
    except OSError as error:
        raise StorageError(
            Finding(
                "S101",
                str(folder),
                f"the folder can't be written: {error.strerror or error}.",
                "Free space or choose another folder.",
            )
        ) from error
    finally:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)


def _put_in_place(fresh: Path, folder: Path, aside: Path) -> None:
    replaced = folder.exists()
    if replaced:
        os.rename(folder, aside)
    try:
        os.rename(fresh, folder)
    except OSError:
        if replaced:
            os.rename(aside, folder)
        raise
    handle = os.open(folder.parent, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sync(folder: Path) -> None:
    for path in (folder, *sorted(folder.rglob("*"))):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def check_saved_model(folder: Path) -> None:
    """Refuse a SavedModel that is damaged or reaches outside itself (files, Python), without loading it.

    Raises:
        ArtifactError: Naming what is wrong.
    """
    from google.protobuf.message import DecodeError
    from tensorflow.core.protobuf import saved_model_pb2

    graph = folder / _GRAPH
    hint = "Use a folder that Advisor wrote, as it wrote it; export the model again when there is none."
    if not graph.is_file():
        raise ArtifactError(Finding("A101", str(folder), f"there is no SavedModel: {_GRAPH} is missing.", hint))
    links = [path.name for path in folder.rglob("*") if path.is_symlink()]
    if links:
        raise ArtifactError(Finding("A103", str(folder), f"the folder contains a link, {sorted(links)[0]!r}.", hint))
    if graph.stat().st_size > _LARGEST_GRAPH_BYTES:
        raise ArtifactError(
            Finding("A104", str(graph), f"the graph is larger than {_LARGEST_GRAPH_BYTES} bytes.", hint)
        )
    document = saved_model_pb2.SavedModel()
    try:
        document.ParseFromString(graph.read_bytes())
    except DecodeError as error:
        raise ArtifactError(Finding("A102", str(graph), "the graph is damaged.", hint)) from error
    used: set[str] = set()
    for meta in document.meta_graphs:
        used.update(node.op for node in meta.graph_def.node)
        for function in meta.graph_def.library.function:
            used.update(node.op for node in function.node_def)
    unsafe = sorted(used & _UNSAFE_OPERATIONS)
    if unsafe:
        raise ArtifactError(Finding("A103", str(graph), f"the graph uses {', '.join(unsafe)}.", hint))


@dataclass(frozen=True)
class SavedModelRuntime:
    """A loaded SavedModel, called like a function from rows to answers.

    Attributes:
        loaded: What TensorFlow loaded; the graph's variables live only as long as it does.
        serve: Its endpoint ``serve``.
    """

    loaded: Any
    serve: Any

    def __call__(self, rows: Rows) -> Array:
        """Return the answers, (n, outputs), for encoded rows (n, width) or raw columns by name."""
        import tensorflow as tf

        inputs: Any
        inputs = tf.constant(rows) if isinstance(rows, np.ndarray) else {n: tf.constant(c) for n, c in rows.items()}
        answers: Array = self.serve(inputs).numpy()
        return answers


def load_saved_model(folder: Path) -> SavedModelRuntime:
    """Check a SavedModel, load it in TensorFlow alone, and return its ``serve`` endpoint as a function of rows.

    Args:
        folder: The folder.

    Returns:
        A function from encoded rows (n, width), or raw columns by name, to answers (n, outputs).

    Raises:
        ArtifactError: If the folder is missing, damaged or unsafe.
    """
    import tensorflow as tf

    check_saved_model(folder)
    try:
        with quiet():
            loaded = tf.saved_model.load(str(folder))
        serve = loaded.serve
    except Exception as error:  # TensorFlow raises many kinds for a damaged folder
        raise ArtifactError(
            Finding("A102", str(folder), f"the SavedModel can't be loaded: {first_line(error)}", "Export it again.")
        ) from error
    return SavedModelRuntime(loaded, serve)


def verify_saved_model(
    folder: Path,
    model: KerasModel,
    rows: Rows,
    *,
    root: Path,
    scale: Array | float = 1.0,
    tolerance: float = TOLERANCES["float32"],
) -> Artifact:
    """Reload a SavedModel and compare it with the model in memory; see :func:`advisor.export.compare.compare`.

    Raises:
        ArtifactError: If the folder can't be loaded.
        ExportError: If it answers differently.
    """
    reloaded = load_saved_model(folder)
    return verify("saved_model", folder, predictor(model), reloaded, rows, tolerance, root=root, scale=scale)
