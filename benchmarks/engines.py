"""A decision with its trace beside other rule engines: the same rulebook, written out for CLIPS, in one run.

Run it with ``python -m benchmarks.engines``. Every peer gets the problem as it likes it best, is warmed up, and must
give the same values; reading the decided values and the rules that stand counts on both sides. The computed number is
given to CLIPS and computed by Advisor. The rules are written out for CLIPS in a plain way; an expert might write faster
ones, and its environment slows down with the number of decisions that it has made, so it makes few here.
"""

from __future__ import annotations

import importlib.util
import statistics
import time
from collections.abc import Callable
from typing import Any

from advisor.inference import compiled, complete_facts, standing_rules, trace
from advisor.knowledge import Rulebook, load_rulebook
from advisor.knowledge.conditions import SIGNS, AllOf, Atom, Condition
from advisor.knowledge.dependencies import dependencies
from advisor.knowledge.rulebook import DECIDED

PROBLEMS: tuple[dict[str, Any], ...] = (
    {"task": "regression", "architecture": "dense_stack"},
    {"task": "multiclass", "architecture": "dense_stack", "features": 20, "outputs": 5, "labeled_rows": 12000,
     "sparsity": "sparse", "latency_budget_ms": 2.0, "risk_sensitive": True},
    {"task": "binary", "architecture": "wide_and_deep", "features": 40, "outputs": 1, "labeled_rows": 900},
    {"task": "forecasting", "architecture": "recurrent", "data_kind": "series", "latency_importance": "high"},
)  # fmt: skip
ROUNDS, CALLS, CLIPS_CALLS = 5, 200, 5


def _literal(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return '"' + " ".join(map(_literal, value)) + '"'
    return str(value)


def _pattern(condition: Condition) -> str:
    if isinstance(condition, Atom):
        name = condition.fact.removeprefix(DECIDED) if condition.fact.startswith(DECIDED) else condition.fact
        place = "decided" if condition.fact.startswith(DECIDED) else "fact"
        if condition.operator in SIGNS:
            return f"({place} {name} ?x&:(and (numberp ?x) ({SIGNS[condition.operator]} ?x {condition.values[0]})))"
        sign, joint = ("", "|") if condition.operator == "in" else ("~", "&")
        return f"({place} {name} {joint.join(sign + _literal(value) for value in condition.values)})"
    parts = " ".join(map(_pattern, condition.parts))
    if isinstance(condition, AllOf):
        return f"(and {parts})" if parts else ""
    return f"(or {parts})"


def clips_program(book: Rulebook) -> list[str]:
    """Write a rulebook as CLIPS rules: those that stand are asserted in order; the highest layer writes first."""
    rules = []
    salience = 0
    for step in dependencies(book, free=frozenset(book.computed)).order:
        if isinstance(step, int):
            salience -= 1
            undefeated = " ".join(f"(not (stands {each}))" for each in book.defeaters[step])
            rules.append(
                f"(defrule r{step} (declare (salience {salience})) (start) {_pattern(book.rules[step].when)} "
                f"{undefeated} => (assert (stands {step})))"
            )
            continue
        if step in book.computed:
            continue
        is_slot = step.startswith(DECIDED)
        name = step.removeprefix(DECIDED)
        place = "decided" if is_slot else "fact"
        collect = is_slot and book.slots[name].collect
        for position in book.writers[step]:
            salience -= 1
            written = book.written(position, step)
            value, copied = _literal(written.value), ""
            if written.copy:
                value, copied = "?v", f"(fact {written.copy} ?v)"
            once = "" if collect else f"(not ({place} {name} ?))"
            rules.append(
                f"(defrule w_{name}_{position} (declare (salience {salience})) (stands {position}) {copied} {once} "
                f"=> (assert ({place} {name} {value})))"
            )
        if not is_slot:
            salience -= 1
            otherwise = _literal(book.derived[name].otherwise)
            rules.append(
                f"(defrule o_{name} (declare (salience {salience})) (start) (not (fact {name} ?)) "
                f"=> (assert (fact {name} {otherwise})))"
            )
    return rules


class Clips:
    """The rulebook in CLIPS."""

    def __init__(self, book: Rulebook) -> None:
        """Build the rules once."""
        import clips

        self.environment = clips.Environment()
        self.symbol = clips.Symbol
        for rule in clips_program(book):
            self.environment.build(rule)

    def facts(self, values: dict[str, Any]) -> str:
        """Return a problem as CLIPS reads it fastest."""
        return "(start) " + " ".join(f"(fact {name} {_literal(value)})" for name, value in values.items())

    def decide(self, facts: str) -> tuple[dict[str, Any], list[int]]:
        """Return the decided values and the rules that stand."""
        environment = self.environment
        environment.reset()
        environment.load_facts(facts)
        environment.run()
        decided: dict[str, Any] = {}
        stands = []
        for fact in environment.facts():
            name = fact.template.name
            if name == "decided":
                slot, value = fact
                decided[str(slot)] = value
            elif name == "stands":
                stands.append(fact[0])
        return decided, stands


def microseconds(work: Callable[[], object], calls: int) -> float:
    """Return the processor time of one call."""
    begun = time.process_time()
    for _ in range(calls):
        work()
    return (time.process_time() - begun) / calls * 1e6


def check(book: Rulebook, clips: Clips, facts: dict[str, Any]) -> str:
    """Return the problem for CLIPS, after comparing what both decide."""
    inference = compiled(book).decide(facts)
    text = clips.facts({**facts, **inference.computed})
    decided, stands = clips.decide(text)
    standing = [position for position, each in enumerate(standing_rules(book, inference.holds)) if each]
    assert sorted(stands) == standing, (sorted(stands), standing)
    for slot, value in inference.values.items():
        if not book.slots[slot].collect:
            assert str(decided[slot]) == _literal(value).strip('"'), (slot, decided[slot], value)
    return text


def main() -> int:
    """Print the table."""
    book = load_rulebook("homl2")
    if importlib.util.find_spec("clips") is None:
        print("not measured: clipspy is not installed")
        return 1
    clips = Clips(book)
    decide = compiled(book).decide
    print(
        f"{book.name} {book.version}, {len(book.rules)} rules; processor time of one decision with its trace, median\n"
    )
    print("| problem | Advisor | CLIPS (clipspy) | ratio | zen-engine |\n| --- | --- | --- | --- | --- |")
    ratios = []
    zen = "not measured" if importlib.util.find_spec("zen") is None else "not written out"
    for number, problem in enumerate(PROBLEMS, 1):
        facts = complete_facts(book, problem)
        text = check(book, clips, facts)
        ours, theirs = [], []
        for _ in range(ROUNDS):
            ours.append(microseconds(lambda facts=facts: trace(book, facts, decide(facts)), CALLS))
            theirs.append(microseconds(lambda text=text: clips.decide(text), CLIPS_CALLS))
        ratio = statistics.median(b / a for a, b in zip(ours, theirs, strict=True))
        ratios.append(ratio)
        print(
            f"| {number} ({problem['architecture']}) | {statistics.median(ours):.0f} µs | "
            f"{statistics.median(theirs):.0f} µs | {ratio:.1f}× | {zen} |"
        )
    print(f"\nCLIPS takes {min(ratios):.1f}× to {max(ratios):.1f}× as long; the values and standing rules are equal.")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
