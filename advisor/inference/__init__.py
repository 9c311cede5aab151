"""The engine: facts in, decisions out, and the trace that says why.

``decide(rulebook, facts)`` gives an ``Inference``; ``trace(rulebook, facts, inference)`` says why; ``run_cornerstones``
replays every rule's cases. Names are imported when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from advisor.inference.cases import CaseResult, complete_facts, run_cornerstones
    from advisor.inference.engine import Engine, Inference, compile_rulebook, compiled, decide
    from advisor.inference.quantities import QUANTITIES, Quantity
    from advisor.inference.tracing import Decision, Defeated, Overridden, Reason, Trace, standing_rules, trace

_WHERE = {
    "CaseResult": "cases",
    "Decision": "tracing",
    "Defeated": "tracing",
    "Engine": "engine",
    "Inference": "engine",
    "Overridden": "tracing",
    "QUANTITIES": "quantities",
    "Quantity": "quantities",
    "Reason": "tracing",
    "Trace": "tracing",
    "compile_rulebook": "engine",
    "compiled": "engine",
    "complete_facts": "cases",
    "decide": "engine",
    "run_cornerstones": "cases",
    "standing_rules": "tracing",
    "trace": "tracing",
}

__all__ = [
    "QUANTITIES",
    "CaseResult",
    "Decision",
    "Defeated",
    "Engine",
    "Inference",
    "Overridden",
    "Quantity",
    "Reason",
    "Trace",
    "compile_rulebook",
    "compiled",
    "complete_facts",
    "decide",
    "run_cornerstones",
    "standing_rules",
    "trace",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it's first asked for."""
    from importlib import import_module

    if name in _WHERE:
        return getattr(import_module(f"advisor.inference.{_WHERE[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
