from __future__ import annotations

import gc
import platform
import time

import pytest

from advisor.errors import DataError
from advisor.evaluation import host, measure_latency


def test_a_known_delay_is_measured():
    def slow_now_and_then(k):
        end = time.perf_counter_ns() + (2_000_000 if k == 0 else 20_000)
        while time.perf_counter_ns() < end:
            pass

    found = measure_latency(slow_now_and_then, range(50), runtime="a loop", calls=1000, warmup=100)
    assert 0.02 <= found.p50_ms < 2.0
    assert found.p99_ms >= 2.0
    assert found.calls == 1000
    assert found.host.endswith("; a loop")


def test_the_collector_rests_while_timing_and_is_put_back():
    seen = []
    measure_latency(lambda row: seen.append(gc.isenabled()), [1], runtime="x", calls=1000, warmup=100)
    assert not any(seen[100:])
    assert gc.isenabled()

    def fail(row):
        raise KeyError(row)

    with pytest.raises(KeyError):
        measure_latency(fail, [1], runtime="x")
    assert gc.isenabled()


def test_every_row_takes_its_turn():
    seen = []
    measure_latency(seen.append, ["a", "b", "c"], runtime="x", calls=1000, warmup=100)
    assert seen[100:103] == ["a", "b", "c"]
    assert len(seen) == 1100


def test_fewer_calls_than_the_definition_asks_for_are_refused():
    with pytest.raises(ValueError, match="at least 1000 calls"):
        measure_latency(id, [1], runtime="x", calls=999)
    with pytest.raises(DataError, match="without a row"):
        measure_latency(id, [], runtime="x")


def test_the_host_is_described_without_its_name():
    described = host()
    assert "core" in described
    assert platform.node() not in described
