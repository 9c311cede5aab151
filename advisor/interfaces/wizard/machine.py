"""The question machine: which question comes next, what an answer changes, what going back restores.

It is pure: an interview is a frozen record, and every step returns a new one. Fronts only ask and show.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from advisor.errors import Finding, ProblemError
from advisor.problem import FACTS, FactType
from advisor.problem.checking import unknown_field
from advisor.problem.conditions import holds
from advisor.problem.contradictions import contradictions
from advisor.problem.facts import Value

_EMPTY: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class Interview:
    """Where an interview stands.

    Attributes:
        answers: Confirmed answers, in the order in which they were given.
        kept: Answers that were taken back; they are offered again.
        measured: Facts that the data answered; asked facts among them are offered to be confirmed.
        how: For each measured fact, how it was measured.
    """

    answers: Mapping[str, Value] = field(default_factory=lambda: _EMPTY)
    kept: Mapping[str, Value] = field(default_factory=lambda: _EMPTY)
    measured: Mapping[str, Value] = field(default_factory=lambda: _EMPTY)
    how: Mapping[str, str] = field(default_factory=lambda: _EMPTY)


@dataclass(frozen=True)
class Question:
    """One question, with everything needed to ask it.

    Attributes:
        fact: What is asked for.
        number: Its place in the interview, from 1.
        of: Number of questions that are relevant as things stand.
        default: The answer that is offered.
        default_because: Why that one is offered.
        has_default: False when an answer must be chosen.
        is_measured: Whether the data say it; then why is a sentence of its own.
    """

    fact: FactType
    number: int
    of: int
    default: Value
    default_because: str
    has_default: bool
    is_measured: bool = False


def complete(interview: Interview) -> dict[str, Value]:
    """Return every fact: as answered, else as measured, else its default (None for a missing required one)."""
    facts: dict[str, Value] = {name: fact.default for name, fact in FACTS.items()}
    facts.update(interview.measured)
    facts.update(interview.answers)
    return facts


def relevant(interview: Interview) -> list[str]:
    """Return the facts that a person is asked for as things stand, in order."""
    facts = complete(interview)
    return [name for name, fact in FACTS.items() if fact.asked and holds(fact.asked_when, facts)]


def next_question(interview: Interview) -> Question | None:
    """Return the next relevant question, or None when everything is answered."""
    names = relevant(interview)
    for place, name in enumerate(names):
        if name not in interview.answers:
            return _question(interview, name, place + 1, len(names))
    return None


def question_about(interview: Interview, name: str) -> Question:
    """Return the question about one fact, with its present answer as the default."""
    names = relevant(interview)
    offered = replace(interview, kept={**interview.kept, **interview.answers})
    return _question(offered, name, names.index(name) + 1, len(names))


def _question(interview: Interview, name: str, number: int, of: int) -> Question:
    fact = FACTS[name]
    if name in interview.kept:
        return Question(fact, number, of, interview.kept[name], "it was your earlier answer", True)
    if name in interview.measured:
        because = interview.how.get(name) or "it was measured on the data"
        return Question(fact, number, of, interview.measured[name], because, True, is_measured=True)
    return Question(fact, number, of, fact.default, fact.default_because, not fact.required)


def answer(interview: Interview, name: str, value: Value) -> tuple[Interview, tuple[str, ...]]:
    """Record an answer.

    Args:
        interview: Where the interview stands.
        name: The fact that is answered.
        value: Its value.

    Returns:
        The interview after the answer, and the names of earlier answers that became invalid and were dropped:
        questions that are no longer asked, and answers that now contradict this one.

    Raises:
        ProblemError: If there is no such fact, the value is not allowed, or it contradicts earlier answers.
    """
    fact = FACTS.get(name)
    if fact is None:
        raise ProblemError(unknown_field(name))
    if fact.kind == "number" and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if not fact.accepts(value):
        raise ProblemError(Finding("P109", name, f"{value!r} is not allowed.", f"Allowed: {fact.allowed}."))
    kept = {key: given for key, given in interview.kept.items() if key != name}
    changed = replace(interview, answers={**interview.answers, name: value}, kept=kept)
    dropped: list[str] = []
    was_answered = name in interview.answers
    while was_answered and (invalid := _first_invalid(changed, name)):
        dropped.append(invalid)
        changed = replace(changed, answers={key: v for key, v in changed.answers.items() if key != invalid})
    found = _contradictions(changed)
    if found:
        raise ProblemError(*found)
    offered = {key: given for key, given in changed.kept.items() if _could_be(changed, key, given)}
    dropped += [key for key in changed.kept if key not in offered]
    return replace(changed, kept=offered), tuple(dropped)


def _first_invalid(interview: Interview, answered: str) -> str | None:
    names = relevant(interview)
    for key in interview.answers:
        if FACTS[key].asked and key not in names:
            return key
    conflicting = {finding.place for finding in _contradictions(interview)} - {answered}
    return next((key for key in interview.answers if key in conflicting), None)


def _contradictions(interview: Interview) -> list[Finding]:
    stated = interview.answers.keys() | interview.measured.keys()
    return contradictions(complete(interview), stated) if "task" in interview.answers else []


def _could_be(interview: Interview, name: str, value: Value) -> bool:
    trial = replace(interview, answers={**interview.answers, name: value})
    return name in relevant(trial) and not _contradictions(trial)


def back(interview: Interview) -> Interview:
    """Take the last answer back; it is offered again. At the beginning nothing changes."""
    if not interview.answers:
        return interview
    last = list(interview.answers)[-1]
    answers = {key: value for key, value in interview.answers.items() if key != last}
    return replace(interview, answers=answers, kept={**interview.kept, last: interview.answers[last]})


def missing(interview: Interview) -> tuple[str, ...]:
    """Return the required facts that are neither answered nor measured."""
    facts = complete(interview)
    return tuple(name for name, fact in FACTS.items() if fact.required and facts[name] is None)


def stated_facts(interview: Interview) -> dict[str, Value]:
    """Return what was answered, and what was measured and fits it; everything else has its default."""
    facts = complete(interview)
    return {
        name: facts[name]
        for name in FACTS
        if name in interview.answers or (name in interview.measured and holds(FACTS[name].asked_when, facts))
    }


def parse_answer(fact: FactType, text: str) -> Value:
    """Read what a person typed for a fact.

    Raises:
        ProblemError: If it is none of the fact's values.
    """
    word = text.strip().lower()
    value: Value = word
    if fact.nullable and word in ("", "null", "unknown", "-"):
        return None
    if fact.kind == "bool":
        value = {"y": True, "yes": True, "true": True, "n": False, "no": False, "false": False}.get(word, word)
    elif fact.kind in ("int", "number"):
        digits = word.replace(",", "").replace("_", "").replace(" ", "")
        try:
            value = int(digits) if fact.kind == "int" else float(digits)
        except ValueError:
            value = word
    if not fact.accepts(value):
        raise ProblemError(
            Finding("P109", fact.name, f"“{text.strip()}” is not an answer.", f"Allowed: {fact.allowed}.")
        )
    return value
