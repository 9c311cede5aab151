"""The deciding half in one call: a problem in, a recommendation out."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast

from advisor.inference import decide
from advisor.knowledge.loading import load_rulebook
from advisor.knowledge.rulebook import Rulebook
from advisor.problem.checking import check_facts
from advisor.problem.strict_json import read_strict_json
from advisor.recommendation.recommendation import Recommendation

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from advisor.problem import Problem

_NOTHING: Mapping[str, str] = MappingProxyType({})


def recommend(
    problem: Problem | Mapping[str, Any] | str | bytes,
    rulebook: str | Rulebook = "homl2",
    *,
    measured: Mapping[str, str] = _NOTHING,
) -> Recommendation:
    """Decide what is advised for a problem.

    Args:
        problem: A problem, its facts by name, or its JSON.
        rulebook: Name or folder of a rulebook, or a loaded one.
        measured: Facts of the problem that were measured on data, and how, for the explanation.

    Returns:
        The recommendation; the same problem and rules give the same one, byte for byte.

    Raises:
        ProblemError: If the problem is not valid.
        KnowledgeError: If there is no such rulebook, or it can't be used.
        InferenceError: If the rulebook leaves something undecided.
    """
    facts: Mapping[str, Any]
    stated: AbstractSet[str] | None = getattr(problem, "model_fields_set", None)
    if stated is not None:
        facts = problem.__dict__
    else:
        if isinstance(problem, str | bytes):
            problem = cast("Mapping[str, Any]", read_strict_json(problem))
        facts, stated = check_facts(cast("Mapping[str, Any]", problem))
    if not isinstance(rulebook, Rulebook):
        rulebook = load_rulebook(rulebook)
    inference = decide(rulebook, facts)
    return Recommendation(MappingProxyType(inference.values), basis=(rulebook, inference, stated, measured))


def recommend_again(
    before: Recommendation, changes: Mapping[str, Any], rulebook: str | Rulebook, *, how: str
) -> Recommendation:
    """Decide again after some facts turned out to be different; every other fact stays where it came from.

    Args:
        before: What was advised before.
        changes: The facts that were found out, by name.
        rulebook: Name or folder of the rulebook that decides, or a loaded one.
        how: How they were found out, for the explanation.

    Returns:
        The recommendation, in which facts that were measured or left open are not taken for the user's words.

    Raises:
        ProblemError: If the changed facts are no valid problem.
        KnowledgeError: If there is no such rulebook, or it can't be used.
        InferenceError: If the rulebook leaves something undecided.
    """
    origins = before.trace["facts"]
    known: dict[str, Any] = {}
    measured: dict[str, str] = {}
    for name, value in before.document["problem"].items():
        origin = origins.get(name, {"origin": "given", "how": ""})
        if origin["origin"] == "default" or name in changes:
            continue
        known[name] = value
        if origin["origin"] == "measured":
            measured[name] = origin["how"]
    return recommend({**known, **changes}, rulebook, measured={**measured, **dict.fromkeys(changes, how)})
