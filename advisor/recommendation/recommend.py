"""The deciding half in one call: a problem in, a recommendation out."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from advisor.inference import decide
from advisor.knowledge.loading import load_rulebook
from advisor.knowledge.rulebook import Rulebook
from advisor.problem import Problem
from advisor.recommendation.recommendation import Recommendation

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
    if not isinstance(problem, Problem):
        problem = Problem.from_json(problem) if isinstance(problem, str | bytes) else Problem.from_facts(problem)
    if not isinstance(rulebook, Rulebook):
        rulebook = load_rulebook(rulebook)
    inference = decide(rulebook, problem.__dict__)
    return Recommendation(problem, MappingProxyType(inference.values), (rulebook, inference, measured))
