"""The interview in a terminal: question after question, back and forth, a summary to correct, then the problem."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

from advisor.errors import ProblemError
from advisor.explanation.wording import say_fact_value
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
from advisor.interfaces.wizard.terminal import BACK, Answer, Option, Screen, choose, type_in
from advisor.problem import FACTS

Tell = Callable[[str], None]
Keep = Callable[[Interview], None]
_DONE = "done"


def talk(interview: Interview, tell: Tell, keep: Keep) -> Interview:
    """Ask everything that is relevant and not answered yet.

    Args:
        interview: Where the interview stands.
        tell: Says a line to the person.
        keep: Saves the interview; called after each answer.

    Returns:
        The interview with every relevant question answered, as confirmed in the summary.

    Raises:
        KeyboardInterrupt: After Ctrl-C.
    """
    tell("A few questions. Enter takes what is offered, Esc goes back, ? says why.")
    while True:
        question = next_question(interview)
        if question is not None:
            interview = _step(interview, question, tell)
            keep(interview)
            continue
        choice = _summary(interview)
        if choice == BACK:
            interview = _back(interview, tell)
        elif choice == _DONE:
            return interview
        else:
            interview = _step(interview, question_about(interview, choice), tell, is_correction=True)
        keep(interview)


def _step(interview: Interview, question: Question, tell: Tell, *, is_correction: bool = False) -> Interview:
    given = ask(question)
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


def ask(question: Question) -> Answer | Literal["back"]:
    """Ask one question in the terminal.

    Returns:
        The answer, or ``back`` after Esc.

    Raises:
        KeyboardInterrupt: After Ctrl-C.
    """
    fact = question.fact
    footnote = ""
    if question.has_default:
        words = say_fact_value(fact.name, question.default)
        footnote = f"Offered: {words}, because {_lower(question.default_because)}."
    screen = Screen(f"Question {question.number} of {question.of}: {fact.title}", fact.question, fact.why, footnote)
    if fact.kind in ("int", "number"):
        default = "" if question.default is None else f"{question.default:g}"
        if isinstance(question.default, int):
            default = str(question.default)
        if fact.nullable:
            screen = Screen(screen.heading, f"{fact.question} (empty: {fact.null_means})", fact.why, footnote)
        return type_in(screen, default, lambda text: parse_answer(fact, text))
    if fact.kind == "bool":
        options = [Option(False, "no"), Option(True, "yes")]
    else:
        options = [Option(choice, choice, meaning) for choice, meaning in fact.choice_meanings.items()]
    if fact.nullable:
        options.insert(0, Option(None, fact.null_means))
    values: list[Any] = [option.value for option in options]
    start = values.index(question.default) if question.has_default and question.default in values else 0
    return choose(screen, options, start)


def _summary(interview: Interview) -> str:
    names = [name for name in relevant(interview) if name in interview.answers]
    options = [Option(_DONE, "All of this is right: recommend")]
    options += [Option(name, f"{FACTS[name].title}: {say_fact_value(name, interview.answers[name])}") for name in names]
    screen = Screen(
        "Your problem", "Is everything right? Choose a line to change it.", "It is the last chance to look."
    )
    given = choose(screen, options)
    return BACK if given == BACK else str(given.value)


def _lower(text: str) -> str:
    """Return a reason so that it goes on after ``because``."""
    text = text.strip().rstrip(".")
    return text[:1].lower() + text[1:] if text[:2].istitle() or text[:2] in ("A ", "I ") else text


def recap(answers: Mapping[str, Any]) -> str:
    """Return answers in a line, for a person who comes back to them."""
    return "; ".join(f"{FACTS[name].title}: {say_fact_value(name, value)}" for name, value in answers.items())
