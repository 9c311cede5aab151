"""How much of texts and series is read, as a rulebook says it before anything is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from advisor.recommendation import recommend

_TASK, _ARCHITECTURE = "regression", "dense_stack"


@dataclass(frozen=True)
class ReadingLimits:
    """The slots that are carried out while data are read; the defaults are those of the rulebooks (tested).

    Attributes:
        vocabulary_limit: Most words, and most pairs of words, with a code of their own.
        token_minimum: How often a word must occur in the training texts to get a code.
        longest_text: Words of a text that are read.
        beginning_letters: First letters of a word that have a code of their own; 0 for none.
        longest_series: Steps of a labeled series that are read.
        window_seasons: Seasons that a forecast looks back.
        window_horizons: Horizons that a forecast looks back at least.
    """

    vocabulary_limit: int = 20_000
    token_minimum: int = 2
    longest_text: int = 64
    beginning_letters: int = 4
    longest_series: int = 256
    window_seasons: int = 4
    window_horizons: int = 2

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> ReadingLimits:
        """Return what a recommendation says; what it doesn't decide stays as it is."""
        return cls(**{each.name: int(values[each.name]) for each in fields(cls) if values.get(each.name) is not None})


def limits_before_reading(given: Mapping[str, Any], rulebook: Any) -> ReadingLimits:
    """Return what a rulebook says before the data are read.

    Rules can set these slots by the task, the architecture and the kind of data, where the user stated them, and by
    nothing else: all other facts come from the data.

    Args:
        given: Problem fields that the user stated.
        rulebook: Name or folder of a rulebook, or a loaded one.

    Raises:
        ProblemError: If what was stated is not valid.
        KnowledgeError: If there is no such rulebook.
    """
    facts = {"task": _TASK, "architecture": _ARCHITECTURE}
    facts |= {name: given[name] for name in ("task", "architecture", "data_kind") if given.get(name) is not None}
    return ReadingLimits.from_values(recommend(facts, rulebook).values)
