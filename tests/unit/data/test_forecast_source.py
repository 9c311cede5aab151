"""Forecasts: no look ahead, seasons found, gaps mended and reported."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from advisor.data import encoder_from_contract, open_source
from advisor.data.forecast_windows import choose_segment, choose_window, find_season
from advisor.data.limits import ReadingLimits
from advisor.errors import DataError


def hourly(steps: int = 600) -> pl.DataFrame:
    """Return a noisy daily wave and a walk, hour by hour."""
    generator = np.random.default_rng(0)
    hours = np.arange(steps)
    wave = np.sin(2 * np.pi * hours / 24) + 0.1 * generator.normal(size=steps)
    times = np.datetime64("2020-01-01T00:00:00", "us") + hours.astype("timedelta64[h]")
    return pl.DataFrame({"time": times, "wave": wave, "walk": np.cumsum(generator.normal(size=steps))})


def opened(frame: pl.DataFrame, **options):
    return open_source(frame, options.pop("target", None), time="time", horizon=options.pop("horizon", 12), **options)


def test_the_daily_season_is_found() -> None:
    assert find_season(hourly()["wave"].to_numpy().astype(np.float32)[:, np.newaxis]) == 24


@pytest.mark.parametrize("period", [3, 7, 12, 24, 48])
@pytest.mark.parametrize("noise", [0.0, 0.1, 0.5])
@pytest.mark.parametrize("trend", ["none", "straight", "bent", "walk"])
def test_a_season_is_found_under_noise_and_trends(period: int, noise: float, trend: str) -> None:
    generator, steps = np.random.default_rng(period), np.arange(1500)
    wave = np.sin(2 * np.pi * steps / period) + noise * generator.normal(size=1500)
    trends = {"none": 0, "straight": steps / 50, "bent": (steps / 300) ** 2, "walk": 0.05 * generator.normal(size=1500)}
    trends["walk"] = np.cumsum(trends["walk"])
    constant, line = np.full(1500, 3.3), steps * 0.7
    channels = np.stack([constant, wave + trends[trend], line], axis=1).astype(np.float32)
    assert abs(find_season(channels) - period) <= period // 24


@pytest.mark.parametrize("steps", [3, 10, 60, 150, 500, 2000])
def test_noise_and_walks_have_no_season(steps: int) -> None:
    for seed in range(20):
        noise = np.random.default_rng(seed).normal(size=(steps, 1))
        assert find_season(noise.astype(np.float32)) == 0
        assert find_season(np.cumsum(noise, axis=0).astype(np.float32)) == 0
    assert find_season(np.ones((steps, 2), np.float32)) == 0


def test_window_and_segment_follow_the_season() -> None:
    assert choose_window(12, 24, 900, ReadingLimits())[0] == 96
    assert choose_segment(96, 24) == 24
    assert choose_window(10, 0, 400, ReadingLimits())[0] == 32
    assert 32 % choose_segment(32, 0) == 0


def test_no_test_step_is_read_or_forecast_in_training() -> None:
    frame = hourly()
    source = opened(frame)
    bundle = source.bundle(source.split(0))
    last_train = round(600 * 0.64)
    known = frame["walk"].to_numpy().astype(np.float32)[:last_train]
    assert np.isin(bundle.train.x[..., 1], known).all()
    assert np.isin(bundle.train.y.reshape(len(bundle.train), 12, 2)[..., 1], known).all()
    first_test = round(600 * 0.80)
    tested = frame["walk"].to_numpy().astype(np.float32)[first_test:]
    assert np.isin(bundle.test.y.reshape(len(bundle.test), 12, 2)[..., 1], tested).all()


def test_a_split_that_looks_ahead_is_refused() -> None:
    parts = pl.Series("_split", ["test"] * 100 + ["train"] * 400 + ["val"] * 100)
    with pytest.raises(DataError, match="look ahead"):
        opened(hourly().with_columns(parts))


def test_a_short_gap_is_filled_and_reported() -> None:
    frame = hourly()
    gap = pl.concat([frame[:200], frame[203:]])
    source = opened(gap.sample(fraction=1.0, shuffle=True, seed=1))
    assert any("3 missing steps" in note for note in source.schema.notes)
    assert any("sorted" in note for note in source.schema.notes)


def test_long_gaps_and_double_times_are_errors() -> None:
    frame = hourly()
    with pytest.raises(DataError, match="are missing"):
        opened(pl.concat([frame[:200], frame[400:]]))
    with pytest.raises(DataError, match="the same time"):
        opened(pl.concat([frame, frame[:1]]))


def test_the_last_window_is_what_a_forecast_starts_from() -> None:
    frame = hourly()
    encoder = opened(frame, target="wave").encoder
    x = encoder.encode(frame)
    assert x.shape == (1, 96, 1)
    assert np.array_equal(x[0, :, 0], frame["wave"].to_numpy()[-96:].astype(np.float32))
    assert np.array_equal(encoder_from_contract(encoder.contract()).encode(frame), x)
    with pytest.raises(DataError, match="a forecast reads 96"):
        encoder.encode(frame[:50])


def test_several_series_are_forecast_each_by_itself() -> None:
    frame = pl.concat([hourly().with_columns(pl.lit(name).alias("id")) for name in "ab"])
    source = opened(frame, series_id="id")
    assert source.encoder.encode(frame).shape == (2, 96, 2)
    bundle = source.bundle(source.split(0))
    alone = opened(hourly())
    assert len(bundle.train) == 2 * len(alone.bundle(alone.split(0)).train)
