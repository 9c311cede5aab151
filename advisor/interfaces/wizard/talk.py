"""The interview in a terminal: question after question, back and forth, a summary to correct, then the problem."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

from advisor.errors import ProblemError
from advisor.explanation.wording import say_fact_value, say_list
from advisor.interfaces.wizard.machine import (
    Interview,
    Question,
    answer,
    back,
    next_question,
    parse_answer,
    question_about,
    relevant,
)
from advisor.interfaces.wizard.preview import Told, preview, tell_preview
from advisor.interfaces.wizard.relying import rules_relying_on
from advisor.interfaces.wizard.terminal import BACK, FRONT, Answer, Front, Option, Screen
from advisor.knowledge import Rulebook
from advisor.problem import FACTS, FactType

Tell = Callable[[str], None]
Keep = Callable[[Interview], None]
_DONE = "done"
_MOST_RULES = 3


def talk(interview: Interview, tell: Tell, keep: Keep, rulebook: Rulebook, front: Front = FRONT) -> Interview:
    """Ask everything that is relevant and not answered yet.

    Args:
        interview: Where the interview stands.
        tell: Says a line to the person.
        keep: Saves the interview; called after each answer.
        rulebook: The rulebook that will decide; it says what an answer changes, and which rules rely on it.
        front: The way of asking.

    Returns:
        The interview with every relevant question answered, as confirmed in the summary.

    Raises:
        KeyboardInterrupt: After Ctrl-C.
    """
    if front is FRONT:
        tell("A few questions. Enter takes what is offered, Esc goes back, ? says why.")
    else:
        tell("A few questions. Enter takes what is offered; back, why and if are explained with each.")
    asker = _Asker(rulebook, front)
    while True:
        question = next_question(interview)
        if question is not None:
            interview = _step(interview, question, tell, asker)
            keep(interview)
            continue
        choice = _summary(interview, front)
        if choice == BACK:
            interview = _back(interview, tell)
        elif choice == _DONE:
            return interview
        else:
            interview = _step(interview, question_about(interview, choice), tell, asker, is_correction=True)
        keep(interview)


def _step(
    interview: Interview, question: Question, tell: Tell, asker: _Asker, *, is_correction: bool = False
) -> Interview:
    given = asker.ask(interview, question)
    if given == BACK:
        return interview if is_correction else _back(interview, tell)
    name = question.fact.name
    try:
        interview, dropped = answer(interview, name, given.value)
    except ProblemError as error:
        for finding in error.findings:
            tell(f"That can't be: {finding.message} {finding.hint}")
        return interview
    tell(f"{question.fact.title}: {say_fact_value(name, given.value)}")
    for each in dropped:
        tell(f"Dropped, because it no longer fits: {FACTS[each].title}.")
    return interview


def _back(interview: Interview, tell: Tell) -> Interview:
    if not interview.answers:
        tell("This is the first question.")
        return interview
    last = list(interview.answers)[-1]
    tell(f"Back to: {FACTS[last].title}.")
    return back(interview)


class _Asker:
    """Asks one question after the other in the same way."""

    def __init__(self, rulebook: Rulebook, front: Front) -> None:
        self._rulebook, self._front = rulebook, front

    def ask(self, interview: Interview, question: Question) -> Answer | Literal["back"]:
        """Return the answer, or ``back``."""
        fact = question.fact
        text, footnote = fact.question, ""
        if question.has_default:
            words = say_fact_value(fact.name, question.default)
            footnote = f"Offered: {words}, because {_lower(question.default_because)}."
            if question.is_measured:
                because = question.default_because.strip().rstrip(".")
                footnote = f"Offered: {words}, read from the data. {because[:1].upper()}{because[1:]}."
        options: list[Option] = []
        if fact.kind == "bool":
            options = [Option(False, "no"), Option(True, "yes")]
        elif fact.choices:
            options = [Option(choice, choice, meaning) for choice, meaning in fact.choice_meanings.items()]
        if options and fact.nullable:
            options.insert(0, Option(None, fact.null_means))
        if not options and fact.nullable:
            text = f"{fact.question} (empty: {fact.null_means})"
        values: list[Any] = [option.value for option in options]

        def shown(value: Any) -> Told:
            return tell_preview(preview(self._rulebook, interview, question, value, values), fact.name, value)

        heading = f"Question {question.number} of {question.of}: {fact.title}"
        why = why_we_ask(self._rulebook, fact)
        way = (question.number, question.of)
        screen = Screen(heading, text, why, footnote, shown, question.has_default, way)
        if not options:
            default = "" if question.default is None else f"{question.default:g}"
            if isinstance(question.default, int):
                default = str(question.default)
            return self._front.type_in(screen, default, lambda typed: parse_answer(fact, typed))
        start = values.index(question.default) if question.has_default and question.default in values else 0
        return self._front.choose(screen, options, start)


def why_we_ask(rulebook: Rulebook, fact: FactType) -> str:
    """Return why a fact is asked for, and which rules rely on it.

    Args:
        rulebook: The rulebook that will decide.
        fact: The fact.
    """
    relying = rules_relying_on(rulebook, fact.name)
    named = [f"“{rule.title}”" for rule in relying.directly[:_MOST_RULES]]
    if not named:
        return f"{fact.why} No rule of {rulebook.name} reads it."
    count = len(relying.directly)
    such = f"{count} rules read it, such as " if count > len(named) else "It is read by "
    further = f"; {len(relying.further)} more follow from these" if relying.further else ""
    return f"{fact.why} {such}{say_list(named)}{further}."


def _summary(interview: Interview, front: Front) -> str:
    names = [name for name in relevant(interview) if name in interview.answers]
    options = [Option(_DONE, "All of this is right: recommend")]
    options += [Option(name, f"{FACTS[name].title}: {say_fact_value(name, interview.answers[name])}") for name in names]
    screen = Screen(
        "Your problem", "Is everything right? Choose a line to change it.", "It is the last chance to look."
    )
    given = front.choose(screen, options)
    return BACK if given == BACK else str(given.value)


def _lower(text: str) -> str:
    """Return a reason so that it goes on after ``because``."""
    text = text.strip().rstrip(".")
    return text[:1].lower() + text[1:] if text[:2].istitle() or text[:2] in ("A ", "I ") else text


def recap(answers: Mapping[str, Any]) -> str:
    """Return answers in a line, for a person who comes back to them."""
    return "; ".join(f"{FACTS[name].title}: {say_fact_value(name, value)}" for name, value in answers.items())
