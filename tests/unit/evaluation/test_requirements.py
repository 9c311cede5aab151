from __future__ import annotations

import pytest

from advisor.artifacts import Latency
from advisor.errors import RequestError
from advisor.evaluation import (
    Measurement,
    latency_measurement,
    metric_cost_measurement,
    size_measurement,
    sparsity_measurement,
    verdicts,
)
from advisor.recommendation import recommend


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


@pytest.mark.parametrize(("after", "met"), [(2.394, True), (2.408, False), (2.3, True)])
def test_what_8_bits_cost_is_a_verdict_with_both_metrics(after, met):
    before = 2.394
    wanted = [requirement("metric_cost", 0.005, "fraction")]
    measured = {"metric_cost": metric_cost_measurement((after - before) / before, before, after)}
    (verdict,) = verdicts(wanted, measured)
    assert verdict.met is met
    assert "2.394" in verdict.how
    assert f"{after:.4g}" in verdict.how


@pytest.mark.parametrize("device", ["microcontroller", "host"])
def test_only_a_microcontroller_makes_the_cost_of_8_bits_a_requirement(device):
    made = recommend({"task": "regression", "architecture": "dense_stack", "target_device": device})
    names = [each["name"] for each in made.requirements]
    assert names == (["metric_cost"] if device == "microcontroller" else [])
    if device == "microcontroller":
        assert made.requirements[0]["required"] == made.values["allowed_metric_cost"]
        assert made.values["compression_ladder"][:2] == ("full_int8", "int16_activations")


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
