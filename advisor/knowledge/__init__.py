"""Rule files become a loaded, checked, hashed ``Rulebook``.

``load_rulebook("homl2")`` is the way in. Names are imported when they are first used, so that importing this package
costs next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from advisor.knowledge.loading import list_rulebooks, load_rulebook, read_rulebook
    from advisor.knowledge.rulebook import Case, DerivedFact, Parameter, Rule, Rulebook, Slot, Source, Work

__all__ = [
    "Case",
    "DerivedFact",
    "Parameter",
    "Rule",
    "Rulebook",
    "Slot",
    "Source",
    "Work",
    "list_rulebooks",
    "load_rulebook",
    "read_rulebook",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it's first asked for."""
    from importlib import import_module

    if name in ("list_rulebooks", "load_rulebook", "read_rulebook"):
        return getattr(import_module("advisor.knowledge.loading"), name)
    if name in __all__:
        return getattr(import_module("advisor.knowledge.rulebook"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
