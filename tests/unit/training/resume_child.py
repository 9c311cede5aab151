"""A training in a process of its own, for tests that kill it: FOLDER RESUME SIGNAL EPOCH."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np

os.environ["KERAS_BACKEND"] = "tensorflow"

from advisor.artifacts import Epoch
from advisor.training import loop, train

from .cases import bundle, network, recipe, statistics


def main() -> None:
    """Train, perhaps sending a signal to ourselves on the way, and write weights and report."""
    folder, resume, number, at = Path(sys.argv[1]), sys.argv[2] == "resume", int(sys.argv[3]), int(sys.argv[4])
    loop.SECONDS_BETWEEN_CHECKPOINTS = 0.0

    def tell(epoch: Epoch, planned: int) -> None:
        if epoch.number == at:
            os.kill(os.getpid(), number)

    data = bundle(rows=240)
    model = network(data, dropout=0.2, bn=True)
    chosen = recipe(max_epochs=12, maximum_learning_rate="range_test", weight_averaging="ema", patience_epochs=8)
    report = train(
        model, data, chosen, seed=5, statistics=statistics(data), checkpoints=folder, resume=resume, on_epoch=tell
    )
    np.savez(folder / "weights.npz", *model.get_weights())
    losses = [epoch.val_loss.hex() for epoch in report.epochs]
    print(report.interrupted, len(report.epochs), report.best_epoch, ",".join(losses))


if __name__ == "__main__":
    main()
