"""``advisor explain``: why a recommendation is as it is."""

from __future__ import annotations

from typing import Annotated

import typer

from advisor.errors import ArtifactError
from advisor.interfaces.cli.streams import page_style, page_width, read_input, to_json, write_line


def explain(
    recommendation: Annotated[
        str, typer.Argument(metavar="RECOMMENDATION.json|-", help="A saved recommendation; - reads it from stdin.")
    ],
    why: Annotated[
        str | None, typer.Option("--why", metavar="SLOT", help="Explain one decision, down to the facts.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown.")] = False,
) -> None:
    """Explain a recommendation, or one choice in it.

    Without --why every decision is explained; with it one decision, down to the facts of the problem.
    """
    from advisor.explanation import explain as explain_all
    from advisor.explanation import why as explain_one
    from advisor.recommendation import Recommendation

    found = Recommendation.from_json(read_input(recommendation, "a recommendation", ArtifactError))
    explanation = explain_one(found, why) if why is not None else explain_all(found)
    if json:
        write_line(to_json(explanation.as_dict()))
    elif markdown:
        write_line(explanation.markdown())
    else:
        write_line(explanation.text(width=page_width(), style=page_style()))
