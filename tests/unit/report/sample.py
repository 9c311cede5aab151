"""A made-up run, complete enough to fill every section of a report."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from advisor.artifacts import Artifact, Epoch, Event, Latency, TrainingReport, Verdict
from advisor.report import (
    Calibration,
    ColumnProfile,
    DataProfile,
    LayerSparsity,
    Metrics,
    ParetoPoint,
    ReportInputs,
    Score,
    Trial,
)

SELF_NORMALIZING = (
    "A plain stack of dense layers can keep the mean and variance of its activations by itself: SELU pulls them back "
    "towards 0 and 1 in every layer, if the weights start with LeCun's variance."
)


def decision(value: Any, rule: str, because: str, group: str, **more: Any) -> dict[str, Any]:
    return {
        "value": value,
        "rule": rule,
        "because": because,
        "source": {"work": "HOML2", "at": "ch. 11, Table 11-4"},
        "overrides": [],
        "alternatives": [],
        "group": group,
        **more,
    }


def sample_recommendation() -> dict[str, Any]:
    base = "self-normalizing-dense-stack"
    return {
        "schema_version": 1,
        "problem": {"task": "regression", "architecture": "dense_stack", "features": 8, "outputs": 1},
        "rulebook": {"name": "homl2", "version": "1.0", "sha256": "0" * 64},
        "decisions": {
            "kernel_initializer": decision(
                "lecun_normal",
                base,
                SELF_NORMALIZING,
                "network",
                overrides=[{"value": "he_normal", "rule": "default-configuration"}],
            ),
            "activation": decision(
                "selu", base, SELF_NORMALIZING, "network", overrides=[{"value": "elu", "rule": "default-configuration"}]
            ),
            "hidden_layers": decision(3, "default-depth", "Three layers are enough for most tables.", "network"),
            "units": decision(
                100, "default-width", "The same number of neurons in every layer is the usual shape.", "network"
            ),
            "input_normalization": decision(
                "standardize", "always-normalize", "Inputs of one scale train faster.", "inputs"
            ),
            "regularization": decision(
                "none", "early-stopping-first", "Rows are many compared with parameters.", "regularization"
            ),
            "optimizer": decision(
                "sgd_momentum",
                "momentum",
                "Momentum is fast and generalizes well.",
                "training",
                alternatives=["rmsprop", "nadam"],
            ),
            "learning_rate_schedule": decision(
                "one_cycle", "one-cycle", "One cycle converges in fewer epochs.", "training"
            ),
            "precision": decision("int8", "low-latency-int8", "Small numbers are read faster.", "compression"),
        },
        "requirements": [
            {"name": "latency", "required": 0.2, "unit": "ms", "comparison": "at_most", "measured_as": "p99"},
            {"name": "size", "required": 40, "unit": "kB", "comparison": "at_most", "measured_as": "bytes"},
        ],
        "plan": [
            {
                "step": "build",
                "does": "Build three dense layers.",
                "slots": ["hidden_layers", "units"],
                "status": "carried_out",
            },
            {"step": "quantize", "does": "Quantize to int8.", "slots": ["precision"], "status": "not_carried_out_yet"},
            {"step": "prune", "does": "Remove small weights.", "slots": [], "status": "not_needed"},
        ],
        "warnings": ["The table is small: expect the test metric to vary by several percent from split to split."],
        "trace": [],
    }


def sample_epochs(count: int) -> tuple[Epoch, ...]:
    return tuple(
        Epoch(
            number=number,
            loss=1.1 * math.exp(-number / 25) + 0.03,
            val_loss=1.0 * math.exp(-number / 22) + 0.08 + 0.0002 * number + 0.01 * math.sin(number),
            val_metric=16 * math.exp(-number / 22) + 5,
            learning_rate=0.05 * math.sin(math.pi * number / (count + 1)) + 1e-4,
            seconds=0.02,
        )
        for number in range(1, count + 1)
    )


def sample_inputs(
    *,
    name: str = "concrete-run",
    columns: tuple[str, ...] = ("cement", "slag", "water", "age"),
    target: str = "strength",
    classes: dict[str, int] | None = None,
    epochs: int = 200,
    figures: bool = True,
    message: str = "Training and validation loss parted; l2 was tried and dropped.",
) -> ReportInputs:
    training = TrainingReport(
        epochs=sample_epochs(epochs),
        best_epoch=max(1, epochs * 3 // 4),
        best_val_loss=0.0821,
        maximum_learning_rate=0.05,
        range_test=tuple(
            (10 ** (-5 + step / 20), 1.1 - 0.5 / (1 + math.exp(4 - step / 15)) + math.exp(step / 10 - 9))
            for step in range(100)
        ),
        events=(Event("diverged", "The loss became infinite in epoch 3; the rate was halved.", {"rate": 0.1}),),
        interrupted=False,
        seconds=4.2,
    )
    return ReportInputs(
        name=name,
        recommendation=sample_recommendation(),
        data=DataProfile(
            name="concrete.csv",
            target=target,
            rows={"train": 618, "val": 206, "test": 206},
            columns=(
                *(ColumnProfile(column, "numeric", "feature", missing=3) for column in columns),
                ColumnProfile(
                    "id",
                    "categorical",
                    "ignored",
                    categories=1030,
                    note="looks like an identifier: every value is different",
                ),
                ColumnProfile(target, "numeric", "target"),
            ),
            classes=classes or {},
            facts=(("features", 8, "columns that carry information"), ("labeled_rows", 1030, "rows with a target")),
            notes=("The column id looks like an identifier and is not used.",),
            split="Drawn at random with seed 0.",
        ),
        training=training,
        metrics=Metrics(
            primary="rmse",
            greater_is_better=False,
            unit="MPa",
            scores=(
                Score("network", "this network", {"rmse": 5.31, "mae": 3.9, "r2": 0.893}, 4.2),
                Score("mean", "predicting the mean", {"rmse": 16.7, "mae": 13.4, "r2": -0.001}, 0.001),
                Score("linear", "a linear model", {"rmse": 10.2, "mae": 8.1, "r2": 0.61}, 0.01),
                Score("boosting", "gradient-boosted trees", {"rmse": 4.9, "mae": 3.2, "r2": 0.91}, 0.6),
            )[: 4 if figures else 1],
        ),
        verdicts=(
            Verdict(
                "latency", 0.2, 0.0123, "ms", True, "p99 of 1,000 single-row predictions of model.tflite, one thread."
            ),
            Verdict("size", 40, 88.4, "kB", False, "Bytes of model.tflite."),
        ),
        artifacts=(
            Artifact("keras", Path("model/model.keras"), 123456, 0.0, 1e-6, 206),
            Artifact("saved_model", Path("model/saved_model"), 234567, 2.4e-7, 1e-5, 206),
            Artifact("litert", Path("model/model.tflite"), 88400, 4.8e-7, 1e-5, 206),
        ),
        reproducibility={"Seed": "0", "keras": "3.15.1", "Data (sha256)": "ab" * 32},
        events=(Event("regularized", message),),
        trials=(
            Trial("as recommended", 0.0821, True, "lowest validation loss"),
            Trial("with l2 of 0.001", 0.091, False, "overfitting was observed"),
        ),
        latency=Latency(0.009, 0.0123, 1000, "Some processor, LiteRT"),
        parameters=21_201,
        pareto=()
        if not figures
        else (ParetoPoint("float32", 5.31, 88_400, 0.0123, True), ParetoPoint("int8", 5.6, 26_000, 0.006)),
        calibration=None
        if not figures
        else Calibration(((0.1, 0.12, 30), (0.5, 0.4, 40), (0.9, 0.93, 60)), 0.041, "temperature"),
        sparsity=() if not figures else (LayerSparsity("dense_1", 800, 400), LayerSparsity("dense_2", 10_000, 9_000)),
    )
