"""Finding and loading a rulebook: all its files, checked together, frozen."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from advisor.errors import ContradictionError, Finding, KnowledgeError, RuleFileError
from advisor.knowledge.conditions import AllOf, condition_from
from advisor.knowledge.kept import Kept
from advisor.knowledge.rulebook import Rule, Rulebook

if TYPE_CHECKING:
    from advisor.knowledge.declarations import Declarations
    from advisor.knowledge.rulebook import Work
    from advisor.problem.facts import FactType

DECLARATIONS = "rulebook.yaml"
BIBLIOGRAPHY = "bibliography.yaml"
_ORDER = {BIBLIOGRAPHY: 0, DECLARATIONS: 1}
_PACKAGE = Path(__file__).resolve().parents[1]
ROOTS = (_PACKAGE.parent / "rules", _PACKAGE / "_rules")
"""Where rulebooks are looked for by name: the source tree first, then the installed package."""

_by_name: dict[str, Rulebook] = {}
_by_folder: dict[tuple[object, ...], Rulebook] = {}


def list_rulebooks() -> tuple[str, ...]:
    """Return the names of the rulebooks that come with Advisor, sorted."""
    found = {path.parent.name for root in ROOTS for path in root.glob(f"*/{DECLARATIONS}")}
    return tuple(sorted(found))


def load_rulebook(name_or_path: str | os.PathLike[str] = "homl2") -> Rulebook:
    """Return a rulebook that comes with Advisor, or the one in a folder; loaded once.

    Args:
        name_or_path: A name such as ``homl2``, or a folder with a ``rulebook.yaml`` (or that file).

    Raises:
        KnowledgeError: If there is no such rulebook.
        RuleFileError: If its files have mistakes; all of them are reported.
        ContradictionError: If its rules contradict each other.
    """
    if isinstance(name_or_path, str):
        known = _by_name.get(name_or_path)
        if known is not None:
            return known
    folder, shown = find_folder(name_or_path)
    files = rule_files(folder)
    key = (folder, tuple((path, path.stat().st_mtime_ns, path.stat().st_size) for path, _ in files))
    rulebook = _by_folder.get(key)
    if rulebook is None:
        from advisor.problem.contradictions import CONTRADICTIONS
        from advisor.problem.vocabulary import FACTS

        impossible = tuple(condition_from(each.when) for each in CONTRADICTIONS)
        contents = {f"{shown}/{name}": path.read_bytes() for path, name in files}
        rulebook = Kept(folder, contents).load(FACTS, impossible)
        if rulebook is None:
            rulebook = read_rulebook(contents, FACTS, impossible)
            Kept(folder, contents).save(rulebook)
        _by_folder[key] = rulebook
    if folder.parent in ROOTS and isinstance(name_or_path, str) and name_or_path == folder.name:
        _by_name[name_or_path] = rulebook
    return rulebook


def find_folder(name_or_path: str | os.PathLike[str]) -> tuple[Path, str]:
    """Return the folder of a rulebook and how it is called in messages.

    Raises:
        KnowledgeError: If there is no such folder, or no rulebook in it.
    """
    given = os.fspath(name_or_path)
    if isinstance(name_or_path, str) and os.sep not in given:
        for root in ROOTS:
            if (root / given / DECLARATIONS).is_file():
                return root / given, f"rules/{given}"
    folder = Path(given)
    if folder.name == DECLARATIONS and folder.is_file():
        folder = folder.parent
    if (folder / DECLARATIONS).is_file():
        return folder.absolute(), str(folder)
    from advisor.knowledge.reading import suggestion

    names = list_rulebooks()
    if folder.is_dir():
        message = f"folder {given!r} holds no rulebook: there is no {DECLARATIONS} in it"
    else:
        message = f"unknown rulebook {given!r}{suggestion(given, names)}"
    raise KnowledgeError(
        Finding("K100", "", message, f"Rulebooks: {', '.join(names)}; or give a folder with a {DECLARATIONS}.")
    )


def rule_files(folder: Path) -> list[tuple[Path, str]]:
    """Return a rulebook's files with their names relative to its folder: bibliography, declarations, then rules."""
    rules = sorted(path for path in folder.iterdir() if path.suffix in (".yaml", ".yml") and path.is_file())
    found = [(path, path.name) for path in rules if path.name != BIBLIOGRAPHY]
    found.sort(key=lambda each: each[1] != DECLARATIONS)
    for candidate, name in (
        (folder / BIBLIOGRAPHY, BIBLIOGRAPHY),
        (folder.parent / BIBLIOGRAPHY, f"../{BIBLIOGRAPHY}"),
        *((root / BIBLIOGRAPHY, f"../{BIBLIOGRAPHY}") for root in ROOTS),
    ):
        if candidate.is_file():
            return [(candidate, name), *found]
    return found


def read_rulebook(
    contents: Mapping[str, bytes], facts: Mapping[str, FactType], impossible: Sequence[AllOf] = ()
) -> Rulebook:
    """Return the rulebook in some files.

    Args:
        contents: File → its bytes; the file called ``rulebook.yaml`` declares, ``bibliography.yaml`` lists works, all
            others hold rules.
        facts: The vocabulary.
        impossible: Conditions that no problem satisfies.

    Raises:
        RuleFileError: If the files have mistakes; all of them are reported, ordered by place.
        ContradictionError: If the rules contradict each other; each finding holds a witness problem.
    """
    from advisor.knowledge.declarations import Declarations, read_bibliography, read_declarations
    from advisor.knowledge.reading import FileReader
    from advisor.knowledge.rule_reading import read_rules

    findings: list[Finding] = []
    works: Mapping[str, Work] | None = None
    declared: Declarations | None = None
    rules: list[Rule] = []
    for file in sorted(contents, key=lambda each: (_ORDER.get(_name(each), len(_ORDER)), each)):
        reader = FileReader(file, findings)
        if file.endswith(".yml"):
            findings.append(Finding("K101", f"{file}:1:1", "rule files end in .yaml", "Rename the file."))
            continue
        root = reader.parse(contents[file])
        if _name(file) == BIBLIOGRAPHY:
            works = read_bibliography(reader, root) if root is not None else None
        elif _name(file) == DECLARATIONS:
            before = len(findings)
            declared = read_declarations(reader, root, facts, works) if root is not None else None
            if declared is not None:
                declared.complete = len(findings) == before
        elif root is not None:
            rules += read_rules(reader, root, declared or Declarations(facts, works, complete=False))
    if declared is None:
        if not findings:
            raise KnowledgeError(Finding("K100", "", f"there is no {DECLARATIONS}"))
        declared = Declarations(facts, works, complete=False)
    rulebook = _checked(declared, rules, findings, impossible)
    if findings:
        raise RuleFileError(*_by_place(findings))
    from advisor.knowledge.contradictions import clash_findings

    if clashes := _by_place(clash_findings(rulebook)):
        raise ContradictionError(*clashes)
    return rulebook


def _checked(
    declared: Declarations, rules: list[Rule], findings: list[Finding], impossible: Sequence[AllOf]
) -> Rulebook:
    from advisor.knowledge.contradictions import condition_findings, cycle_findings, reference_findings

    findings += reference_findings(rules)
    cited = {source.work for rule in rules for source in rule.sources}
    cited |= {source.work for parameter in declared.parameters.values() for source in parameter.sources}
    works = declared.works or {}
    rulebook = Rulebook(
        name=declared.name,
        version=declared.version,
        title=declared.title,
        about=declared.about,
        layers=MappingProxyType(declared.layers),
        groups=MappingProxyType(declared.groups),
        parameters=MappingProxyType(declared.parameters),
        derived=MappingProxyType(declared.derived),
        computed=MappingProxyType(declared.computed),
        slots=MappingProxyType(declared.slots),
        rules=tuple(sorted(rules, key=lambda rule: (rule.rank, rule.id))),
        bibliography=MappingProxyType({name: works[name] for name in sorted(cited) if name in works}),
        facts=MappingProxyType(dict(declared.facts)),
        impossible=tuple(impossible),
        places=MappingProxyType(declared.places),
    )
    if declared.complete:
        sound = [rule for rule in rulebook.rules if rule.place not in declared.doubtful]
        findings += condition_findings(sound, rulebook.domains, rulebook)
    if not findings:
        findings += cycle_findings(rulebook)
    return rulebook


def _name(file: str) -> str:
    return file.rsplit("/", 1)[-1]


def _by_place(findings: Iterable[Finding]) -> list[Finding]:
    def key(finding: Finding) -> tuple[str, int, int, str, str]:
        file, _, rest = finding.place.partition(".yaml:")
        line, _, column = rest.partition(":")
        return file, int(line or 0), int(column or 0), finding.code, finding.message

    return sorted(findings, key=key)
