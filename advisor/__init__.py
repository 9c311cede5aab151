"""Advisor: an expert system that configures deep neural networks, explains every choice, and delivers them.

Deciding (``recommend``, ``explain``) needs no deep-learning framework; ``train`` and ``load_run`` import theirs when
they are called.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from advisor.explanation import explain
    from advisor.interfaces.python import train
    from advisor.interfaces.sklearn import AdvisedClassifier, AdvisedRegressor
    from advisor.problem import Problem
    from advisor.recommendation import Recommendation, recommend
    from advisor.run import Run, load_run

__version__ = "0.1.0"

_HOMES = {
    "AdvisedClassifier": "advisor.interfaces.sklearn",
    "AdvisedRegressor": "advisor.interfaces.sklearn",
    "Problem": "advisor.problem",
    "Recommendation": "advisor.recommendation",
    "Run": "advisor.run",
    "explain": "advisor.explanation",
    "load_run": "advisor.run",
    "recommend": "advisor.recommendation",
    "train": "advisor.interfaces.python",
}

__all__ = [
    "AdvisedClassifier",
    "AdvisedRegressor",
    "Problem",
    "Recommendation",
    "Run",
    "explain",
    "load_run",
    "recommend",
    "train",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used."""
    if name not in _HOMES:
        raise AttributeError(f"module 'advisor' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names, imported or not."""
    return sorted([*globals(), *_HOMES])
