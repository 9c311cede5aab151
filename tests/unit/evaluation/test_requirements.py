from __future__ import annotations

import pytest

from advisor.artifacts import Latency
from advisor.errors import RequestError
from advisor.evaluation import (
    Measurement,
    latency_measurement,
    size_measurement,
    sparsity_measurement,
    verdicts,
)


def requirement(name, required, unit, comparison="at_most"):
    return {"name": name, "required": required, "unit": unit, "comparison": comparison, "measured_as": "…"}


def test_every_requirement_is_compared_with_its_measurement():
    found = verdicts(
        [
            requirement("latency", 0.05, "ms"),
            requirement("size", 5, "kB"),
            requirement("sparsity", 0.9, "fraction", "at_least"),
        ],
        {
            "latency": latency_measurement(Latency(0.01, 0.06, 2000, "a host; LiteRT")),
            "size": size_measurement(5000, "model.tflite"),
            "sparsity": sparsity_measurement(0.91, "model.tflite"),
        },
    )
    assert [(verdict.name, verdict.met) for verdict in found] == [
        ("latency", False),
        ("size", True),
        ("sparsity", True),
    ]
    assert found[0].measured == 0.06
    assert "2000 single-row predictions" in found[0].how
    assert "a host; LiteRT" in found[0].how


@pytest.mark.parametrize(
    ("comparison", "measured", "met"),
    [("at_most", 1.0, True), ("at_most", 1.0000001, False), ("at_least", 1.0, True), ("at_least", 0.9999999, False)],
)
def test_the_boundary_belongs_to_what_is_met(comparison, measured, met):
    (found,) = verdicts([requirement("size", 1.0, "kB", comparison)], {"size": Measurement(measured, "kB", "by hand")})
    assert found.met is met


@pytest.mark.parametrize(
    ("measurements", "message"),
    [
        ({}, "was not measured"),
        ({"size": Measurement(float("nan"), "kB", "")}, "was not measured"),
        ({"size": Measurement(1.0, "MB", "")}, "required in 'kB', but measured in 'MB'"),
    ],
)
def test_nothing_is_said_of_what_was_not_measured(measurements, message):
    with pytest.raises(RequestError, match=message):
        verdicts([requirement("size", 1.0, "kB")], measurements)


def test_an_unknown_comparison_is_refused_and_no_requirement_needs_no_measurement():
    with pytest.raises(RequestError, match="unknown comparison 'about'"):
        verdicts([requirement("size", 1.0, "kB", "about")], {"size": Measurement(1.0, "kB", "")})
    assert verdicts([], {"size": Measurement(1.0, "kB", "")}) == ()
