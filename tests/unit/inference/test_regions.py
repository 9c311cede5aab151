"""Regions: where advice differs, in as few and as plain conditions as there are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from advisor.inference.mutation import mutate
from advisor.inference.regions import _boxes, compare, describe
from advisor.knowledge.conditions import Atom, condition_from
from advisor.knowledge.domains import Domain
from tests.unit.inference.conftest import book

FAST = {
    "layer": "top",
    "when": "{fast: true}",
    "set": "{activation: relu}",
    "cornerstone": "{given: {task: binary, fast: true}, expect: {activation: relu}}",
}


def regions(old: dict[str, dict[str, str]], new: dict[str, dict[str, str]]) -> list[str]:
    return [str(region) for change in compare(book(old), book(new)) for part in change.parts for region in part.regions]


def test_a_fact_that_makes_no_difference_is_not_named() -> None:
    same = {"when": "{sparse: true}", "set": "{activation: elu}"}
    same["cornerstone"] = "{given: {task: binary, sparse: true}, expect: {activation: elu}}"
    assert regions({"same": same}, {"same": same, "fast": FAST}) == ["fast = true"]


def test_alternatives_become_regions_of_their_own() -> None:
    either = FAST | {"when": "{any: [{fast: true}, {sparse: true}]}"}
    assert sorted(regions({}, {"fast": either})) == ["fast = true", "sparse = true"]


def test_a_single_number_is_said_as_such() -> None:
    one = FAST | {"when": "{labeled_rows: few}"}
    one["cornerstone"] = "{given: {task: binary, labeled_rows: 1}, expect: {activation: relu}}"
    assert regions({}, {"fast": one}) == ["labeled_rows = 1"]


def test_what_contradicts_facts_elsewhere_is_no_difference() -> None:
    some, all_known = (
        {
            "layer": "top",
            "when": f"{{labeled_rows: {{ge: {bound}}}}}",
            "set": "{activation: relu}",
            "cornerstone": "{given: {task: binary, labeled_rows: 1}, expect: {activation: relu}}",
        }
        for bound in ("few", "0")
    )
    never = tuple(condition_from({"labeled_rows": 0, "sparse": sparse}) for sparse in (True, False))
    old, new = (replace(book({"known": rule}), impossible=never) for rule in (some, all_known))
    assert compare(old, new) == ()
    assert [str(part.regions[0]) for part in compare(book({"known": some}), book({"known": all_known}))[0].parts] == [
        "labeled_rows < 1"
    ]
    outcomes = {mutant.change: mutant.outcome for mutant in mutate(old) if mutant.rule == "known"}
    assert outcomes["labeled_rows >= 1 (few) becomes labeled_rows >= 0"] == "equivalent"


def test_a_box_that_later_ones_made_needless_is_left_out() -> None:
    boxes = _boxes(np.array([[1, 1, 0], [0, 1, 1]]), 1)
    assert [box[1].tolist() for box in boxes] == [[0, 1], [1, 2]]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (["a"], "= a"),
        (["a", "b", "c"], "is not d"),
        (["a", "b"], "is one of a, b"),
        (["a", None], "= a (or unknown)"),
        ([None], "is unknown"),
    ],
)
def test_words_are_said_as_people_do(values: list[str | None], words: str) -> None:
    domain = Domain("enum", ("a", "b", "c", "d"), nullable=True)
    compared = [atom for each in (*"abcd", None) for atom in condition_from({"x": each}).parts]
    assert all(isinstance(atom, Atom) for atom in compared)
    assert describe(domain, compared, values) == words  # type: ignore[arg-type]  # the parts are comparisons
