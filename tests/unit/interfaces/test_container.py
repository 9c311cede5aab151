"""The container's recipe copies what exists, installs what is locked, and runs without privileges."""

import json
import re
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest

from advisor.interfaces.cli.step import IMAGE

ROOT = Path(__file__).parents[3]
BASE = "python:3.11-slim-bookworm"


@pytest.fixture(scope="module")
def instructions():
    """Every instruction of the Dockerfile with its words, comments left out and continued lines joined."""
    text = re.sub(r"\\\n\s*", "", (ROOT / "Dockerfile").read_text())
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [tuple(line.split(maxsplit=1)) for line in lines]


def of(instructions, name):
    return [rest for each, rest in instructions if each == name]


def test_both_stages_stand_on_the_same_small_image(instructions):
    assert [each.split()[0] for each in of(instructions, "FROM")] == [BASE, BASE]
    known = {"FROM", "ENV", "WORKDIR", "RUN", "COPY", "LABEL", "USER", "ENTRYPOINT", "CMD"}
    assert {each for each, _ in instructions} <= known


def test_everything_that_is_copied_exists_and_is_let_through(instructions):
    ignored = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    assert ignored[0] == "*"
    allowed = {line.removeprefix("!") for line in ignored if line.startswith("!")}
    copied = {word for rest in of(instructions, "COPY") if "--from" not in rest for word in rest.split()[:-1]}
    assert copied == allowed
    assert all((ROOT / each).exists() for each in copied)
    assert not [each for each in allowed if fnmatch(each, "*.key") or each.startswith(".")]


def test_dependencies_are_the_locked_ones_by_their_hashes(instructions):
    runs = of(instructions, "RUN")
    installs = [each for each in runs if "pip install" in each]
    assert "--require-hashes --requirement requirements.lock" in installs[0]
    assert all("--no-deps" in each for each in installs[1:])
    assert [each for each in runs if "advisor rules verify" in each]


def test_the_command_runs_as_a_user_without_privileges(instructions):
    names = [name for name, _ in instructions]
    assert of(instructions, "USER") == ["advisor"]
    assert names.index("USER") < names.index("ENTRYPOINT")
    assert json.loads(of(instructions, "ENTRYPOINT")[0]) == ["advisor"]


def test_the_image_that_steps_name_has_the_version_of_the_package():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert f"advisor:{version}" == IMAGE
    assert f"--tag {IMAGE}" in (ROOT / "docs" / "pages" / "how-to" / "pipeline-step.md").read_text()
