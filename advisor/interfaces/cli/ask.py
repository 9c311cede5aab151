"""``advisor ask``: the wizard that asks for a problem and advises on it."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from advisor.errors import Finding, ProblemError, RequestError
from advisor.interfaces.cli.describing import COLUMN_HELP, data_options, words_of
from advisor.interfaces.cli.streams import note, page_style, page_width, read_input, wants_json, wrapped, write_line

if TYPE_CHECKING:
    from advisor.interfaces.wizard.machine import Interview
    from advisor.interfaces.wizard.terminal import Front
    from advisor.knowledge import Rulebook
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
    data_kind: Annotated[
        str | None,
        typer.Option(help="table, image, series or text, where the kind of data is recognized wrongly."),
    ] = None,
    series_id: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Column that tells one series from another.")
    ] = None,
    time: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Column that orders the steps of a series.")
    ] = None,
    horizon: Annotated[int | None, typer.Option(help="Steps to forecast at once.")] = None,
    column: Annotated[list[str] | None, typer.Option(metavar="NAME=KIND", help=COLUMN_HELP)] = None,
    rulebook: Annotated[str, typer.Option(help="Name of a rulebook, or its folder.")] = "homl2",
    plain: Annotated[
        bool, typer.Option("--plain", help="Ask in plain lines, one after the other: for screen readers.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON on a terminal too.")] = False,
) -> int:
    """Be asked about your problem, and get advice.

    Questions appear on stderr; the recommendation is printed on stdout. Answers are saved after each question, so an
    interrupted interview goes on with --resume.
    """
    from advisor.interfaces.wizard.machine import missing, next_question
    from advisor.knowledge import load_rulebook
    from advisor.recommendation.recommend import recommend

    book = load_rulebook(rulebook)
    folder = Path(out) if out is not None else None
    place = folder / ANSWERS if folder is not None else _state()
    said = data_options(series_id=series_id, time=time, horizon=horizon, column=column)
    interview = _begin(answers, place if resume else None, data, target, data_kind, said)
    can_ask = not no_input and sys.stdin.isatty() and sys.stderr.isatty()
    talks = can_ask and not (answers is not None and next_question(interview) is None)
    if talks:
        interview = _converse(interview, place, out, book, _front(plain))
    elif names := missing(interview):
        raise RequestError(*(_unanswered(name) for name in names))
    else:
        _tell_defaults(interview)
    facts, how = _facts_of(interview)
    found = recommend(facts, book, measured=how)
    if wants_json(json):
        write_line(found.to_json())
    else:
        from dataclasses import replace

        from advisor.explanation import Explanation, explain

        told = Explanation(replace(explain(found, brief=True).outline, hints=()))
        write_line(told.text(width=page_width(), style=page_style()))
    if talks and folder is None:
        from advisor.interfaces.wizard.ending import ask_for_folder

        folder = ask_for_folder(_front(plain))
    if folder is not None:
        _save(found, interview, folder)
    if talks and place != (folder or place) / ANSWERS:
        place.unlink(missing_ok=True)
    words = words_of(data_kind, series_id, time, horizon, column)
    return _offer_training(folder, data, target, plain, words) if talks and folder is not None else 0


def _front(plain: bool) -> Front:
    """Return the way of asking: plain lines where they are wanted, or where nothing can be drawn."""
    if plain or os.environ.get("TERM") == "dumb":
        from advisor.interfaces.wizard.plain import FRONT

        return FRONT
    from advisor.interfaces.wizard.terminal import FRONT as DRAWN

    return DRAWN


def _state() -> Path:
    root = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(root) / "advisor" / ANSWERS


def _begin(
    answers: str | None,
    earlier: Path | None,
    data: str | None,
    target: str | None,
    data_kind: str | None,
    said: Mapping[str, Any],
) -> Interview:
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
        kind = data_kind or stated.get("data_kind")
        found = profile(data, target=target, task=stated.get("task"), kind=kind, **said)
        measured, how = found.facts, found.how
        for each in found.notes:
            note(wrapped(f"Note: {each}"))
    elif target is not None or said:
        name = "target" if target is not None else next(iter(said)).replace("_", "-").replace("kinds", "column")
        raise RequestError(Finding("R104", f"--{name}", "it describes data, and none are given.", "Add --data FILE."))
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


def _converse(interview: Interview, place: Path, out: str | None, book: Rulebook, front: Front) -> Interview:
    from advisor.interfaces.wizard.talk import recap, talk
    from advisor.storage import write_json

    def keep(now: Interview) -> None:
        write_json(place, dict(now.answers))

    if interview.answers:
        note(wrapped(f"Already answered: {recap(interview.answers)}."))
    try:
        return talk(interview, lambda text: note(wrapped(text)), keep, book, front)
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
    note(f"The whole reason of one value: advisor explain {folder / 'recommendation.json'} --why activation")


def _offer_training(folder: Path, data: str | None, target: str | None, plain: bool, words: list[str]) -> int:
    import shlex

    from advisor.interfaces.wizard.ending import Training, ask_for_training, command_of

    training = ask_for_training(_front(plain), data, target)
    if training is None:
        later = command_of(Training(data or "FILE", target or (None if data else "COLUMN")), folder) + words
        note(f"Train later with: advisor {shlex.join(later)}")
        return 0
    from advisor.interfaces.cli.main import run

    command = command_of(training, folder) + words
    note(f"advisor {shlex.join(command)}")
    return run(command)
