"""The tools: recommend, explain, what_if, counterfactual and validate_problem."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import wraps
from importlib.metadata import version
from typing import Annotated, Any, ParamSpec

from mcp.server import MCPServer
from mcp_types import ToolAnnotations
from pydantic import Field

from advisor.errors import AdvisorError, Finding, KnowledgeError
from advisor.knowledge import list_rulebooks
from advisor.problem import Problem, check_facts
from advisor.recommendation import Recommendation
from advisor.recommendation import recommend as decide

Parameters = ParamSpec("Parameters")
Answer = dict[str, Any]
Facts = Annotated[
    dict[str, Any],
    Field(
        description="Fields of the problem; only task and architecture are required.",
        json_schema_extra={"properties": Problem.model_json_schema()["properties"]},
    ),
]
Rulebook = Annotated[str, Field(description=f"One of: {', '.join(list_rulebooks())}.")]
Slot = Annotated[str, Field(description="A decided slot, such as activation.")]
Wanted = Annotated[str, Field(description="A value of the slot, such as relu; elements of a list by commas.")]
_READS_ONLY = ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=False)


def _with_errors(tool: Callable[Parameters, Answer]) -> Callable[Parameters, Answer]:
    """Answer a user's mistake with its findings, so that it can be mended and asked again."""

    @wraps(tool)
    def told(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Answer:
        try:
            return tool(*args, **kwargs)
        except AdvisorError as error:
            return {"errors": [finding.as_dict() for finding in error.findings]}

    return told


def _recommendation(problem: dict[str, Any], rulebook: str) -> Recommendation:
    if rulebook not in list_rulebooks():
        message = f"there is no rulebook {rulebook[:100]!r}."
        raise KnowledgeError(Finding("K100", "rulebook", message, f"Rulebooks: {', '.join(list_rulebooks())}."))
    return decide(problem, rulebook)


def recommend(problem: Facts, rulebook: Rulebook = "homl2") -> Answer:
    """Advise how to configure a deep network for a problem; every decision comes with rule, reason and source.

    Answers the recommendation as JSON, or {"errors": [...]} with what to mend.
    """
    return _recommendation(problem, rulebook).to_dict()


def explain(problem: Facts, slot: Slot | None = None, rulebook: Rulebook = "homl2") -> Answer:
    """Explain what is advised for a problem in words: all of it, or why one slot has its value."""
    from advisor import explanation

    found = _recommendation(problem, rulebook)
    told = explanation.explain(found) if slot is None else explanation.why(found, slot)
    return {"markdown": told.markdown(), **told.as_dict()}


def what_if(
    problem: Facts,
    changes: Annotated[dict[str, Any], Field(description="Fields of the problem with their other values.")],
    rulebook: Rulebook = "homl2",
) -> Answer:
    """Tell what would be advised if some facts of a problem were different."""
    from advisor import explanation

    told = explanation.what_if(_recommendation(problem, rulebook), changes)
    return {"markdown": told.markdown(), **told.as_dict()}


def counterfactual(problem: Facts, slot: Slot, value: Wanted, rulebook: Rulebook = "homl2") -> Answer:
    """Tell what would have to be different in a problem for a slot to get a wanted value."""
    from advisor import explanation

    told = explanation.counterfactual(_recommendation(problem, rulebook), slot, value)
    return {"markdown": told.markdown(), **told.as_dict()}


def validate_problem(problem: Facts) -> Answer:
    """Check a problem without deciding anything; answers every field with its value, or everything that is wrong."""
    facts, stated = check_facts(problem)
    return {"valid": True, "problem": facts, "stated": sorted(stated)}


TOOLS: tuple[Callable[..., Answer], ...] = (recommend, explain, what_if, counterfactual, validate_problem)


def create_server() -> MCPServer[Any]:
    """Make the MCP server with its tools; the fields of a problem are a resource."""
    server: MCPServer[Any] = MCPServer(
        "advisor",
        version=version("advisor"),
        instructions="Configures deep networks by rules. Read problem://schema for the fields of a problem.",
        log_level="WARNING",
    )
    for tool in TOOLS:
        server.add_tool(_with_errors(tool), annotations=_READS_ONLY)

    @server.resource("problem://schema", mime_type="application/schema+json")
    def problem_schema() -> str:
        """The JSON Schema of a problem."""
        return json.dumps(Problem.model_json_schema())

    return server
