"""Windows for forecasts: how far they look back, where they begin, and which part they belong to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from advisor.data.limits import ReadingLimits

Rows = NDArray[np.int64]

STEPS_WITHOUT_SEASON = 32
LONGEST_SEASON = 400
STRAIGHT = 1e-6
LEAST_REPEATS = 4
LARGEST_DIFFERENCE = 0.75
STRICTER_WHEN_SHORT = 4.0
NEARLY_AS_ALIKE = 0.1
NEAR_A_LAG = 8
MOST_SEGMENTS = 32
USUAL_SEGMENT = 24
MOST_WINDOWS = 20_000
"""Conventions of reading (judgement; those of seasons were tried on waves under noise and trends, on noise, and on
random walks). Without a season, a window has at least 32 steps. A season has up to 400 steps, is seen at least four
times, and brings values that differ (squared) by at most 0.75 of the most before, in n steps by 4 / √n less; at twice
the season, give or take an eighth of it, they do so again. Of several that are alike but for 0.1 of that, it is the
first. A channel that leaves a straight line by less than 1e-6 of its spread has none. A recurrent layer takes at most
32 segments; of more than 20,000 windows every k-th is used."""


def find_season(values: NDArray[np.float32]) -> int:
    """Return after how many steps series repeat themselves, 0 if they don't.

    Looked for in the values without their straight trend, and if that finds nothing, in their changes from step to
    step, which no bent trend hides.

    Args:
        values: float32 (steps, channels), without gaps.
    """
    levels = values - values.mean(axis=0, dtype=np.float64)
    spread = levels.std(axis=0)
    steps = np.arange(len(levels)) - (len(levels) - 1) / 2
    levels -= np.outer(steps, steps @ levels) / max(1.0, float(steps @ steps))
    levels = levels[:, levels.std(axis=0) > STRAIGHT * spread]
    return _season_of(levels) or _season_of(np.diff(levels, axis=0))


def _season_of(values: NDArray[np.float64]) -> int:
    """Return the lag at which values are most alike again, of the most regular channel; 0 if there is none.

    How much values differ at a lag (the variogram) grows with the lag for noise and for random walks, and falls back
    at the season and at twice the season. What counts as falling back is stricter for fewer steps, where it happens
    by chance.
    """
    longest = min(LONGEST_SEASON, len(values) // LEAST_REPEATS)
    if longest < 3:
        return 0
    differences = _variogram(values, 2 * longest + longest // NEAR_A_LAG + 1)[2:]
    ratios = differences / np.maximum(np.maximum.accumulate(differences), np.finfo(np.float64).tiny)
    unlike = np.concatenate([[1.0, 1.0], ratios.min(axis=1, initial=1.0)])
    allowed = LARGEST_DIFFERENCE - STRICTER_WHEN_SHORT / np.sqrt(len(values))
    lags = np.arange(2, longest + 1)
    valleys = lags[(unlike[lags] <= unlike[lags - 1]) & (unlike[lags] < unlike[lags + 1]) & (unlike[lags] <= allowed)]

    def comes_again(lag: int) -> bool:
        near = lag // NEAR_A_LAG
        return bool(unlike[2 * lag - near : 2 * lag + near + 1].min() <= allowed)

    seasons = [lag for lag in valleys if comes_again(lag)]
    if not seasons:
        return 0
    first = next(lag for lag in seasons if unlike[lag] <= unlike[seasons].min() + NEARLY_AS_ALIKE)
    return int(min((lag for lag in seasons if 2 * lag < 3 * first), key=lambda lag: unlike[lag]))


def _variogram(values: NDArray[np.float64], lags: int) -> NDArray[np.float64]:
    """Return the mean squared difference of values that are 0, 1, ... steps apart, (lags, channels)."""
    count = len(values)
    size = 1 << (2 * count - 1).bit_length()
    products = np.fft.irfft(np.abs(np.fft.rfft(values, size, axis=0)) ** 2, size, axis=0)[:lags]
    squares = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values**2, axis=0)])
    lag = np.arange(lags)
    sums = squares[count - lag] + (squares[count] - squares[lag]) - 2 * products
    return np.asarray(np.maximum(sums, 0) / (count - lag)[:, np.newaxis])


def choose_window(horizon: int, season: int, steps: int, limits: ReadingLimits) -> tuple[int, str]:
    """Return how many steps a forecast reads, and why, in a sentence.

    Args:
        horizon: Steps to forecast.
        season: Steps of a season, 0 without.
        steps: Steps of the shortest training part.
        limits: How many seasons and horizons to look back.
    """
    if season:
        wanted = season * max(limits.window_seasons, -(-limits.window_horizons * horizon // season))
        why = f"{wanted // season} seasons of {season} steps"
    else:
        wanted = max(STEPS_WITHOUT_SEASON, limits.window_horizons * horizon)
        why = f"no season was found; {wanted} steps are enough for a trend"
    most = max(2, (steps - horizon) // 2)
    if wanted > most:
        wanted = most - most % season if season and most >= season else most
        why = f"no more than {wanted} steps, for the series is short"
    return wanted, why


def choose_segment(window: int, season: int) -> int:
    """Return the length of the segments that the recurrent layers read one after the other.

    A season where the window is made of seasons; else the divisor of the window that is nearest to 24 and leaves at
    most 32 segments.
    """
    if season and window % season == 0 and 1 < window // season <= MOST_SEGMENTS:
        return season
    divisors = [size for size in range(1, window + 1) if window % size == 0 and window // size <= MOST_SEGMENTS]
    return min(divisors, key=lambda size: (abs(size - USUAL_SEGMENT), size))


@dataclass(frozen=True, eq=False)
class Origins:
    """Where the forecasts of one part begin.

    Attributes:
        series: Number of the series, (n,).
        first: Place of the first step that is forecast, (n,).
    """

    series: Rows
    first: Rows

    def __len__(self) -> int:
        """Return the number of forecasts."""
        return len(self.series)


def origins_of(parts: list[NDArray[np.str_]], name: str, window: int, horizon: int) -> Origins:
    """Return every place from which a whole horizon lies in a part; what is read may reach back into earlier parts.

    Args:
        parts: For each series, the part of each step.
        name: The part.
        window: Steps that are read.
        horizon: Steps that are forecast.
    """
    numbers, firsts = [], []
    for number, part in enumerate(parts):
        inside = np.concatenate([[0], np.cumsum(part == name)])
        places = np.arange(window, len(part) - horizon + 1)
        whole = inside[places + horizon] - inside[places] == horizon if len(places) else np.zeros(0, bool)
        firsts.append(places[whole])
        numbers.append(np.full(int(whole.sum()), number))
    series, first = np.concatenate(numbers).astype(np.int64), np.concatenate(firsts).astype(np.int64)
    every = -(-len(series) // MOST_WINDOWS)
    return Origins(series[::every], first[::every]) if every > 1 else Origins(series, first)


def cut(
    values: list[NDArray[np.float32]], origins: Origins, window: int, horizon: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return what is read, (n, window, channels), and what follows, (n, horizon · channels), step by step."""
    channels = values[0].shape[1]
    x = np.empty((len(origins), window, channels), np.float32)
    y = np.empty((len(origins), horizon * channels), np.float32)
    for row, (number, first) in enumerate(zip(origins.series, origins.first, strict=True)):
        x[row] = values[number][first - window : first]
        y[row] = values[number][first : first + horizon].reshape(-1)
    return x, y


def time_parts(steps: int, fractions: tuple[float, float, float]) -> NDArray[np.str_]:
    """Return the part of each step: the earliest to fit on, the next to choose on, the latest to measure on."""
    train = round(steps * fractions[0])
    val = round(steps * (fractions[0] + fractions[1]))
    parts = np.full(steps, "train", dtype="<U5")
    parts[train:val] = "val"
    parts[val:] = "test"
    return parts
