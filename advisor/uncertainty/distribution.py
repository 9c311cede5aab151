"""What a network that is asked many times says: mean, spread, intervals, densities, class probabilities. NumPy only."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from advisor.artifacts import Array
from advisor.errors import DataError, Finding, RequestError

SMALLEST = 1e-12
_HALF_LOG_TWO_PI = 0.5 * math.log(2.0 * math.pi)


@dataclass(frozen=True)
class ValueDistribution:
    """Predicted distributions of numbers, one a row: an equal mixture around the samples, as wide as the noise.

    Attributes:
        samples: Answers of the sampled networks, in the user's units (rows, samples, outputs).
        noise: Standard deviation of the observations around a right answer, (outputs,).
        scores: What calibration rows lay off, in predicted standard deviations, sorted, (calibration rows, outputs);
            empty when intervals are not calibrated.
        degrees: Degrees of freedom of the noise, (outputs,): Student's t where they are finite, Gaussian where they
            are infinite; None is Gaussian throughout.
    """

    samples: Array
    noise: Array
    scores: Array
    degrees: Array | None = None

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.samples)

    @cached_property
    def mean(self) -> Array:
        """The mean prediction: (rows,), or (rows, outputs) for several targets."""
        return self._shaped(self.samples.mean(axis=1, dtype=np.float64))

    @cached_property
    def std(self) -> Array:
        """The standard deviation of a new observation: the spread of the networks and the noise together."""
        return self._shaped(self._std)

    @cached_property
    def epistemic(self) -> Array:
        """The part of the standard deviation that more data would take away: the spread of the networks."""
        return self._shaped(self.samples.std(axis=1, dtype=np.float64))

    @cached_property
    def aleatoric(self) -> Array:
        """The part of the standard deviation that stays whatever is learned: the noise of the observations."""
        return self._shaped(np.broadcast_to(self.noise, self._std.shape).astype(np.float64))

    def interval(self, level: float = 0.9) -> tuple[Array, Array]:
        """Return bounds that hold the truth of a new row with this probability.

        With calibration (split conformal): the mean plus and minus as many standard deviations as covered this share
        of the calibration rows. Without: the Gaussian quantiles.

        Args:
            level: Share of rows to cover, between 0 and 1.

        Returns:
            Lower and upper bounds, each (rows,) or (rows, outputs).

        Raises:
            RequestError: If the level isn't between 0 and 1, or the calibration rows are too few to promise it.
        """
        width = self._factor(level) * self._std
        mean = self.samples.mean(axis=1, dtype=np.float64)
        return self._shaped(mean - width), self._shaped(mean + width)

    def log_prob(self, y: Any) -> Array:
        """Return the logarithm of the predicted density at observed values, summed over outputs, (rows,).

        Args:
            y: Observed values, (rows,) or (rows, outputs), in the user's units.

        Raises:
            DataError: If their number differs from the rows'.
        """
        observed = _observed(y, self.samples.shape[0], self.samples.shape[2])
        return mixture_log_density(self.samples, self.noise, observed, self.degrees)

    @cached_property
    def _std(self) -> Array:
        variance: Array = self.samples.var(axis=1, dtype=np.float64) + np.asarray(self.noise, np.float64) ** 2
        return np.asarray(np.sqrt(np.maximum(variance, SMALLEST**2)))

    def _factor(self, level: float) -> Array:
        if isinstance(level, bool) or not isinstance(level, int | float | np.number) or not 0 < level < 1:
            raise RequestError(Finding("U104", "level", f"the level is {level!r}; it must lie between 0 and 1."))
        if not len(self.scores):
            from statistics import NormalDist

            return np.full(self.samples.shape[2], NormalDist().inv_cdf((1 + float(level)) / 2))
        count = len(self.scores)
        rank = math.ceil((count + 1) * float(level) - 1e-9)
        if rank > count:
            raise RequestError(
                Finding(
                    "U104",
                    "level",
                    f"{count} calibration rows can't promise {level:.6g}; "
                    f"the highest level is {count / (count + 1):.4g}.",
                    "Ask for a lower level, or train with more validation rows.",
                )
            )
        factor: Array = self.scores[rank - 1]
        return factor

    def _shaped(self, table: Array) -> Array:
        return np.asarray(table[:, 0] if table.shape[1] == 1 else table)


@dataclass(frozen=True)
class ClassDistribution:
    """Predicted distributions of classes, one a row.

    Attributes:
        sampled: Calibrated probabilities of every sampled network: (rows, samples, classes), or (rows, samples,
            labels) where several labels may hold at once.
        task: ``binary``, ``multiclass`` or ``multilabel``.
        classes: Labels in the order of the columns.
    """

    sampled: Array
    task: str
    classes: tuple[Any, ...]

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.sampled)

    @cached_property
    def probabilities(self) -> Array:
        """Mean probability of each class, (rows, classes)."""
        return np.asarray(self.sampled.mean(axis=1, dtype=np.float64))

    @property
    def mean(self) -> Array:
        """The same as :attr:`probabilities`."""
        return self.probabilities

    @cached_property
    def std(self) -> Array:
        """Spread of each class's probability over the networks, (rows, classes)."""
        return np.asarray(self.sampled.std(axis=1, dtype=np.float64))

    @cached_property
    def entropy(self) -> Array:
        """Entropy of the mean probabilities in nats, (rows,): the whole uncertainty. Labels' entropies add up."""
        return self._entropy(self.probabilities)

    @cached_property
    def mutual_information(self) -> Array:
        """How much of the entropy comes from the networks' disagreement, (rows,): the epistemic part."""
        each = self._entropy(self.sampled.astype(np.float64)).mean(axis=1)
        return np.asarray(np.maximum(self.entropy - each, 0.0))

    @cached_property
    def confidence(self) -> Array:
        """Probability of the predicted class (labels: of the least certain predicted label), (rows,)."""
        if self.task == "multilabel":
            return np.asarray(np.maximum(self.probabilities, 1 - self.probabilities).min(axis=1))
        return np.asarray(self.probabilities.max(axis=1))

    def log_prob(self, y: Any) -> Array:
        """Return the logarithm of the probability given to observed classes, (rows,).

        Args:
            y: Observed labels (members of :attr:`classes`), (rows,); for several labels a table of 0 and 1.

        Raises:
            DataError: If their number differs from the rows', or a label is unknown.
        """
        p = np.clip(self.probabilities, SMALLEST, 1.0)
        if self.task == "multilabel":
            truth = _observed(y, *p.shape)
            other = np.clip(1 - self.probabilities, SMALLEST, 1.0)
            return np.asarray((truth * np.log(p) + (1 - truth) * np.log(other)).sum(axis=1))
        places = {str(name): place for place, name in enumerate(self.classes)}
        given = [str(each) for each in np.asarray(y).reshape(-1).tolist()]
        unknown = sorted({each for each in given if each not in places})
        if unknown:
            raise DataError(
                Finding("U105", "y", f"{unknown[0]!r} is no class of this model; known: {', '.join(places)}.")
            )
        if len(given) != len(p):
            raise DataError(Finding("U105", "y", f"{len(given)} labels for {len(p)} rows."))
        return np.asarray(np.log(p[np.arange(len(p)), [places[each] for each in given]]))

    def _entropy(self, p: Array) -> Array:
        p = np.clip(p, SMALLEST, 1.0)
        total = -(p * np.log(p)).sum(axis=-1)
        if self.task == "multilabel":
            q = np.clip(1.0 - p, SMALLEST, 1.0)
            total = total - (q * np.log(q)).sum(axis=-1)
        return np.asarray(total)


def mixture_log_density(samples: Array, noise: Array, y: Array, degrees: Array | None = None) -> Array:
    """Return the log density of an equal mixture of Gaussians, or of Student's t, summed over outputs.

    Args:
        samples: Means (rows, samples, outputs).
        noise: Standard deviation of each part of the mixture, (outputs,).
        y: Where, (rows, outputs).
        degrees: Degrees of freedom, (outputs,), each above 2 (below, no standard deviation exists) and infinite for a
            Gaussian; None is Gaussian throughout.

    Returns:
        (rows,).

    Source:
        Gal and Ghahramani 2016, "Dropout as a Bayesian Approximation", section 5.3 (predictive log-likelihood), and
        Lange, Little and Taylor 1989, "Robust Statistical Modeling Using the t Distribution" (the heavier tails).
    """
    width = np.maximum(np.asarray(noise, np.float64), SMALLEST)
    freedom = np.full(len(width), math.inf) if degrees is None else np.asarray(degrees, np.float64)
    off = np.asarray(y, np.float64)[:, None, :] - samples.astype(np.float64)
    density = np.zeros(len(samples))
    for output, (own, free) in enumerate(zip(width, freedom, strict=True)):
        heavy = math.isfinite(free)
        scale = own * math.sqrt((free - 2.0) / free) if heavy else own
        z = off[:, :, output] / scale
        exponent = -0.5 * (free + 1.0) * np.log1p(z**2 / free) if heavy else -0.5 * z**2
        top = exponent.max(axis=1, keepdims=True)
        constant = (
            math.lgamma((free + 1.0) / 2.0) - math.lgamma(free / 2.0) - 0.5 * math.log(math.pi * free)
            if heavy
            else -_HALF_LOG_TWO_PI
        )
        density += top[:, 0] + np.log(np.exp(exponent - top).mean(axis=1)) + constant - math.log(scale)
    return density


def tempered(logits: Array, temperature: float, task: str) -> Array:
    """Return the class probabilities that logits mean at a temperature.

    Args:
        logits: (rows, samples, outputs), before the last activation.
        temperature: What they are divided by.
        task: ``binary`` gives two classes from one output; ``multilabel`` one probability an output.

    Returns:
        (rows, samples, classes), float64.
    """
    z = logits.astype(np.float64) / temperature
    if task == "multiclass":
        z = z - z.max(axis=-1, keepdims=True)
        e = np.exp(z)
        return np.asarray(e / e.sum(axis=-1, keepdims=True))
    p = 0.5 * (1.0 + np.tanh(0.5 * z))
    return np.concatenate([1.0 - p, p], axis=-1) if task == "binary" else np.asarray(p)


def _observed(y: Any, rows: int, outputs: int) -> Array:
    try:
        table = np.asarray(y, np.float64).reshape(-1, outputs)
    except (TypeError, ValueError) as error:
        raise DataError(Finding("U105", "y", f"the observed values don't fit {outputs} outputs: {error}.")) from error
    if len(table) != rows:
        raise DataError(Finding("U105", "y", f"{len(table)} observed values for {rows} rows."))
    return table
