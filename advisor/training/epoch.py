"""An epoch as one compiled graph: gather the batch, differentiate, update, step after step; then validate."""

from __future__ import annotations

from typing import Any

import numpy as np

from advisor.artifacts import Array, DataBundle, Part, Statistics
from advisor.training.losses import LOSSES, class_weights, row_scores, row_weights
from advisor.training.optimizers import METHODS, update
from advisor.training.recipe import Recipe

# Limits of memory and of the time until Ctrl-C is answered; results don't depend on the first, and the order of
# summation inside a validation on the second only.
LONGEST_CALL_STEPS = 4096
VALIDATION_ELEMENTS = 1 << 20


def permutation(seed: int, epoch: int, rows: int) -> Array:
    """Return the order of the training rows in an epoch (from 1), int32; the same in every process."""
    return np.random.default_rng([seed, epoch]).permutation(rows).astype(np.int32)


class EpochGraph:
    """Model, data, optimizer variables and the compiled functions over them.

    The model's variables are updated in place. Everything that a later step depends on is in :meth:`snapshot`.
    """

    def __init__(self, model: Any, bundle: DataBundle, statistics: Statistics | None, recipe: Recipe) -> None:
        """Put the data into constants and create the optimizer's variables; compiling waits for the first call."""
        import tensorflow as tf

        self._tf, self._model, self._recipe = tf, model, recipe
        self.rows = len(bundle.train)
        self.batch = min(recipe.batch_size, self.rows)
        self.steps_per_epoch = self.rows // self.batch
        wanted = recipe.range_test_steps if recipe.maximum_rate == "range_test" else 0
        self.capacity = min(max(self.steps_per_epoch, wanted), LONGEST_CALL_STEPS)
        scale = None if statistics is None else statistics.target_scale
        self._scale = 1.0 if scale is None else np.asarray(scale, np.float32)
        self._train = self._constants(bundle.train, bundle.train, statistics)
        self._val = self._constants(bundle.val, bundle.train, statistics)
        self._weights = [variable.value for variable in model.trainable_variables]
        self._constraints = [variable.constraint for variable in model.trainable_variables]
        self._kept = [variable.value for variable in model.weights]
        method = METHODS[recipe.optimizer]
        self._slots = [
            [tf.Variable(tf.zeros_like(weight), trainable=False, name=slot) for slot in method.slots]
            for weight in self._weights
        ]
        self._averaged = [w for w in self._kept if w.dtype.is_floating] if recipe.weight_averaging == "ema" else []
        self._averages = [tf.Variable(w, trainable=False) for w in self._averaged]
        self._updates = tf.Variable(0.0, trainable=False)
        self._state = [
            *(variable.value for variable in model.variables),
            *(slot for slots in self._slots for slot in slots),
            *self._averages,
            *(held for constraint in self._constraints for held in getattr(constraint, "variables", ())),
            self._updates,
        ]
        self._run = tf.function(self._steps, autograph=False, jit_compile=True if recipe.compiled else None)
        # One call an epoch: XLA would take longer to compile it than it could save.
        self._validate = tf.function(self._evaluate, autograph=False)

    def _constants(self, part: Part, train: Part, statistics: Statistics | None) -> tuple[Any, Any, Any]:
        tf, recipe = self._tf, self._recipe
        weights = class_weights(train.y, recipe.task) if recipe.class_weighting == "balanced" else None
        y = part.y if statistics is None else statistics.scaled(part.y)
        return (
            tf.constant(part.x),
            tf.constant(y),
            None if weights is None else tf.constant(row_weights(part.y, weights, recipe.task)),
        )

    def _take(self, data: tuple[Any, Any, Any], rows: Any) -> tuple[Any, Any, Any]:
        tf = self._tf
        x, y, weights = (None if values is None else tf.gather(values, rows) for values in data)
        return tf.cast(x, self._model.inputs[0].dtype), y, weights

    def _row_losses(self, y: Any, output: Any, weights: Any) -> Any:
        losses = LOSSES[self._recipe.loss](y, output, self._recipe)
        return losses if weights is None else losses * weights

    def _step(self, rows: Any, row: Any) -> Any:
        """Make one update and return the batch's loss."""
        tf, recipe = self._tf, self._recipe
        x, y, weights = self._take(self._train, rows)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(self._weights)
            output = self._model(x, training=True)
            loss = tf.reduce_mean(self._row_losses(y, output, weights))
            for penalty in self._model.losses:
                loss += penalty
        gradients = tape.gradient(loss, self._weights)
        if recipe.gradient_clipping is not None:
            gradients, _ = tf.clip_by_global_norm(gradients, recipe.gradient_clipping)
        for weight, gradient, slots, constraint in zip(
            self._weights, gradients, self._slots, self._constraints, strict=True
        ):
            if gradient is not None:
                update(weight, tf.convert_to_tensor(gradient), slots, row, recipe)
            if constraint is not None:
                weight.assign(constraint(weight))
        if self._averages:
            count = self._updates
            decay = tf.minimum(recipe.averaging_decay, (1.0 + count) / (10.0 + count))
            for average, weight in zip(self._averages, self._averaged, strict=True):
                average.assign_add((weight - average) * (1.0 - decay))
        self._updates.assign_add(1.0)
        return loss

    def _steps(self, order: Any, rows_of_controls: Any, count: Any) -> Any:
        """Make ``count`` steps; returns the losses, of which the first ``count`` mean something."""
        tf = self._tf

        def body(step: Any, losses: Any) -> tuple[Any, Any]:
            batch = tf.reshape(tf.slice(order, [step * self.batch], [self.batch]), [self.batch])
            loss = self._step(batch, rows_of_controls[step])
            return step + 1, tf.tensor_scatter_nd_update(losses, [[step]], [loss])

        _, losses = tf.while_loop(
            lambda step, _: step < count, body, (tf.constant(0), tf.zeros([self.capacity])), parallel_iterations=1
        )
        return losses

    def _evaluate(self) -> Any:
        """Return validation loss and mean row score; of the averaged weights where there are any."""
        tf = self._tf
        raw = [tf.identity(weight) for weight in self._averaged]
        for weight, average in zip(self._averaged, self._averages, strict=True):
            weight.assign(average)
        totals = self._totals()
        for weight, value in zip(self._averaged, raw, strict=True):
            weight.assign(value)
        return totals

    def _totals(self) -> Any:
        tf = self._tf
        rows = int(self._val[0].shape[0])
        chunk = max(1, min(rows, VALIDATION_ELEMENTS // max(1, int(np.prod(self._val[0].shape[1:])))))

        def part(first: Any, size: int) -> Any:
            x, y, weights = self._take(self._val, tf.range(first, first + size))
            output = self._model(tf.ensure_shape(x, [size, *x.shape[1:]]), training=False)
            losses = self._row_losses(y, output, weights)
            return tf.stack(
                [tf.reduce_sum(losses), tf.reduce_sum(row_scores(y, output, self._recipe.task, self._scale))]
            )

        if chunk == rows:
            return part(0, rows) / rows
        whole = rows // chunk
        _, totals = tf.while_loop(
            lambda index, _: index < whole,
            lambda index, sums: (index + 1, sums + part(index * chunk, chunk)),
            (tf.constant(0), tf.zeros([2])),
            parallel_iterations=1,
        )
        if rows % chunk:
            totals += part(whole * chunk, rows % chunk)
        return totals / rows

    def run(self, order: Array, controls: Array) -> Array:
        """Make the steps of consecutive batches of ``order``, at most ``capacity``; returns each step's loss.

        Args:
            order: Row numbers, int32 (steps * batch,).
            controls: What the optimizer needs of each step, float32 (steps, width).
        """
        count = len(controls)
        padded = np.zeros(self.capacity * self.batch, np.int32)
        padded[: count * self.batch] = order[: count * self.batch]
        rows = np.zeros((self.capacity, controls.shape[1]), np.float32)
        rows[:count] = controls
        losses = self._run(self._tf.constant(padded), self._tf.constant(rows), self._tf.constant(count))
        return np.asarray(losses.numpy()[:count])

    def evaluate(self) -> tuple[float, float]:
        """Return validation loss (without penalties) and metric: accuracy, or RMSE in the user's units."""
        loss, score = (float(value) for value in self._validate().numpy())
        if self._recipe.task in ("regression", "forecasting"):
            score = float(np.sqrt(score))
        return loss, score

    def snapshot(self) -> list[Array]:
        """Return copies of everything that later steps depend on: weights, seeds, optimizer, averages."""
        return [np.array(variable.numpy()) for variable in self._state]

    def restore(self, arrays: list[Array]) -> None:
        """Put a snapshot back."""
        for variable, array in zip(self._state, arrays, strict=True):
            variable.assign(array)

    def result(self) -> list[Array]:
        """Return copies of the weights as they would be delivered: averaged where averaging is on."""
        averages = {id(weight): average for weight, average in zip(self._averaged, self._averages, strict=True)}
        return [np.array(averages.get(id(weight), weight).numpy()) for weight in self._kept]

    def deliver(self, weights: list[Array]) -> None:
        """Put delivered weights into the model."""
        for variable, array in zip(self._kept, weights, strict=True):
            variable.assign(array)
