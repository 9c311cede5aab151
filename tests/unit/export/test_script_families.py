"""Scripts of wide & deep and residual networks: they repeat a training bit for bit, too."""

from pathlib import Path

import numpy as np
import pytest

from advisor.builder import build_core, fit_statistics
from advisor.data import open_source
from advisor.export.script import ScriptData, ScriptFacts, generate_script
from advisor.recommendation import recommend
from advisor.training import Recipe, train
from tests.unit.export.script_cases import execute, write_plain

pytestmark = pytest.mark.slow
AFTER = {"normalization": "layer_normalization", "normalization_position": "after_activation", "hidden_layers": 3}


@pytest.mark.parametrize(
    ("architecture", "task", "changes"),
    [("wide_and_deep", "binary", {}), ("residual", "regression", {}), ("residual", "multiclass", AFTER)],
)
def test_the_script_repeats_a_training(
    architecture: str, task: str, changes: dict[str, object], tmp_path: Path
) -> None:
    import keras

    path = write_plain(tmp_path / "table.csv", task=task)
    source = open_source(path, "target", task=task)
    found = recommend({**source.profile.facts, "architecture": architecture})
    document = found.to_dict()
    for slot, value in {"max_epochs": 3, **changes}.items():
        document["decisions"][slot]["value"] = value
    document["decisions"]["compiled"] = {**document["decisions"]["max_epochs"], "value": task == "binary"}
    values = {slot: decision["value"] for slot, decision in document["decisions"].items()}
    recipe = Recipe.from_values(values, task=task)
    bundle = source.bundle(source.split(7))
    statistics = fit_statistics(
        bundle.train.x,
        source.encoder.inputs,
        bundle.train.y,
        task,
        values["target_scaling"],
        output_activation=values["output_activation"],
    )
    outputs = source.schema.target.outputs
    core = build_core(
        values, source.encoder.inputs, statistics, task=task, outputs=outputs, seed=7, architecture=architecture
    )
    report = train(core, bundle, recipe, seed=7, statistics=statistics)
    script = generate_script(
        document,
        recipe.as_dict(),
        style="loop",
        data=ScriptData(path=str(path), schema=source.schema),
        facts=ScriptFacts.from_training(report, seed=7),
    )
    execute(script, tmp_path)
    theirs = [each for each in keras.models.load_model(tmp_path / "model.keras").get_weights()]
    ours = [each for each in core.get_weights() if each.dtype == np.float32]
    theirs = [each for each in theirs if each.dtype == np.float32]
    assert sorted(each.shape for each in ours) == sorted(each.shape for each in theirs)
    for mine in ours:
        assert any(mine.shape == other.shape and np.array_equal(mine, other) for other in theirs)
