"""Training: an epoch as one compiled graph, 1cycle, range test, early stopping, checkpoints that resume exactly."""

from advisor.training.listeners import history_of
from advisor.training.loop import train
from advisor.training.overfitting import overfits
from advisor.training.recipe import Recipe
from advisor.training.tensorboard import tensorboard_writer

__all__ = ["Recipe", "history_of", "overfits", "tensorboard_writer", "train"]
