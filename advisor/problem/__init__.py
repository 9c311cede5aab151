"""The problem: its vocabulary, its strict JSON form, and what in it contradicts itself."""

from advisor.problem.contradictions import CONTRADICTIONS, Contradiction
from advisor.problem.facts import FactType
from advisor.problem.merging import complete_problem
from advisor.problem.problem import Problem
from advisor.problem.vocabulary import FACTS

__all__ = ["CONTRADICTIONS", "FACTS", "Contradiction", "FactType", "Problem", "complete_problem"]
