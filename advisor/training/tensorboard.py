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
    # What tf.summary.scalar writes (that function needs the package tensorboard), all of an epoch in one operation.
    scalars = tf.compat.v1.SummaryMetadata(data_class=1)
    scalars.plugin_data.plugin_name = "scalars"

    def write(epoch: Epoch, planned: int) -> None:
        summary = tf.compat.v1.Summary()
        for name, value in logs_of(epoch, task).items():
            written = tf.make_tensor_proto(float(value), tf.float32)
            summary.value.add(tag=name, metadata=scalars, tensor=written)
        with writer.as_default():
            tf.summary.experimental.write_raw_pb(summary.SerializeToString(), step=epoch.number)
        if epoch.number == planned or epoch.number % 20 == 0:
            writer.flush()

    return write
