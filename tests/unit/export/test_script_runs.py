"""Generated scripts at work: they run as they are, and the loop repeats a training bit for bit."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from advisor.builder import build_core, fit_statistics
from advisor.data import Encoder, load_bundle, make_split
from advisor.export.script import ScriptData, ScriptFacts, generate_script
from advisor.interfaces.cli.generate import generate
from advisor.recommendation import recommend
from advisor.training import train
from tests.unit.export.script_cases import (
    BATCH_NORMALIZED,
    LAYER_NORMALIZED,
    REGULARIZED,
    advice,
    execute,
    script_for,
    table,
    write_mixed,
    write_plain,
)

pytestmark = pytest.mark.slow
SHORT = {"max_epochs": 4, "range_test_repeats": 1, "compiled": False}


def trained(data: ScriptData, changes: Mapping[str, Any], seed: int) -> tuple[list[np.ndarray[Any, Any]], ScriptFacts]:
    """Return the weights that the program itself arrives at, and what it found out."""
    _, values, recipe = advice(data.schema.target.task, changes)
    schema, encoder = data.schema, Encoder(data.schema)
    bundle = load_bundle(data.frame, schema, make_split(data.frame, schema, seed=seed), encoder)
    statistics = fit_statistics(
        bundle.train.x,
        encoder.columns,
        bundle.train.y,
        schema.target.task,
        values["target_scaling"],
        output_activation=values["output_activation"],
    )
    core = build_core(
        values, encoder.columns, statistics, task=schema.target.task, outputs=schema.target.outputs, seed=seed
    )
    report = train(core, bundle, recipe, seed=seed, statistics=statistics)
    return core.get_weights(), ScriptFacts.from_training(report, seed=seed)


def weights_of(path: Path) -> list[np.ndarray[Any, Any]]:
    import keras

    return [weight for weight in keras.models.load_model(path).get_weights() if weight.dtype == np.float32]


@pytest.mark.parametrize(
    ("kind", "changes", "knows_rate"),
    [
        ("amounts", {"range_test_repeats": 3, "compiled": True}, False),
        ("classes", LAYER_NORMALIZED, True),
        ("amounts", {**REGULARIZED, "output_activation": "linear"}, True),
        ("binary", BATCH_NORMALIZED, False),
    ],
)
def test_the_loop_repeats_a_training_bit_for_bit(
    kind: str, changes: Mapping[str, Any], knows_rate: bool, tmp_path: Path
) -> None:
    if kind == "binary":
        data = table(write_plain(tmp_path / "table.parquet", task="binary"))
    else:
        data = table(write_mixed(tmp_path / "table.csv", classes=kind == "classes"))
    changes = {**SHORT, **changes}
    weights, facts = trained(data, changes, seed=7)
    facts = facts if knows_rate else ScriptFacts(seed=7)
    execute(script_for(data.schema.target.task, changes, style="loop", data=data, facts=facts), tmp_path)
    theirs = weights_of(tmp_path / "model.keras")
    ours = [weight for weight in weights if weight.dtype == np.float32]
    assert len(ours) == len(theirs)
    for mine, other in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(mine, other)


@pytest.mark.parametrize(("task", "suffix"), [("regression", ".jsonl"), ("multiclass", ".csv")])
def test_the_fit_style_learns(task: str, suffix: str, tmp_path: Path) -> None:
    data = table(write_plain(tmp_path / f"table{suffix}", task=task))
    printed = execute(script_for(task, {**SHORT, "max_epochs": 30}, style="fit", data=data), tmp_path)
    measured = float(printed.split("test ")[1].split(",")[0].split()[1])
    assert measured < 0.6 if task == "regression" else measured > 0.6
    assert weights_of(tmp_path / "model.keras")


@pytest.mark.parametrize(("task", "style"), [("binary", "fit"), ("regression", "loop")])
def test_a_script_without_data_takes_a_table_when_it_runs(task: str, style: str, tmp_path: Path) -> None:
    document, _, recipe = advice(task, SHORT)
    path = write_plain(tmp_path / "table.csv", task=task)
    source = generate_script(document, recipe.as_dict(), style=style)  # type: ignore[arg-type]
    printed = execute(source, tmp_path, "--data", str(path), "--target", "target", "--seed", "5")
    assert "test " in printed


def test_the_command_writes_a_script(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    advised = tmp_path / "recommendation.json"
    advised.write_text(recommend({"task": "regression", "architecture": "dense_stack"}).to_json(), encoding="utf-8")
    data = write_plain(tmp_path / "table.csv", task="regression")
    generate(str(advised), tmp_path / "train.py", "loop", data, "target", 3)
    source = (tmp_path / "train.py").read_text(encoding="utf-8")
    assert "SEED = 3" in source
    assert 'TARGET = "target"' in source
    assert "Run it with: python" in capsys.readouterr().err
    generate(str(advised), None, "fit", None, None, 0)
    assert "model.fit(" in capsys.readouterr().out
