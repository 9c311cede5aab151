"""What must be known before what: the order in which rules and values are worked out, and cycles in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from advisor.knowledge.conditions import atoms
from advisor.knowledge.rulebook import DECIDED

if TYPE_CHECKING:
    from advisor.knowledge.rulebook import Rule, Rulebook

Node = int | str
"""A step of inference: a rule (its position), or the value of a derived fact, computed number or ``decided.<slot>``."""


@dataclass(frozen=True)
class Dependencies:
    """The steps of inference and what each needs.

    Attributes:
        needs: For every step the steps that come before it; facts of the problem are no steps.
        order: All steps, each after those that it needs; empty when there is a cycle.
        cycle: Steps of one cycle, in order, each needing the next; empty when there is none.
    """

    needs: dict[Node, tuple[Node, ...]]
    order: tuple[Node, ...]
    cycle: tuple[Node, ...]

    def cone(self, wanted: Iterable[Node]) -> tuple[Node, ...]:
        """Return the steps that the wanted ones depend on, with themselves, in order."""
        reached: set[Node] = set()
        waiting = list(wanted)
        while waiting:
            step = waiting.pop()
            if step not in reached:
                reached.add(step)
                waiting += self.needs[step]
        return tuple(step for step in self.order if step in reached)


def read_names(rulebook: Rulebook, step: Node, *, free: frozenset[str] = frozenset()) -> Iterator[str]:
    """Yield the names whose values a step reads (facts of the problem included).

    Args:
        rulebook: The rulebook.
        step: The step.
        free: Names of computed numbers that are taken as given: they read nothing.
    """
    if isinstance(step, int):
        for atom in atoms(rulebook.rules[step].when):
            yield atom.fact
    elif step in rulebook.computed:
        if step not in free:
            yield from rulebook.computed[step].reads
    else:
        for position in rulebook.writers[step]:
            if copied := rulebook.written(position, step).copy:
                yield copied


def dependencies(rulebook: Rulebook, *, free: frozenset[str] = frozenset()) -> Dependencies:
    """Return what every step of inference needs, in an order in which they can be worked out.

    Args:
        rulebook: The rulebook.
        free: Names of computed numbers that are taken as given (used by proofs).
    """
    steps: list[Node] = [*rulebook.derived, *rulebook.computed, *(DECIDED + slot for slot in rulebook.slots)]
    steps += range(len(rulebook.rules))
    known = frozenset(steps)
    needs: dict[Node, tuple[Node, ...]] = {}
    for step in steps:
        before: dict[Node, None] = {}
        if isinstance(step, int):
            before.update(dict.fromkeys(rulebook.defeaters[step]))
        elif step not in rulebook.computed:
            before.update(dict.fromkeys(rulebook.writers[step]))
        before.update(dict.fromkeys(name for name in read_names(rulebook, step, free=free) if name in known))
        needs[step] = tuple(before)
    order, cycle = _sort(needs)
    return Dependencies(needs, order, cycle)


def _sort(needs: dict[Node, tuple[Node, ...]]) -> tuple[tuple[Node, ...], tuple[Node, ...]]:
    order: list[Node] = []
    finished: set[Node] = set()
    for start in needs:
        path: dict[Node, Iterator[Node]] = {}
        step: Node | None = None if start in finished else start
        while step is not None:
            if step in path:
                steps = list(path)
                return (), tuple(steps[steps.index(step) :])
            path[step] = iter(needs[step])
            step = None
            while path and step is None:
                last = next(reversed(path))
                step = next((before for before in path[last] if before not in finished), None)
                if step is None:
                    del path[last]
                    finished.add(last)
                    order.append(last)
    return tuple(order), ()


def say_cycle(rulebook: Rulebook, cycle: tuple[Node, ...]) -> tuple[Rule, str]:
    """Return (a rule in the cycle, the cycle in words that name its rules)."""
    rules = rulebook.rules
    start = cycle.index(min((step for step in cycle if isinstance(step, int)), default=cycle[0]))
    turned = cycle[start:] + cycle[:start]
    first: Rule | None = None
    words = []
    for step, after in pairwise((*turned, turned[0])):
        following = repr(rules[after].id if isinstance(after, int) else after)
        if isinstance(step, int):
            first = first or rules[step]
            words.append(
                f"rule {rules[step].id!r} {'is defeated by' if isinstance(after, int) else 'reads'} {following}"
            )
        elif isinstance(after, int):
            words.append(f"which is set by {following}")
        elif step in rulebook.computed:
            words.append(f"which reads {following}")
        else:
            copying = next(each for each in rulebook.writers[step] if rulebook.written(each, step).copy == after)
            first = first or rules[copying]
            words.append(f"{step!r} is copied by rule {rules[copying].id!r} from {following}")
    assert first is not None, "a cycle without a rule: computed numbers read slots and facts only"
    return first, ", ".join(words)
