"""Windows for forecasts: how far they look back, where they begin, and which part they belong to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from advisor.data.limits import ReadingLimits

Rows = NDArray[np.int64]

STEPS_WITHOUT_SEASON = 32
LONGEST_SEASON = 400
WEAKEST_SEASON = 0.3
MOST_SEGMENTS = 32
USUAL_SEGMENT = 24
MOST_WINDOWS = 20_000
"""Conventions of reading: without a season, a window has at least 32 steps; a season is looked for up to 400 steps
and counts from a correlation of 0.3 on; a recurrent layer takes at most 32 segments; of more than 20,000 windows every
k-th is used."""


def find_season(values: NDArray[np.float32]) -> int:
    """Return after how many steps series repeat themselves, 0 if they don't.

    It is the first maximum of the autocorrelation, that of the most regular channel, of the changes between steps (so
    that a trend is no season) that comes near the greatest one.

    Args:
        values: float32 (steps, channels), without gaps.
    """
    changes = np.diff(values.astype(np.float64), axis=0)
    longest = min(LONGEST_SEASON, len(changes) // 3)
    spread = changes.std(axis=0)
    changes = changes[:, spread > 0]
    if longest < 3 or not changes.shape[1]:
        return 0
    centered = (changes - changes.mean(axis=0)) / changes.std(axis=0)
    size = 1 << int(2 * len(centered) - 1).bit_length()
    power = np.abs(np.fft.rfft(centered, size, axis=0)) ** 2
    correlation = np.fft.irfft(power, size, axis=0)[: longest + 2].max(axis=1) / len(centered)
    lags = np.arange(2, longest + 1)
    peaks = lags[(correlation[lags] >= correlation[lags - 1]) & (correlation[lags] > correlation[lags + 1])]
    if not len(peaks) or correlation[peaks].max() < WEAKEST_SEASON:
        return 0
    near = peaks[correlation[peaks] >= 0.9 * correlation[peaks].max()]
    return int(near[0])


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
