"""What is written agrees with what is there."""

import importlib.util
import re
import shlex
from pathlib import Path

import pytest

from advisor.interfaces.cli.main import COMMANDS, run

ROOT = Path(__file__).parents[2]
TEXTS = sorted([ROOT / "README.md", *(ROOT / "docs" / "pages").glob("[!r]*/**/*.md")])


def generator():
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_the_reference_is_what_rules_and_code_say():
    assert generator().differences() == [], "write it again with: python docs/generate.py"


def commands_in(path):
    """Return the advisor commands of a text's console blocks, continued lines joined."""
    for block in re.findall(r"```console\n(.*?)```", path.read_text(), flags=re.DOTALL):
        for line in block.replace("\\\n", " ").splitlines():
            for part in line.removeprefix("$ ").split("|"):
                words = shlex.split(part.split(">")[0])
                if words[:1] == ["advisor"]:
                    yield words[1:]


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_commands_in_texts_exist_with_their_options(path, capsys):
    for words in commands_in(path):
        assert words[0] in COMMANDS, words
        run([words[0], "--help"])
        offered = capsys.readouterr().out
        if words[0] != "rules":
            assert [word for word in words if word.startswith("--") and word not in offered] == []


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_in_texts_lead_somewhere(path):
    links = re.findall(r"\]\(([^)#]+)\)", path.read_text())
    assert [link for link in links if "://" not in link and not (path.parent / link).exists()] == []


def test_no_text_names_a_path_of_one_machine():
    found = [
        str(path.relative_to(ROOT))
        for folder in ("advisor", "rules", "docs", "tests", "benchmarks")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in {".py", ".md", ".yaml", ".json", ".j2", ".toml"}
        and re.search(r"(?<![\w.])/(work|root|home)/\w", path.read_text(errors="replace"))
    ]
    assert found == []
