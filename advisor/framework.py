"""The deep-learning framework: imported once, without its chatter; and which weights of its models are kernels."""

from __future__ import annotations

import gc
import logging
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from advisor.errors import Finding, RequestError

KERNELS = frozenset(["kernel", "recurrent_kernel", "depthwise_kernel", "pointwise_kernel"])
"""Names of the weights that multiply inputs or states: of dense layers, convolutions and recurrent cells."""


def kernels_of(model: Any) -> dict[str, Any]:
    """Return path → variable of every kernel of a Keras model, in the order of its weights.

    Biases, normalization and embeddings are none; layers inside of layers and of models count.
    """
    return {weight.path: weight for weight in model.weights if weight.path.rpartition("/")[2] in KERNELS}


def load_framework() -> None:
    """Import TensorFlow and Keras 3 with TensorFlow as its backend; does nothing the second time.

    TensorFlow writes to the terminal before its log level can be set, so the import runs with standard error aside;
    what it wrote is shown only if the import fails. The collector of unreachable objects rests meanwhile: an import
    leaves next to none, and looking for them took a fifth of the import's time.

    Raises:
        RequestError: If Keras was already imported with another backend.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if "keras" not in sys.modules:
        os.environ["KERAS_BACKEND"] = "tensorflow"
        with _standard_error_aside(), _collector_resting():
            import keras
            import tensorflow  # noqa: F401
        if _process_is_ours:
            gc.freeze()
    # Advice to those who write TensorFlow code; this program's user doesn't.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    import keras

    backend = keras.backend.backend()
    if backend != "tensorflow":
        raise RequestError(
            Finding(
                "R140",
                "KERAS_BACKEND",
                f"Keras was imported with the backend {backend!r}; advisor needs 'tensorflow'.",
                "Import advisor before Keras, or unset KERAS_BACKEND.",
            )
        )


_process_is_ours = False


def own_process() -> None:
    """Say that this process is the program's own: what the framework's import makes is then never searched for cycles.

    That saves a tenth of a training's time. In a user's process it could keep what the user would rather lose.
    """
    global _process_is_ours
    _process_is_ours = True


@contextmanager
def _collector_resting() -> Iterator[None]:
    """Look for no unreachable objects for a while."""
    worked = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if worked:
            gc.enable()


@contextmanager
def _standard_error_aside() -> Iterator[None]:
    """Send file descriptor 2, to which C++ writes, into a file; show it if something fails."""
    sys.stderr.flush()
    with tempfile.TemporaryFile() as aside:
        kept = os.dup(2)
        os.dup2(aside.fileno(), 2)
        try:
            yield
        except BaseException:
            aside.seek(0)
            os.write(kept, aside.read())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)
