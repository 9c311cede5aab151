"""The parameters of the estimators: the fields of a problem, and how training is done."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from advisor.problem import FACTS

OWN: dict[str, Any] = {
    "rulebook": "homl2",
    "random_state": 0,
    "max_epochs": None,
    "single_network": False,
    "time_budget": None,
    "out": None,
}
"""Parameters that are no field of the problem, with their defaults."""

FIELDS = tuple(name for name in FACTS if name != "task")
"""Fields of the problem that are parameters: all but the task, which the estimator and the target decide."""


def defaults() -> dict[str, Any]:
    """Return every parameter with its default; None leaves a field of the problem to the data and the vocabulary."""
    return {**dict.fromkeys(FIELDS), **OWN}


def takes_parameters(init: Callable[..., None]) -> Callable[..., None]:
    """Give a constructor the signature that scikit-learn reads, with every parameter by its name."""
    first = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    named = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default) for name, default in defaults().items()
    ]
    init.__signature__ = inspect.Signature([first, *named])  # type: ignore[attr-defined]  # read by inspect.signature
    return init
