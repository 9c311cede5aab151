"""Checked rulebooks are kept in the user's cache folder, so that a process need not read and prove them again.

A kept rulebook is plain JSON; it's used only when every file of the rulebook, the vocabulary and the code that checks
are the same as when it was kept. Nothing depends on it: without a cache folder everything works, only slower.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from advisor.knowledge.conditions import AllOf, AnyOf, Atom, Place
from advisor.knowledge.domains import Domain
from advisor.knowledge.rulebook import (
    Assignment,
    Case,
    ComputedNumber,
    DerivedFact,
    Parameter,
    Rule,
    Rulebook,
    Slot,
    Source,
    Work,
)

if TYPE_CHECKING:
    from advisor.problem.facts import FactType

FOLDER_VARIABLE = "ADVISOR_CACHE_DIR"
_TAG = "!"
_CLASSES: tuple[Any, ...] = (
    Place,
    Atom,
    AllOf,
    AnyOf,
    Domain,
    Work,
    Source,
    Parameter,
    DerivedFact,
    ComputedNumber,
    Slot,
    Assignment,
    Case,
    Rule,
)
_PARTS = (
    "name",
    "version",
    "title",
    "about",
    "layers",
    "groups",
    "parameters",
    "derived",
    "computed",
    "slots",
    "rules",
    "places",
)
_PACKAGE = Path(__file__).resolve().parents[1]


def cache_folder() -> Path | None:
    """Return the folder for kept rulebooks, or None when ``ADVISOR_CACHE_DIR`` is set to nothing."""
    chosen = os.environ.get(FOLDER_VARIABLE)
    if chosen is not None:
        return Path(chosen) if chosen else None
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "advisor"


class Kept:
    """The kept form of one rulebook.

    Attributes:
        path: The file that it's kept in, or None when nothing is kept.
        key: Digest of everything that it was made from.
    """

    def __init__(self, folder: Path, contents: Mapping[str, bytes]) -> None:
        """Say which rulebook it is: its folder, and its files by the name that findings use."""
        cache = cache_folder()
        place = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
        self.path = None if cache is None else cache / "rulebooks" / f"{folder.name}-{place}.json"
        self.key = self._digest(contents)

    @staticmethod
    def _digest(contents: Mapping[str, bytes]) -> str:
        found = hashlib.sha256()
        for package in ("knowledge", "problem"):
            for path in sorted((_PACKAGE / package).glob("*.py")):
                status = path.stat()
                found.update(f"{path.name}\0{status.st_size}\0{status.st_mtime_ns}\0".encode())
        for name, content in contents.items():
            found.update(f"{name}\0{len(content)}\0".encode())
            found.update(content)
        return found.hexdigest()

    def load(self, facts: Mapping[str, FactType], impossible: Sequence[AllOf]) -> Rulebook | None:
        """Return the kept rulebook, or None when there is none that fits."""
        if self.path is None:
            return None
        try:
            if self.path.stat().st_uid != os.getuid():
                return None
            text = self.path.read_bytes()
            if not text.startswith(b'{"key": "' + self.key.encode()):
                return None
            document = json.loads(text, object_hook=_decoded)
            parts = {name: _frozen(document[name]) for name in (*_PARTS, "bibliography")}
            rulebook = Rulebook(**parts, facts=MappingProxyType(dict(facts)), impossible=tuple(impossible))
            rulebook.__dict__["sha256"] = document["sha256"]
        except (OSError, ValueError, TypeError, KeyError, IndexError, RecursionError):
            return None
        return rulebook

    def save(self, rulebook: Rulebook) -> None:
        """Keep a checked rulebook; when that is not possible, nothing is kept."""
        if self.path is None:
            return
        from advisor.errors import StorageError
        from advisor.storage import write_bytes

        document = {"key": self.key, "sha256": rulebook.sha256}
        document.update({name: _encoded(getattr(rulebook, name)) for name in (*_PARTS, "bibliography")})
        try:
            write_bytes(self.path, json.dumps(document, ensure_ascii=False, separators=(",", ": ")).encode())
        except StorageError:
            return


def _encoded(value: Any) -> Any:
    kind = type(value)
    if kind is Place:
        return {_TAG: [0, *value]}
    if kind in _CLASSES:
        return {_TAG: [_CLASSES.index(kind), *(_encoded(getattr(value, name)) for name in kind.__dataclass_fields__)]}
    if isinstance(value, Mapping):
        return {name: _encoded(each) for name, each in value.items()}
    return [_encoded(each) for each in value] if isinstance(value, tuple) else value


def _decoded(value: dict[str, Any]) -> Any:
    tagged = value.get(_TAG)
    if tagged is None:
        return {name: _tuples(each) if type(each) is list else each for name, each in value.items()}
    return _CLASSES[tagged[0]](*[_tuples(each) if type(each) is list else each for each in tagged[1:]])


def _tuples(value: list[Any]) -> tuple[Any, ...]:
    return tuple([_tuples(each) if type(each) is list else each for each in value])


def _frozen(value: Any) -> Any:
    return MappingProxyType(value) if isinstance(value, dict) else value
