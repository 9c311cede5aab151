"""The step of a pipeline is written from the command's own argument list, and says nothing else."""

import ast
import inspect
import os
import subprocess
from pathlib import Path

import pytest
import yaml

from advisor.errors import RequestError
from advisor.interfaces.cli.main import as_command
from advisor.interfaces.cli.step import IMAGE, step
from advisor.interfaces.cli.train import train
from advisor.interfaces.steps import STEPS, arguments
from advisor.interfaces.steps.arguments import FOR_PEOPLE

EXAMPLES = Path(__file__).parents[3] / "docs" / "examples"


def parsed(words):
    """Return what the command understands by these words."""
    return as_command("train", train).make_context("train", list(words), resilient_parsing=False).params


def files(kind):
    return STEPS[kind](arguments(), IMAGE)


def test_every_argument_of_the_command_is_there_once():
    names = [each.name for each in arguments()]
    assert sorted([*names, *FOR_PEOPLE]) == sorted(inspect.signature(train).parameters)
    required = [each.name for each in arguments() if each.required]
    assert required == ["data"]


@pytest.mark.parametrize("kind", sorted(STEPS))
def test_the_committed_examples_are_what_the_command_writes(kind):
    for name, content in files(kind).items():
        assert (EXAMPLES / kind / name).read_text() == content, f"write it again with: advisor step {kind}"


def test_a_kubeflow_component_gives_every_argument_to_the_command():
    component = yaml.safe_load(files("kubeflow")["component.yaml"])
    container = component["implementation"]["container"]
    assert container["command"] == ["advisor", "train"]
    words, given = [], {}
    for word in container["args"]:
        part = word["if"]["then"] if isinstance(word, dict) and "if" in word else [word]
        words += part
        if isinstance(word, dict) and "if" in word:
            given[word["if"]["cond"]["isPresent"]] = part[0]
    assert given == {each.name: each.option for each in arguments() if not each.required and not each.is_output}
    named = {each["name"] for each in component["inputs"]} | {each["name"] for each in component["outputs"]}
    assert named == {each.name for each in arguments()}
    assert {"inputPath": "data"} in words
    assert {"outputPath": "out"} in words


def airflow_words():
    """Return the DAG's own function, without Airflow."""
    tree = ast.parse(files("airflow")["advisor_train.py"])
    kept = [
        node
        for node in tree.body
        if (isinstance(node, ast.FunctionDef) and node.name == "words")
        or (isinstance(node, ast.Assign) and node.targets[0].id in ("OPTIONS", "FINAL"))
    ]
    space = {}
    exec(compile(ast.Module(kept, []), "advisor_train.py", "exec"), space)
    return space["words"]


def test_an_airflow_dag_turns_its_parameters_into_words_that_the_command_understands():
    words = airflow_words()
    given = {"data": "d.csv", "out": "r", "seed": 0, "column": ["a=numeric", "b=ignored"], "single_network": True}
    found = parsed(words({**given, "target": None, "time_budget": 1.5, "allow_missing_target": False}))
    assert (found["data"], found["out"], found["seed"], found["time_budget"]) == (Path("d.csv"), Path("r"), 0, 1.5)
    assert found["single_network"]
    assert not found["allow_missing_target"]
    assert list(found["column"]) == ["a=numeric", "b=ignored"]
    assert found["target"] is None


def test_a_dvc_stage_names_no_argument_itself_and_its_parameters_are_arguments():
    stage = yaml.safe_load(files("dvc")["dvc.yaml"])["stages"]["train"]
    parameters = yaml.safe_load(files("dvc")["params.yaml"])["train"]
    assert stage["cmd"].startswith("advisor train ${train}")
    words = [word for name, value in parameters.items() for word in (f"--{name}", str(value))]
    found = parsed(words)
    assert found["rulebook"] == "homl2"
    assert str(found["out"]) == "run"
    text = files("dvc")["params.yaml"]
    assert all(f" {each.option.removeprefix('--')}:" in text for each in arguments())


def test_an_unknown_kind_is_refused_with_the_kinds_that_there_are(tmp_path):
    with pytest.raises(RequestError, match="kubeflow, airflow, dvc"):
        step("jenkins", out=tmp_path)
    assert not any(tmp_path.iterdir())


def python_with(variable, package):
    """Return the interpreter that an environment variable names: these packages don't fit beside ours."""
    named = os.environ.get(variable)
    if not named:
        pytest.skip(f"{variable} names no Python with {package}")
    return named


COMPILE = """
import sys
from kfp import compiler, components, dsl
component = components.load_component_from_file(sys.argv[1])
@dsl.pipeline(name="advisor")
def pipeline():
    data = dsl.importer(artifact_uri="gs://bucket/data.csv", artifact_class=dsl.Dataset)
    component(data=data.output, target="y", max_epochs=5)
compiler.Compiler().compile(pipeline, sys.argv[2])
"""


def test_kubeflow_compiles_a_pipeline_with_the_component(tmp_path):
    python = python_with("ADVISOR_KFP_PYTHON", "kfp")
    component, pipeline = EXAMPLES / "kubeflow" / "component.yaml", tmp_path / "pipeline.yaml"
    subprocess.run([python, "-c", COMPILE, component, pipeline], check=True, timeout=240)
    compiled = yaml.safe_load(pipeline.read_text())
    container = compiled["deploymentSpec"]["executors"]["exec-advisor-train"]["container"]
    assert container["command"] == ["advisor", "train"]
    assert container["image"] == IMAGE
    inputs = compiled["components"]["comp-advisor-train"]["inputDefinitions"]
    assert set(inputs["artifacts"]) | set(inputs["parameters"]) == {
        each.name for each in arguments() if not each.is_output
    }


LOAD = """
import runpy, sys
found = runpy.run_path(sys.argv[1])["advisor_train"]()
print(found.dag_id, found.task_ids, len(found.params))
"""


def test_airflow_loads_the_dag(tmp_path):
    python = python_with("ADVISOR_AIRFLOW_PYTHON", "Airflow")
    done = subprocess.run(
        [python, "-c", LOAD, EXAMPLES / "airflow" / "advisor_train.py"],
        env={**os.environ, "AIRFLOW_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=240,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == f"advisor_train ['train'] {len(arguments())}"


def test_dvc_unpacks_the_parameters_into_the_command(tmp_path):
    dvc = python_with("ADVISOR_DVC", "DVC")  # the program itself
    for name, content in files("dvc").items():
        (tmp_path / name).write_text(content)
    (tmp_path / "data.csv").write_text("x,y\n1,2\n")
    for words in (["init", "--quiet", "--no-scm"], ["repro", "--dry"]):
        done = subprocess.run([dvc, *words], cwd=tmp_path, capture_output=True, text=True, timeout=240, check=True)
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("> ")]
    assert line.startswith("> advisor train --data data.csv --rulebook homl2 --out run --seed 0 --export ")
