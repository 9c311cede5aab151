"""Conditions on facts as data: constants, lists, ``{lt, le, gt, ge, not}``, ``any`` and ``all``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Facts = Mapping[str, Any]


def holds(condition: Mapping[str, Any] | None, facts: Facts) -> bool:
    """Tell whether facts satisfy a condition.

    Args:
        condition: Fact names with what they must be: a value, a list (any of them), None (unknown), or a mapping
            with ``lt``, ``le``, ``gt``, ``ge`` and ``not``; ``any`` and ``all`` hold lists of conditions.
            None is satisfied by everything.
        facts: Facts by name; a missing fact counts as None.

    Examples:
        >>> holds({"sparsity": ["sparse", "very_sparse"]}, {"sparsity": "sparse"})
        True
        >>> holds({"latency_budget_ms": {"le": 5}}, {"latency_budget_ms": None})
        False
    """
    if condition is None:
        return True
    for name, wanted in condition.items():
        if name == "any":
            if not any(holds(part, facts) for part in wanted):
                return False
        elif name == "all":
            if not all(holds(part, facts) for part in wanted):
                return False
        elif not _matches(wanted, facts.get(name)):
            return False
    return True


def _matches(wanted: Any, value: Any) -> bool:
    if isinstance(wanted, Mapping):
        return all(_compare(operator, operand, value) for operator, operand in wanted.items())
    if isinstance(wanted, list | tuple):
        return any(_same(option, value) for option in wanted)
    return _same(wanted, value)


def _same(wanted: Any, value: Any) -> bool:
    return isinstance(wanted, bool) == isinstance(value, bool) and bool(wanted == value)


_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "lt": lambda value, bound: bool(value < bound),
    "le": lambda value, bound: bool(value <= bound),
    "gt": lambda value, bound: bool(value > bound),
    "ge": lambda value, bound: bool(value >= bound),
}


def _compare(operator: str, operand: Any, value: Any) -> bool:
    if operator == "not":
        return not _matches(operand, value)
    return value is not None and _COMPARISONS[operator](value, operand)
