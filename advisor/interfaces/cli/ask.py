"""``advisor ask``: the wizard that asks for a problem and advises on it."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from advisor.errors import Finding, ProblemError, RequestError
from advisor.interfaces.cli.streams import note, page_style, page_width, read_input, wants_json, wrapped, write_line

if TYPE_CHECKING:
    from advisor.interfaces.wizard.machine import Interview
    from advisor.recommendation import Recommendation

ANSWERS = "answers.json"


def ask(
    answers: Annotated[
        str | None, typer.Option(metavar="FILE", help="Answers as JSON; only the rest is asked.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the answers of an earlier interview.")] = False,
    no_input: Annotated[
        bool, typer.Option("--no-input", help="Ask nothing; a missing required answer is an error.")
    ] = False,
    out: Annotated[
        str | None, typer.Option(metavar="DIR", help="Folder for problem.json and recommendation.json.")
    ] = None,
    data: Annotated[str | None, typer.Option(metavar="FILE", help="Data that answer most questions.")] = None,
    target: Annotated[str | None, typer.Option(metavar="COLUMN", help="The data's target column.")] = None,
    rulebook: Annotated[str, typer.Option(help="Name of a rulebook, or its folder.")] = "homl2",
    json: Annotated[bool, typer.Option("--json", help="Print JSON on a terminal too.")] = False,
) -> int:
    """Be asked about your problem, and get advice.

    Questions appear on stderr; the recommendation is printed on stdout. Answers are saved after each question, so an
    interrupted interview goes on with --resume.
    """
    from advisor.interfaces.wizard.machine import missing, next_question
    from advisor.recommendation.recommend import recommend

    folder = Path(out) if out is not None else None
    place = folder / ANSWERS if folder is not None else _state()
    interview = _begin(answers, place if resume else None, data, target)
    can_ask = not no_input and sys.stdin.isatty() and sys.stderr.isatty()
    if can_ask and not (answers is not None and next_question(interview) is None):
        interview = _converse(interview, place, out)
    elif names := missing(interview):
        raise RequestError(*(_unanswered(name) for name in names))
    else:
        _tell_defaults(interview)
    facts, how = _facts_of(interview)
    found = recommend(facts, rulebook, measured=how)
    if folder is not None:
        _save(found, interview, folder)
    elif can_ask:
        place.unlink(missing_ok=True)
    if wants_json(json):
        write_line(found.to_json())
    else:
        from advisor.explanation import explain

        write_line(explain(found, brief=True).text(width=page_width(), style=page_style()))
    if can_ask and folder is not None and data is not None:
        return _offer_training(folder, data, target)
    return 0


def _state() -> Path:
    root = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(root) / "advisor" / ANSWERS


def _begin(answers: str | None, earlier: Path | None, data: str | None, target: str | None) -> Interview:
    from advisor.interfaces.wizard.machine import Interview
    from advisor.problem.checking import check_facts, check_stated
    from advisor.problem.strict_json import read_strict_json

    stated: dict[str, Any] = {}
    if earlier is not None:
        if not earlier.is_file():
            hint = "Begin without --resume, or name the same --out folder as before."
            raise RequestError(Finding("R108", str(earlier), "there is no interview to go on with.", hint))
        stated.update(_object(read_strict_json(read_input(str(earlier), "answers"))))
    if answers is not None:
        stated.update(_object(read_strict_json(read_input(answers, "answers"))))
    check_stated(stated)
    if "task" in stated and "architecture" in stated:
        check_facts(stated)
    measured: Mapping[str, Any] = {}
    how: Mapping[str, str] = {}
    if data is not None:
        from advisor.data import profile

        note(f"Reading {data} ...")
        found = profile(data, target=target, task=stated.get("task"))
        measured, how = found.facts, found.how
        for each in found.notes:
            note(wrapped(f"Note: {each}"))
    elif target is not None:
        raise RequestError(Finding("R104", "--target", "a target column is given without data.", "Add --data FILE."))
    return Interview(answers=stated, measured=measured, how=how)


def _object(document: object) -> dict[str, Any]:
    if not isinstance(document, dict):
        raise ProblemError(
            Finding("P104", "", "answers are one object with named fields.", 'Such as {"task": "binary"}.')
        )
    return document


def _unanswered(name: str) -> Finding:
    from advisor.problem import FACTS

    fact = FACTS[name]
    hint = f"{fact.question} Allowed: {fact.allowed}. Answer in a terminal, or with --answers FILE."
    return Finding("R109", name, f"the required field {name!r} is not answered, and nobody can be asked.", hint)


def _tell_defaults(interview: Interview) -> None:
    from advisor.interfaces.wizard.machine import relevant

    names = [name for name in relevant(interview) if name not in interview.answers and name not in interview.measured]
    if names:
        note(wrapped(f"Not answered, so the default is taken: {', '.join(names)}."))


def _converse(interview: Interview, place: Path, out: str | None) -> Interview:
    from advisor.interfaces.wizard.talk import recap, talk
    from advisor.storage import write_json

    def keep(now: Interview) -> None:
        write_json(place, dict(now.answers))

    if interview.answers:
        note(wrapped(f"Already answered: {recap(interview.answers)}."))
    try:
        return talk(interview, note, keep)
    except KeyboardInterrupt:
        again = f"advisor ask --resume{f' --out {out}' if out else ''}"
        if place.is_file():
            note(f"Your answers are kept. Go on with: {again}")
        raise


def _facts_of(interview: Interview) -> tuple[dict[str, Any], dict[str, str]]:
    from advisor.interfaces.wizard.machine import stated_facts

    facts = stated_facts(interview)
    measured = interview.measured
    how = {name: interview.how.get(name, "") for name in facts if name in measured and facts[name] == measured[name]}
    return facts, how


def _save(found: Recommendation, interview: Interview, folder: Path) -> None:
    from advisor.storage import write_json, write_text

    write_json(folder / ANSWERS, dict(interview.answers))
    write_text(folder / "problem.json", found.problem.to_json() + "\n")
    write_text(folder / "recommendation.json", found.to_json() + "\n")
    note(f"Saved {folder / 'problem.json'} and {folder / 'recommendation.json'}.")


def _offer_training(folder: Path, data: str, target: str | None) -> int:
    from advisor.interfaces.wizard.terminal import BACK, Option, Screen, choose

    words = [
        "train",
        "--data",
        data,
        "--recommendation",
        str(folder / "recommendation.json"),
        "--out",
        str(folder / "run"),
    ]
    words += ["--target", target] if target is not None else []
    screen = Screen("Train now?", "The network can be trained with your data now.", "Training takes a minute or more.")
    given = choose(screen, [Option(False, "no"), Option(True, "yes")])
    if given == BACK or not given.value:
        note(f"Train later with: advisor {' '.join(words)}")
        return 0
    from advisor.interfaces.cli.main import run

    return run(words)
