"""A second opinion: the shipped rulebooks run by clingo, an independent engine, on every cell of every slot's cone.

The rules are written out as an answer set program: a rule holds when its condition does, stands when no standing rule
defeats it, and of the standing rules that write a slot those of the highest layer win. Nothing of Advisor's own engine
takes part; comparisons of values with constants are Advisor's data (``Atom``), and are evaluated here once more.
Numbers that Python computes are an axis of their own. Cones of more than ``MOST_CELLS`` cells are sampled from a seed.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import Any

import clingo
import numpy as np
import pytest

from advisor.inference import compiled, complete_facts
from advisor.inference.difference import JointCone, joint_cone
from advisor.knowledge import Rulebook, list_rulebooks, load_rulebook
from advisor.knowledge.cells import Space
from advisor.knowledge.conditions import AllOf, AnyOf, Atom, Condition
from advisor.knowledge.dependencies import Node
from advisor.knowledge.rulebook import DECIDED

MOST_CELLS = 1000
SEED = 20260729


class Program:
    """A cone as an answer set program whose input facts are externals ``eq(axis, index)``."""

    def __init__(self, book: Rulebook, steps: tuple[Node, ...], axes: dict[str, tuple[Any, ...]]) -> None:
        self.book, self.axes = book, axes
        self.values: list[Any] = []
        self.lines: list[str] = []
        self.fresh = 0
        for step in steps:
            if isinstance(step, int):
                self.rule(step)
            elif step not in book.computed:
                self.target(step)
        for index, (_, values) in enumerate(axes.items()):
            self.lines += [f"#external axis({index},{number})." for number in range(len(values))]

    def constant(self, value: Any) -> int:
        """Return the number that stands for a value; 1, 1.0 and true are three values."""
        for index, each in enumerate(self.values):
            if type(each) is type(value) and each == value:
                return index
        self.values.append(value)
        return len(self.values) - 1

    def condition(self, condition: Condition) -> str:
        """Write a condition out and return the atom that is true when it holds."""
        if isinstance(condition, Atom):
            return self.comparison(condition)
        self.fresh += 1
        head = f"c({self.fresh})"
        parts = [self.condition(part) for part in condition.parts]
        if isinstance(condition, AnyOf):
            self.lines += [f"{head} :- {part}." for part in parts]
        else:
            assert isinstance(condition, AllOf)
            self.lines.append(f"{head} :- {', '.join(parts) or '#true'}.")
        return head

    def comparison(self, atom: Atom) -> str:
        self.fresh += 1
        head = f"c({self.fresh})"
        if atom.fact in self.axes:
            index = list(self.axes).index(atom.fact)
            for number, value in enumerate(self.axes[atom.fact]):
                if _satisfies(atom, value):
                    self.lines.append(f"{head} :- axis({index},{number}).")
            return head
        name = self.name(atom.fact)
        for value in self.possible(atom.fact):
            if _satisfies(atom, value):
                self.lines.append(f"{head} :- value({name},{self.constant(value)}).")
        return head

    def possible(self, name: str) -> list[Any]:
        """Return the values that a slot or derived fact may have."""
        found: list[Any] = [None] if name in self.book.derived else []
        if name in self.book.derived:
            found.append(self.book.derived[name].otherwise)
        for position in self.book.writers[name]:
            written = self.book.written(position, name)
            if not written.copy:
                found.append(written.value)
            else:
                found += self.axes[written.copy] if written.copy in self.axes else self.possible(written.copy)
        return list({(type(value), value): value for value in found}.values())

    def name(self, name: str) -> str:
        return f'"{name}"'

    def rule(self, position: int) -> None:
        self.lines.append(f"holds({position}) :- {self.condition(self.book.rules[position].when)}.")
        defeated = "".join(f", not stands({each})" for each in self.book.defeaters[position])
        self.lines.append(f"stands({position}) :- holds({position}){defeated}.")

    def target(self, name: str) -> None:
        quoted = self.name(name)
        slot = self.book.slots.get(name.removeprefix(DECIDED)) if name.startswith(DECIDED) else None
        for position in self.book.writers[name]:
            rank = self.book.rules[position].rank
            written = self.book.written(position, name)
            if slot is not None and slot.collect:
                elements = written.value if isinstance(written.value, tuple) else ()
                self.lines += [f'element({quoted},"{each}") :- stands({position}).' for each in elements]
                continue
            self.lines.append(f"candidate({quoted},{rank}) :- stands({position}).")
            wins = f"stands({position}), best({quoted},{rank})"
            if not written.copy:
                self.lines.append(f"value({quoted},{self.constant(written.value)}) :- {wins}.")
            elif written.copy in self.axes:
                index = list(self.axes).index(written.copy)
                for number, value in enumerate(self.axes[written.copy]):
                    self.lines.append(f"value({quoted},{self.constant(value)}) :- {wins}, axis({index},{number}).")
            else:
                self.lines.append(f"value({quoted},V) :- {wins}, value({self.name(written.copy)},V).")
        if slot is None or not slot.collect:
            self.lines.append(f"best({quoted},R) :- candidate({quoted},R), not beaten({quoted},R).")
            self.lines.append(f"beaten({quoted},R) :- candidate({quoted},R), candidate({quoted},S), S > R.")
        if slot is None:
            otherwise = self.constant(self.book.derived[name].otherwise)
            self.lines.append(f"value({quoted},{otherwise}) :- not candidate({quoted},_).")

    def answers(self, name: str, cells: list[tuple[Any, ...]]) -> Iterator[list[Any]]:
        """Yield for each cell the values of a slot: exactly one when there is neither a gap nor a clash."""
        control = clingo.Control(["--warn=none"])
        control.add("base", [], "\n".join(self.lines))
        control.ground([("base", [])])
        slot = self.book.slots.get(name.removeprefix(DECIDED)) if name.startswith(DECIDED) else None
        axes = list(self.axes.values())
        before: list[clingo.Symbol] = []
        for cell in cells:
            for symbol in before:
                control.assign_external(symbol, False)
            before = []
            for index, value in enumerate(cell):
                number = next(n for n, each in enumerate(axes[index]) if each is value or each == value)
                before.append(clingo.Function("axis", [clingo.Number(index), clingo.Number(number)]))
                control.assign_external(before[-1], True)
            found: list[Any] = []
            with control.solve(yield_=True) as handle:
                models = 0
                for model in handle:
                    models += 1
                    for symbol in model.symbols(atoms=True):
                        if symbol.name == "value" and symbol.arguments[0].string == name:
                            found.append(self.values[symbol.arguments[1].number])
                        if symbol.name == "element" and symbol.arguments[0].string == name:
                            found.append(symbol.arguments[1].string)
                assert models == 1, "a stratified program has one answer set"
            if slot is not None and slot.collect:
                found = [tuple(choice for choice in slot.domain.choices if choice in found)]
            yield found


def _satisfies(atom: Atom, value: Any) -> bool:
    """Compare a value with constants, as FORMAT says: null meets no comparison by size; booleans are no numbers."""
    same = [type(each) is type(value) and each == value for each in atom.values]
    numbers = isinstance(value, int | float) and not isinstance(value, bool)
    equal = any(same) or (numbers and any(each == value for each in atom.values if not isinstance(each, bool)))
    if atom.operator == "in":
        return equal
    if atom.operator == "not_in":
        return not equal
    if not numbers:
        return False
    bound: Any = atom.values[0]
    return {"lt": value < bound, "le": value <= bound, "gt": value > bound, "ge": value >= bound}[atom.operator]


CASES = [
    (book, name)
    for book in list_rulebooks()
    for name in (*load_rulebook(book).derived, *(DECIDED + slot for slot in load_rulebook(book).slots))
]


def decided(cone: JointCone) -> dict[tuple[Any, ...], Any]:
    """Return the possible cells of a cone with the value that each is said to get."""
    shape = tuple(map(len, cone.axes.values()))
    (old, values), (possible, verdicts) = cone.old, cone.possible
    numbers, allowed = np.broadcast_to(old, shape), np.broadcast_to(np.array(verdicts)[possible], shape)
    return {
        cell: values[number]
        for cell, number, is_possible in zip(
            product(*cone.axes.values()), numbers.ravel().tolist(), allowed.ravel().tolist(), strict=True
        )
        if is_possible
    }


@pytest.mark.slow
@pytest.mark.parametrize(("book_name", "name"), CASES)
def test_clingo_decides_the_same(book_name: str, name: str) -> None:
    book = load_rulebook(book_name)
    space = Space(book)
    cone = joint_cone(space, space, name)
    values = decided(cone)
    cells = list(values)
    if len(cells) > MOST_CELLS:
        cells = random.Random(SEED).sample(cells, MOST_CELLS)
    program = Program(book, space.dependencies.cone((name,)), dict(cone.axes))
    decide = compiled(book).decide
    for cell, answers in zip(cells, program.answers(name, cells), strict=True):
        facts = dict(zip(cone.axes, cell, strict=True))
        assert answers == [values[cell]], facts
        if not set(book.computed) & set(facts):
            inference = decide(complete_facts(book, {"task": "regression", "architecture": "dense_stack", **facts}))
            assert answers == [{**inference.derived, **inference.values}[name.removeprefix(DECIDED)]], facts


def test_the_oracle_notices_a_rule_that_withdraws_nothing() -> None:
    book = load_rulebook("homl2")
    space = Space(book)
    name = "decided.kernel_initializer"
    cone = joint_cone(space, space, name)
    rules = tuple(replace(rule, defeats=()) if rule.id == "fast-activation" else rule for rule in book.rules)
    changed = replace(book, rules=rules)
    program = Program(changed, Space(changed).dependencies.cone((name,)), dict(cone.axes))
    values = decided(cone)
    cells = list(values)
    assert any(answers != [values[cell]] for cell, answers in zip(cells, program.answers(name, cells), strict=True))
