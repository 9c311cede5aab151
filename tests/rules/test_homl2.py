"""Every shipped rulebook: its cases come out, its problems are possible, and everything declared is used."""

from __future__ import annotations

from itertools import chain

import pytest

from advisor.inference import compiled, run_cornerstones
from advisor.interfaces.cli.rules import NOT_YET, _is_announced
from advisor.knowledge import list_rulebooks, load_rulebook
from advisor.knowledge.conditions import atoms
from advisor.knowledge.verification import verify
from advisor.problem import Problem
from advisor.recommendation.capabilities import is_carried_out

RULEBOOKS = list_rulebooks()


@pytest.mark.parametrize("name", RULEBOOKS)
def test_every_case_comes_out(name: str) -> None:
    results = run_cornerstones(load_rulebook(name))
    assert [str(finding) for result in results for finding in result.findings] == []


@pytest.mark.parametrize("name", RULEBOOKS)
def test_every_case_is_a_problem_without_contradictions_and_with_the_same_facts(name: str) -> None:
    rulebook = load_rulebook(name)

    def facts_of_problem(given: object) -> dict[str, object]:
        return dict(Problem.model_validate(given).facts())

    assert all(result.passed for result in run_cornerstones(rulebook, facts_of_problem))


@pytest.mark.parametrize("name", RULEBOOKS)
def test_every_parameter_derived_fact_and_computed_number_is_used(name: str) -> None:
    rulebook = load_rulebook(name)
    conditions = list(chain.from_iterable(atoms(rule.when) for rule in rulebook.rules))
    assignments = [assignment for rule in rulebook.rules for assignment in rule.assignments]
    read = {atom.fact for atom in conditions} | {assignment.copy for assignment in assignments}
    parameters = {name for atom in conditions for name in atom.parameters}
    parameters |= {name for assignment in assignments for name in assignment.parameters}
    assert set(rulebook.parameters) - parameters == set()
    assert (set(rulebook.derived) | set(rulebook.computed)) - read == set()
    assert set(rulebook.derived) <= {assignment.target for rule in rulebook.rules for assignment in rule.concludes}
    cited = {source.work for rule in rulebook.rules for source in rule.sources}
    cited |= {source.work for parameter in rulebook.parameters.values() for source in parameter.sources}
    assert set(rulebook.bibliography) == cited
    assert {slot.group for slot in rulebook.slots.values()} == set(rulebook.groups)
    assert {rule.layer for rule in rulebook.rules} == set(rulebook.layers)


@pytest.mark.parametrize("name", RULEBOOKS)
def test_every_rule_has_a_case_in_which_it_stays_silent_if_it_can(name: str) -> None:
    rulebook = load_rulebook(name)
    decide = compiled(rulebook).decide
    defaults = {name: fact.default for name, fact in rulebook.facts.items()}
    for rule in rulebook.rules:
        position = rulebook.positions[rule.id]
        held = {decide({**defaults, **case.given}).holds[position] for case in rule.cases}
        assert True in held, rule.id
        assert False in held or not rule.when.parts or rule.contrast is None, rule.id


@pytest.mark.parametrize("name", RULEBOOKS)
def test_the_rulebook_is_proven(name: str) -> None:
    proof = verify(load_rulebook(name), is_carried_out, _is_announced)
    assert [str(finding) for finding in proof.findings] == []


def test_what_is_announced_as_not_carried_out_is_so() -> None:
    announced = {(slot, value) for slot, values in NOT_YET.items() for value in values}
    assert {(slot, value) for slot, value in announced if is_carried_out(slot, value)} == set()
