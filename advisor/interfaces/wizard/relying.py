"""Which rules an answer can change: what a front shows when somebody asks why a question is asked."""

from __future__ import annotations

from dataclasses import dataclass

from advisor.knowledge.dependencies import read_names
from advisor.knowledge.rulebook import DECIDED, Rule, Rulebook


@dataclass(frozen=True)
class Relying:
    """The rules that rely on one fact.

    Attributes:
        directly: Rules that read it, or copy it.
        further: Rules that read what is concluded, computed or decided from it.
    """

    directly: tuple[Rule, ...]
    further: tuple[Rule, ...]


def rules_relying_on(rulebook: Rulebook, fact: str) -> Relying:
    """Return the rules that an answer can make apply or fall silent.

    Args:
        rulebook: The rulebook.
        fact: Name of the fact that is asked for.
    """
    reads = [set(read_names(rulebook, position)) | _copied(rule) for position, rule in enumerate(rulebook.rules)]
    first = [position for position, names in enumerate(reads) if fact in names]
    reached, found = {fact}, set(first)
    grown = True
    while grown:
        known = len(reached) + len(found)
        reached |= {name for name in rulebook.computed if reached.intersection(read_names(rulebook, name))}
        for position in found:
            rule = rulebook.rules[position]
            reached |= {each.target for each in rule.concludes} | {DECIDED + each.target for each in rule.sets}
        found |= {position for position, names in enumerate(reads) if names & reached}
        grown = len(reached) + len(found) > known
    return Relying(
        tuple(rulebook.rules[position] for position in first),
        tuple(rulebook.rules[position] for position in sorted(found.difference(first))),
    )


def _copied(rule: Rule) -> set[str]:
    return {each.copy for each in rule.assignments if each.copy}
