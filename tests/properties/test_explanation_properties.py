"""Counterfactuals against brute force, certificates against tampering, and questions that always have an answer."""

from __future__ import annotations

import copy
import json
import os
from itertools import product
from types import MappingProxyType
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from advisor.errors import AdvisorError, ProblemError
from advisor.explanation import certify, counterfactual, explain, given_up, what_if, why_not
from advisor.explanation.asking import values_of
from advisor.explanation.certificate import objections
from advisor.explanation.certifying import rulebook_data
from advisor.explanation.pieces import Cell
from advisor.explanation.reaching import Changes, merged, minimal_changes
from advisor.inference import decide
from advisor.knowledge import load_rulebook
from advisor.knowledge.conditions import condition_from, holds
from advisor.knowledge.loading import read_rulebook
from advisor.knowledge.rulebook import Rulebook
from advisor.problem import CONTRADICTIONS, FACTS, check_facts
from advisor.recommendation import Recommendation, recommend

many = settings(
    max_examples=int(os.environ.get("ADVISOR_EXAMPLES", "40")),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
IMPOSSIBLE = tuple(condition_from(each.when) for each in CONTRADICTIONS)

# ---------------------------------------------------------------- counterfactuals against brute force
POINTS: dict[str, list[Any]] = {
    "sparsity": ["none", "sparse", "very_sparse"],
    "sparsity_target": [None, 0.4, 0.5, 0.9],
    "latency_budget_ms": [None, 0.5, 5.0, 7.0],
    "hidden_layers": [None, 1, 3, 4, 9],
    "risk_sensitive": [False, True],
    "labeled_rows": [None, 0, 999, 1000, 70000],
}
"""Values of the facts that random rules read; every comparison below comes out in each of its ways among them."""
CONDITIONS = {
    "sparsity": ["sparse", "[sparse, very_sparse]", "{not: sparse}"],
    "sparsity_target": ["{gt: 0.4}", "{le: 0.5}", "null"],
    "latency_budget_ms": ["{le: 5}", "{gt: 5}", "{lt: 5}", "{not: null}"],
    "hidden_layers": ["{ge: 4}", "{lt: 3}", "null", "[3, 9]"],
    "risk_sensitive": ["true", "false"],
    "labeled_rows": ["{lt: 1000}", "{ge: 1000}", "null"],
    "mood": ["good", "bad"],
    "decided.depth": ["{ge: 4}", "1"],
}
VALUES = {"mood": ["good", "bad"], "depth": ["1", "5", "{copy: hidden_layers}"], "shape": ["box", "ball", "cone"]}
VALUES["parts"] = ["[]", "[lid]", "[base, wall]", "[wall, lid]"]
DECLARATIONS = b"""\
rulebook: random
version: "1"
title: A random rulebook
layers: [bottom, l0, l1, l2, l3, l4, l5]
derived:
  mood: {values: [good, bad], meaning: m, otherwise: good}
slots:
  depth: {title: Depth, group: g, type: int, nullable: true, meaning: m}
  shape: {title: Shape, group: g, values: [box, ball, cone], meaning: m}
  parts: {title: Parts, group: g, values: [lid, base, wall], list: true, collect: true, meaning: m}
"""
CASE = (
    "    because: b\n    source: {work: w, at: a}\n    limits: l\n"
    "    cornerstone: {given: {task: binary, architecture: dense_stack}, expect: {shape: box}}\n"
)
WRITTEN = ["mood", "mood", "depth", "shape", "shape", "parts"]


@st.composite
def rulebooks(draw: st.DrawFn) -> Rulebook:
    texts = [f"  - rule: base\n    title: t\n    layer: bottom\n    set: {{depth: 1, shape: box, parts: []}}\n{CASE}"]
    for number, target in enumerate(WRITTEN):
        readable = [*POINTS] + (["mood"] if target != "mood" else []) + (["decided.depth"] if number > 2 else [])
        names = draw(st.lists(st.sampled_from(readable), min_size=1, max_size=3, unique=True))
        parts = [f"{name}: {draw(st.sampled_from(CONDITIONS[name]))}" for name in names]
        if draw(st.booleans()) and len(parts) > 1:
            parts = [f"any: [{{{parts[0]}}}, {{{parts[1]}}}]", *parts[2:]]
        text = f"  - rule: r{number}\n    title: t\n    layer: l{number}\n    when: {{{', '.join(parts)}}}\n"
        value = draw(st.sampled_from(VALUES[target]))
        if value == "{copy: hidden_layers}":
            value = value if draw(st.booleans()) else "5"
        text += f"    {'conclude' if target == 'mood' else 'set'}: {{{target}: {value}}}\n"
        if 0 < number < 5 and draw(st.booleans()):
            text += f"    defeats: [r{draw(st.integers(number + 1, 5))}]\n"
        texts.append(text + CASE)
    contents = {
        "rulebook.yaml": DECLARATIONS,
        "bibliography.yaml": b"works: {w: {kind: book, authors: [a], title: t, year: 2000}}",
        "rules.yaml": ("rules:\n" + "".join(texts)).encode(),
    }
    try:
        return read_rulebook(contents, FACTS, IMPOSSIBLE)
    except AdvisorError:
        assume(False)
        raise


def possible(facts: dict[str, Any]) -> bool:
    return not any(holds(each, facts) for each in IMPOSSIBLE)


problems = st.fixed_dictionaries({name: st.sampled_from(points) for name, points in POINTS.items()}).map(
    lambda some: (
        {**{name: fact.default for name, fact in FACTS.items()}, "task": "binary"}
        | {"architecture": "dense_stack"}
        | some
    )
)


def expanded(found: list[Changes]) -> set[frozenset[tuple[str, Any]]]:
    """Return every choice of listed values in sets of changes."""
    sets = set()
    for changes in found:
        options = [[p for p in POINTS[each.fact] if Cell(None, each.pieces).holds(p)] for each in changes]
        for values in product(*options):
            sets.add(frozenset(zip([each.fact for each in changes], values, strict=True)))
    return sets


def brute_force(
    book: Rulebook, facts: dict[str, Any], does: Any, fixed: frozenset[str]
) -> set[frozenset[tuple[str, Any]]]:
    """Return the minimal changes by deciding every combination of the listed values."""
    reaching = []
    for values in product(*POINTS.values()):
        other = dict(zip(POINTS, values, strict=True))
        changes = frozenset((name, value) for name, value in other.items() if value != facts[name])
        if any(name in fixed for name, _ in changes) or not possible({**facts, **other}):
            continue
        if does(decide(book, {**facts, **other}).values):
            reaching.append(changes)
    found: list[frozenset[tuple[str, Any]]] = []
    for changes in sorted(reaching, key=len):
        if not any(each <= changes for each in found):
            found.append(changes)
    return set(found)


@many
@given(
    book=rulebooks(),
    facts=problems,
    asked=st.sampled_from(
        [
            ("shape", "ball"),
            ("shape", "cone"),
            ("depth", 5),
            ("depth", 9),
            ("parts", ("lid",)),
            ("parts", ("base", "lid")),
        ]
    ),
    fixed=st.frozensets(st.sampled_from(list(POINTS)), max_size=2),
)
def test_all_minimal_changes_are_found_and_nothing_else(
    book: Rulebook, facts: dict[str, Any], asked: tuple[str, Any], fixed: frozenset[str]
) -> None:
    assume(possible(facts))
    slot, wanted = asked

    def does(values: Any) -> bool:
        return set(wanted) <= set(values[slot]) if slot == "parts" else values[slot] == wanted

    assume(not does(decide(book, facts).values))
    found = minimal_changes(book, facts, slot, wanted, fixed)
    wanted_sets = brute_force(book, facts, does, fixed)
    assert expanded(found) == wanted_sets
    joined = merged(book, facts, found)
    assert expanded(joined) == wanted_sets
    assert [len(each) for each in joined] == sorted(len(each) for each in joined)


@many
@given(
    st.fixed_dictionaries(
        {
            "labeled_rows": st.sampled_from([None, 0, 90, 700, 3000, 50000]),
            "features": st.sampled_from([None, 5, 3000]),
            "outputs": st.sampled_from([None, 1, 40]),
            "sparsity": st.sampled_from(["none", "sparse"]),
            "latency_importance": st.sampled_from(["low", "normal", "high"]),
        }
    ),
    st.sampled_from(
        [("dropout", "alpha_dropout"), ("dropout", "dropout"), ("regularization", "l2"), ("dropout", "none")]
    ),
)
def test_changes_behind_a_computed_number_suffice_and_are_needed(
    stated: dict[str, Any], asked: tuple[str, str]
) -> None:
    slot, wanted = asked
    book = load_rulebook("homl2")
    problem = {"task": "regression", "architecture": "dense_stack", **stated}
    facts, _ = check_facts(problem)
    assume(decide(book, facts).values[slot] != wanted)
    free = {"labeled_rows", "features", "sparsity", "overfitting_observed", "architecture", "risk_sensitive"}
    fixed = set(FACTS) - free
    found = minimal_changes(book, facts, slot, wanted, fixed)
    for changes in found:
        values = {each.fact: each.value for each in changes}
        assert decide(book, {**facts, **values}).values[slot] == wanted
        for name in values:
            fewer = {each: value for each, value in values.items() if each != name}
            assert decide(book, {**facts, **fewer}).values[slot] != wanted
    named = [{each.fact for each in changes} for changes in found]
    for rows, features, sparsity, overfitting, architecture, risk in product(
        [None, 0, 50, 200, 999, 4000, 10**6],
        [None, 1, 100, 10**6],
        ["none", "sparse", "very_sparse"],
        [False, True],
        ["dense_stack", "residual", "convolutional", "recurrent"],
        [False, True],
    ):
        other = {"labeled_rows": rows, "features": features, "sparsity": sparsity, "architecture": architecture}
        other |= {"overfitting_observed": overfitting, "risk_sensitive": risk}
        if decide(book, {**facts, **other}).values[slot] == wanted:
            changed = {name for name, value in other.items() if value != facts[name]}
            assert any(each <= changed for each in named)


# ---------------------------------------------------------------- questions about the shipped rulebooks
STATED = MappingProxyType(
    {
        "task": st.sampled_from(["regression", "binary", "multiclass", "multilabel", "forecasting"]),
        "architecture": st.sampled_from(["dense_stack", "wide_and_deep", "residual", "convolutional", "recurrent"]),
        **{name: st.sampled_from(points) for name, points in POINTS.items()},
        "latency_importance": st.sampled_from(["low", "normal", "high"]),
        "size_budget_kb": st.sampled_from([None, 10.0, 500.0]),
        "pretrained_model_available": st.booleans(),
        "overfitting_observed": st.booleans(),
        "target_device": st.sampled_from(["host", "microcontroller"]),
    }
)


@st.composite
def recommendations(draw: st.DrawFn) -> Recommendation:
    problem = draw(st.fixed_dictionaries(dict(STATED)))
    try:
        return recommend(problem, draw(st.sampled_from(["homl2", "homl3"])))
    except ProblemError:
        assume(False)
        raise


@many
@given(recommendations(), st.data())
def test_every_question_has_an_answer_that_is_the_same_in_json(found: Recommendation, data: st.DataObject) -> None:
    book = load_rulebook(found.rulebook["name"])
    slot = data.draw(st.sampled_from(list(found.values)))
    value = data.draw(st.sampled_from(values_of(book, slot)))
    told = [why_not(found, slot, value), counterfactual(found, slot, value), given_up(found), certify(found)]
    told += [explain(found), what_if(found, {"risk_sensitive": True})]
    again = Recommendation.from_json(found.to_json())
    assert str(why_not(again, slot, value)) == str(told[0])
    for each in told:
        assert json.loads(json.dumps(each.as_dict())) == each.as_dict()
        assert each.text(width=100)
        assert each.markdown()
    for changes in told[1].data["sets"]:
        if told[1].data["verdict"] == "found":
            changed = what_if(found, {each["fact"]: each["value"] for each in changes}).data
            after = next(each["after"] for each in changed["decisions"] if each["name"] == slot)
            wanted = list(value) if isinstance(value, tuple) else value
            assert wanted in after if book.slots[slot].collect else after == wanted


@many
@given(recommendations(), st.data())
def test_a_certificate_holds_and_notices_every_false_value(found: Recommendation, data: st.DataObject) -> None:
    book = rulebook_data(load_rulebook(found.rulebook["name"]))
    document = json.loads(found.to_json())
    assert objections(document, book) == []
    forged = copy.deepcopy(document)
    slot = data.draw(st.sampled_from(list(forged["decisions"])))
    forged["decisions"][slot]["value"] = "something else"
    assert objections(forged, book)
    forged = copy.deepcopy(document)
    rule = data.draw(st.sampled_from(list(forged["trace"]["rules"])))
    told = forged["trace"]["rules"][rule]
    told["status"] = "withdrawn" if told["status"] == "stands" else "stands"
    assert objections(forged, book)
    forged = copy.deepcopy(document)
    del forged["trace"]["rules"][rule]
    assert objections(forged, book)
