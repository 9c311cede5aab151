"""``advisor train`` as a step of other programs' pipelines, written from its own argument list."""

from advisor.interfaces.steps.arguments import Argument, arguments
from advisor.interfaces.steps.registry import STEPS

__all__ = ["STEPS", "Argument", "arguments"]
