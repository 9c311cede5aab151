"""``advisor explain``: why a recommendation is as it is, what would change it, and whether it can be trusted."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from advisor.errors import EXIT_NO, ArtifactError, Finding, RequestError
from advisor.interfaces.cli.streams import note, page_style, page_width, read_input, to_json, write_line

if TYPE_CHECKING:
    from advisor.explanation import Explanation
    from advisor.recommendation import Recommendation


def explain(
    recommendation: Annotated[
        str, typer.Argument(metavar="RECOMMENDATION.json|-", help="A saved recommendation; - reads it from stdin.")
    ],
    why: Annotated[
        str | None, typer.Option("--why", metavar="SLOT", help="Explain one decision, down to the facts.")
    ] = None,
    why_not: Annotated[
        str | None, typer.Option("--why-not", metavar="SLOT=VALUE", help="Explain why it is not another value.")
    ] = None,
    what_if: Annotated[
        list[str] | None,
        typer.Option("--what-if", metavar="FIELD=VALUE", help="Show what another fact would change; repeatable."),
    ] = None,
    counterfactual: Annotated[
        str | None,
        typer.Option("--counterfactual", metavar="SLOT=VALUE", help="Show what would have to change for a value."),
    ] = None,
    fixed: Annotated[
        list[str] | None,
        typer.Option("--fixed", metavar="FIELD", help="With --counterfactual: a fact that may not change; repeatable."),
    ] = None,
    contrast: Annotated[
        str | None, typer.Option("--contrast", metavar="OTHER.json", help="Set another recommendation beside it.")
    ] = None,
    given_up: Annotated[bool, typer.Option("--given-up", help="Show what pulled against what, and the price.")] = False,
    certify: Annotated[
        bool, typer.Option("--certify", help="Have it checked independently; exit code 1 when it does not hold.")
    ] = False,
    graph: Annotated[
        str | None,
        typer.Option("--graph", metavar="OUT.svg", help="Draw the decisions; with --why only those behind it."),
    ] = None,
    rulebook: Annotated[
        str | None, typer.Option(help="Name or folder of the rulebook, where it is not found by the name in it.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown.")] = False,
) -> None:
    """Explain a recommendation, or one choice in it.

    Without a question every decision is explained. One question at a time: --why, --why-not, --what-if,
    --counterfactual, --contrast, --given-up or --certify.
    """
    questions = {
        "--why": why is not None,
        "--why-not": why_not is not None,
        "--what-if": bool(what_if),
        "--counterfactual": counterfactual is not None,
        "--contrast": contrast is not None,
        "--given-up": given_up,
        "--certify": certify,
    }
    asked = [option for option, is_asked in questions.items() if is_asked]
    if len(asked) > 1:
        message = f"{' and '.join(asked)} are two questions; one is answered at a time."
        raise RequestError(Finding("R144", asked[1], message, "Ask them one after the other."))
    if fixed and counterfactual is None:
        message = "facts are held fixed, but nothing is asked of them."
        raise RequestError(Finding("R145", "--fixed", message, "Add --counterfactual SLOT=VALUE."))
    found = _read(recommendation)
    if graph is not None:
        _draw(found, why, graph)
        if not asked:
            return
    texts = {"why": why, "why_not": why_not, "counterfactual": counterfactual, "contrast": contrast}
    told = _answer(found, asked[0] if asked else "", texts, what_if or [], fixed or [], rulebook)
    if json:
        write_line(to_json(told.as_dict()))
    elif markdown:
        write_line(told.markdown())
    else:
        write_line(told.text(width=page_width(), style=page_style()))
    if certify and not told.data["is_certified"]:
        raise typer.Exit(EXIT_NO)


def _read(name: str) -> Recommendation:
    from advisor.recommendation import Recommendation

    return Recommendation.from_json(read_input(name, "a recommendation", ArtifactError))


def _answer(
    found: Recommendation,
    question: str,
    texts: dict[str, Any],
    changes: list[str],
    fixed: list[str],
    rulebook: str | None,
) -> Explanation:
    """Answer one question; each option was checked to be there."""
    from advisor import explanation
    from advisor.explanation.asking import pair

    if question == "--why":
        return explanation.why(found, texts["why"])
    if question == "--why-not":
        slot, value = pair(texts["why_not"], question, "SLOT")
        return explanation.why_not(found, slot, value, rulebook=rulebook)
    if question == "--what-if":
        changed = dict(pair(each, question, "FIELD") for each in changes)
        return explanation.what_if(found, changed, rulebook=rulebook)
    if question == "--counterfactual":
        slot, value = pair(texts["counterfactual"], question, "SLOT")
        return explanation.counterfactual(found, slot, value, fixed=fixed, rulebook=rulebook)
    if question == "--contrast":
        return explanation.contrast(found, _read(texts["contrast"]))
    if question == "--given-up":
        return explanation.given_up(found, rulebook=rulebook)
    if question == "--certify":
        return explanation.certify(found, rulebook=rulebook)
    return explanation.explain(found)


def _draw(found: Recommendation, slot: str | None, name: str) -> None:
    from advisor.explanation import decision_graph_svg
    from advisor.storage import write_text

    drawn = decision_graph_svg(found.document, slot=slot)
    try:
        write_text(Path(name), drawn)
    except OSError as failure:
        message = f"the file can't be written: {failure.strerror or failure}."
        raise RequestError(Finding("R146", name, message, "Give another path with --graph.")) from None
    note(f"Drew the decisions: {name}")
