"""Claims about the code as a whole."""

import ast
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

import advisor
from advisor import errors

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "advisor").rglob("*.py"))


def test_the_public_names_are_importable_and_all_of_them_are_listed():
    assert sorted(advisor.__all__) == sorted(advisor._HOMES)
    for name in advisor.__all__:
        assert getattr(advisor, name).__name__ == name


def test_an_unknown_public_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'recomend'"):
        advisor.recomend  # noqa: B018


@pytest.mark.parametrize("module", ["advisor", "advisor.recommendation", "advisor.explanation", "advisor.data"])
def test_deciding_imports_no_deep_learning_framework(module):
    code = f"import sys, {module}; print([m for m in ('tensorflow', 'keras', 'sklearn') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_plain_recommendation_imports_nothing_heavy():
    code = (
        "import sys, advisor; advisor.recommend({'task': 'binary', 'architecture': 'dense_stack'}).to_json();"
        "print([m for m in ('tensorflow', 'keras', 'sklearn', 'polars', 'numpy', 'rich') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_no_error_is_swallowed_without_a_reason():
    silent = []
    for path in SOURCES:
        lines = path.read_text().splitlines()
        silent += [
            f"{path.relative_to(ROOT)}:{node.lineno}"
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.ExceptHandler) and all(isinstance(each, ast.Pass) for each in node.body)
            if "#" not in lines[node.body[0].lineno - 1]
        ]
    assert silent == []


def imported() -> set[str]:
    """Return the top-level modules of others that the program imports, by statement or by name."""
    found: set[str] = set()
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                found |= {each.name.partition(".")[0] for each in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.partition(".")[0])
            elif isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) in BY_NAME:
                found |= {each.value for each in node.args if isinstance(each, ast.Constant)}
    return {name.partition(".")[0] for name in found} - set(sys.stdlib_module_names) - {"advisor"}


BY_NAME = ("import_module", "find_spec")


def test_what_is_declared_is_imported_and_what_is_imported_is_declared():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    declared = {canonical(re.match(r"[\w.-]+", each).group()) for group in groups for each in group}
    installed = packages_distributions()
    homes = {name: {canonical(each) for each in installed[name]} for name in imported()}
    assert declared - set().union(*homes.values()) - {*RUN_BY_OTHERS} == set()
    assert {name for name, of in homes.items() if not of & declared} - {*COME_WITH} == set()


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


RUN_BY_OTHERS = {
    "python-multipart": "FastAPI reads uploads with it",
    "onnx": "tf2onnx writes with it",
}
"""Declared without an import of ours → why."""
COME_WITH = {
    "google": "protobuf, with TensorFlow",
    "markupsafe": "Jinja2",
    "mcp_types": "mcp",
    "pydantic_core": "pydantic",
    "starlette": "FastAPI",
    "tf_keras": "TensorFlow Model Optimization",
}
"""Imported without being declared → with what it comes."""


def test_every_module_says_what_it_is_for():
    empty = [
        str(path) for path in SOURCES if path.stat().st_size and not ast.get_docstring(ast.parse(path.read_text()))
    ]
    assert empty == []


def test_codes_of_findings_have_one_form():
    import re

    used = set()
    for path in SOURCES:
        used |= set(re.findall(r"Finding\(\s*\"([^\"]+)\"", path.read_text()))
    assert used
    assert [code for code in sorted(used) if not re.fullmatch(r"[A-Z][0-9]{3}", code)] == []


def test_every_error_class_has_an_exit_code_of_the_documented_ones():
    classes = [
        each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, errors.AdvisorError)
    ]
    assert {each.exit_code for each in classes} <= {1, 2, 3}
