"""What an answer would change in the advice: shown while it is only highlighted, before it is given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from advisor.errors import AdvisorError, ProblemError
from advisor.explanation.wording import say_fact_value, say_list, say_value
from advisor.inference import decide
from advisor.interfaces.wizard.machine import Interview, Question, answer, stated_facts
from advisor.knowledge import Rulebook
from advisor.problem import FACTS, check_facts
from advisor.problem.facts import Value

_LONGEST_LIST = 4


@dataclass(frozen=True)
class Preview:
    """What would be advised with an answer.

    Attributes:
        assumed: Required fields that are not answered yet, with the values that stand in for them.
        beside: The answer that it is compared with; None when there is nothing to compare with, and ``changes`` are
            what the answers to choose from lead apart.
        has_beside: Whether there is an answer to compare with.
        changes: (slot's title, value before or None, value with the answer), in the rulebook's order.
        dropped: Titles of earlier answers that would be dropped.
        impossible: Why the answer can't be; empty when it can.
    """

    assumed: tuple[tuple[str, Value], ...] = ()
    beside: Value = None
    has_beside: bool = False
    changes: tuple[tuple[str, Any, Any], ...] = ()
    dropped: tuple[str, ...] = ()
    impossible: str = ""


def preview(
    rulebook: Rulebook, interview: Interview, question: Question, value: Value, choices: Sequence[Value] = ()
) -> Preview:
    """Return what an answer would change.

    Args:
        rulebook: The rulebook that will decide.
        interview: Where the interview stands.
        question: The question.
        value: The answer in question.
        choices: All answers to choose from, where there are such.
    """
    name = question.fact.name
    try:
        then, dropped = answer(interview, name, value)
    except ProblemError as error:
        return Preview(impossible=error.findings[0].message)
    titles = tuple(FACTS[each].title for each in dropped if each in interview.answers)
    decided, assumed = _decided(rulebook, then)
    if decided is None:
        return Preview(dropped=titles)
    others = [question.default] if question.has_default else [each for each in choices if each != value]
    beside = [found for each in others if (found := _with(rulebook, interview, name, each)) is not None]
    changes = []
    for slot, after in decided.items():
        before = [found[slot] for found in beside]
        if any(each != after for each in before):
            title = rulebook.slots[slot].title
            changes.append((title, before[0] if question.has_default else None, after))
    return Preview(assumed, question.default, question.has_default, tuple(changes), titles)


def _with(rulebook: Rulebook, interview: Interview, name: str, value: Value) -> dict[str, Any] | None:
    try:
        return _decided(rulebook, answer(interview, name, value)[0])[0]
    except ProblemError:
        return None


def _decided(rulebook: Rulebook, interview: Interview) -> tuple[dict[str, Any] | None, tuple[tuple[str, Value], ...]]:
    """Return the values of the slots, and what was assumed for required fields; None where nothing can be decided."""
    stated = stated_facts(interview)
    assumed = []
    for name, fact in FACTS.items():
        if fact.required and name not in stated:
            stated[name] = fact.choices[0]
            assumed.append((name, fact.choices[0]))
    try:
        facts, _ = check_facts(stated)
        return dict(decide(rulebook, facts).values), tuple(assumed)
    except AdvisorError:
        return None, ()


@dataclass(frozen=True)
class Told:
    """A preview in words.

    Attributes:
        headline: What is compared, or why nothing is.
        rows: (slot's title, what would become of it), in the rulebook's order.
        notes: What else there is to know, in sentences.
    """

    headline: str
    rows: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()

    def sentence(self, most: int = 6) -> str:
        """Return it as running text.

        Args:
            most: How many changed slots are named.
        """
        parts = [f"{title} {becomes}" for title, becomes in self.rows[:most]]
        if len(self.rows) > most:
            parts.append(f"{len(self.rows) - most} more")
        text = f"{self.headline} {'; '.join(parts)}." if parts else self.headline
        return " ".join((text, *self.notes))


def tell_preview(found: Preview, name: str, value: Value) -> Told:
    """Return a preview in words.

    Args:
        found: The preview.
        name: The fact that is asked for.
        value: The answer in question.
    """
    if found.impossible:
        return Told(f"That can't be: {found.impossible}")
    word = say_fact_value(name, value)
    rows = tuple(
        (title, _short(after) if before is None and not found.has_beside else _arrow(before, after))
        for title, before, after in found.changes
    )
    if rows and found.has_beside:
        text = f"“{word}” instead of “{say_fact_value(name, found.beside)}” would change:"
    elif rows:
        text = f"“{word}” leads to:"
    elif found.has_beside and value == found.beside:
        text = "This is what is offered; other answers are compared with it here."
    else:
        text = f"“{word}” changes nothing in the advice so far."
    notes = []
    if found.assumed:
        said = say_list([f"{FACTS[each].title}: {say_value(given)}" for each, given in found.assumed])
        notes.append(f"(Assuming {said}.)")
    if found.dropped:
        notes.append(f"It would drop your answer to: {say_list(found.dropped)}.")
    return Told(text, rows, tuple(notes))


def _arrow(before: Any, after: Any) -> str:
    return f"{_short(before)} → {_short(after)}"


def _short(value: Any) -> str:
    """Return a value for people; of a long list how long it is."""
    if isinstance(value, list | tuple) and len(value) > _LONGEST_LIST:
        return f"{value[0]} and {len(value) - 1} more"
    return say_value(value)
