"""Those who want to hear of every epoch: Keras callbacks and the caller's progress display."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from advisor.artifacts import Epoch
from advisor.training.recipe import Recipe


class Listeners:
    """Calls Keras callbacks and ``on_epoch`` in Keras's order; costs nothing when there are none."""

    def __init__(
        self, model: Any, callbacks: Sequence[Any], on_epoch: Callable[[Epoch, int], None] | None, recipe: Recipe
    ) -> None:
        """Compile the model for the callbacks, which expect to find an optimizer on it."""
        self._model, self._on_epoch, self._recipe = model, on_epoch, recipe
        self._callbacks: Any = None
        if callbacks:
            import keras

            model.compile(optimizer=_keras_optimizer(recipe))
            model.stop_training = False
            self._callbacks = keras.callbacks.CallbackList(list(callbacks), model=model)

    def begin(self, planned: int) -> None:
        """Announce the training, and how many epochs are planned."""
        if self._callbacks is not None:
            self._callbacks.set_params({"epochs": planned, "verbose": 0})
            self._callbacks.on_train_begin()

    def begin_epoch(self, number: int) -> None:
        """Announce an epoch, counted from 1 (Keras counts from 0)."""
        if self._callbacks is not None:
            self._callbacks.on_epoch_begin(number - 1)

    def end_epoch(self, epoch: Epoch, planned: int) -> bool:
        """Tell what an epoch brought; true when a callback wants the training to end."""
        if self._on_epoch is not None:
            self._on_epoch(epoch, planned)
        if self._callbacks is None:
            return False
        self._model.optimizer.learning_rate = epoch.learning_rate
        self._callbacks.on_epoch_end(epoch.number - 1, logs_of(epoch, self._recipe.task))
        return bool(self._model.stop_training)

    def end(self) -> None:
        """Announce the end."""
        if self._callbacks is not None:
            self._callbacks.on_train_end()


def logs_of(epoch: Epoch, task: str) -> dict[str, float]:
    """Return an epoch under Keras's names: loss, val_loss, val_accuracy or val_rmse, learning_rate."""
    metric = "val_rmse" if task in ("regression", "forecasting") else "val_accuracy"
    return {
        "loss": epoch.loss,
        "val_loss": epoch.val_loss,
        metric: epoch.val_metric,
        "learning_rate": epoch.learning_rate,
    }


def history_of(epochs: Sequence[Epoch], task: str) -> dict[str, list[float]]:
    """Return the epochs as the dictionary of lists that a Keras ``History`` holds."""
    rows = [logs_of(epoch, task) for epoch in epochs]
    return {name: [row[name] for row in rows] for name in rows[0]} if rows else {}


def _keras_optimizer(recipe: Recipe) -> Any:
    import keras

    decay = recipe.weight_decay or None
    kinds: dict[str, Callable[[], Any]] = {
        "sgd_momentum": lambda: keras.optimizers.SGD(momentum=recipe.momentum, weight_decay=decay),
        "sgd_nesterov": lambda: keras.optimizers.SGD(momentum=recipe.momentum, nesterov=True, weight_decay=decay),
        "rmsprop": lambda: keras.optimizers.RMSprop(rho=recipe.rho, weight_decay=decay),
        "nadam": lambda: keras.optimizers.Nadam(beta_1=recipe.beta_1, beta_2=recipe.beta_2, weight_decay=decay),
        "adamw": lambda: keras.optimizers.AdamW(weight_decay=recipe.weight_decay, beta_1=recipe.beta_1),
    }
    return kinds[recipe.optimizer]()
