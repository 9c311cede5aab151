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
