"""A device profile is read strictly, and says what it did."""

import pytest

from advisor.artifacts import Latency
from advisor.errors import RequestError
from advisor.pipeline.device import DeviceProfile

MEASURED = Latency(1.0, 2.0, 1000, "this host")


def write(folder, text):
    path = folder / "device.json"
    path.write_text(text)
    return path


def test_ratios_multiply_and_latencies_replace(tmp_path):
    text = '{"device": "board", "ratios": {"float32": 3}, "latencies": {"int8": {"p50_ms": 0.5, "p99_ms": 0.7}}}'
    profile = DeviceProfile.read(write(tmp_path, text))
    scaled = profile.apply(MEASURED, "float32")
    assert (scaled.p50_ms, scaled.p99_ms) == (3.0, 6.0)
    assert "board: 3 times" in scaled.host
    assert profile.apply(MEASURED, "int8").p99_ms == 0.7
    unknown = profile.apply(MEASURED, "float16")
    assert unknown.p99_ms == 2.0
    assert "says nothing of float16" in unknown.host


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "{}",
        '{"device": "board"}',
        '{"device": "board", "ratios": {"float32": -1}}',
        '{"device": "board", "ratios": {"float32": true}}',
        '{"device": "board", "ratios": {"float64": 1}}',
        '{"device": "board", "ratios": 3}',
        '{"device": "board", "latencies": {"int8": {"p50_ms": 1}}}',
        '{"device": "board", "ratio": {"int8": 1}}',
    ],
)
def test_what_is_no_profile_is_refused(tmp_path, text):
    with pytest.raises(RequestError, match="R132"):
        DeviceProfile.read(write(tmp_path, text))


def test_an_unknown_precision_is_answered_with_those_that_are_known(tmp_path):
    text = '{"device": "board", "ratios": {"int4": 1, "int16_activations": 2}}'
    with pytest.raises(
        RequestError, match="no precision 'int4'; allowed: float32, float16, int8, int16_activations"
    ) as raised:
        DeviceProfile.read(write(tmp_path, text))
    assert len(raised.value.findings) == 1


def test_a_missing_profile_is_named(tmp_path):
    with pytest.raises(RequestError, match="can't be read"):
        DeviceProfile.read(tmp_path / "none.json")
