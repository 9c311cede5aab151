"""Learning curves for TensorBoard."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from advisor.artifacts import Epoch
from advisor.training.listeners import logs_of


def tensorboard_writer(folder: Path, task: str) -> Callable[[Epoch, int], None]:
    """Return a function for ``train(on_epoch=…)`` that writes each epoch's scalars.

    Args:
        folder: Where the event file goes; created when it is missing.
        task: The problem's task, which names the metric.
    """
    import tensorflow as tf

    writer = tf.summary.create_file_writer(str(folder))
    # What tf.summary.scalar writes; it needs the package tensorboard for nothing but this.
    scalars = tf.compat.v1.SummaryMetadata(data_class=1)
    scalars.plugin_data.plugin_name = "scalars"

    def write(epoch: Epoch, planned: int) -> None:
        with writer.as_default(step=epoch.number):
            for name, value in logs_of(epoch, task).items():
                tf.summary.write(name, tf.constant(value, tf.float32), metadata=scalars)
        if epoch.number == planned or epoch.number % 20 == 0:
            writer.flush()

    return write
