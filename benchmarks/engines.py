"""A decision with its trace beside other rule engines: the same rulebook, written out for each of them, in one run.

Run it with ``python -m benchmarks.engines``. Peers are CLIPS (``clipspy``, a development dependency) and ZEN, the
engine of GoRules (``pip install zen-engine``); one that is not installed is not measured. Every peer gets the problem
as it likes it best, is warmed up, and must give the same values; reading the decided values and the rules that stand
counts on every side. The computed number is given to the peers and computed by Advisor.

The rules are written out in a plain way; an expert might write faster ones. For CLIPS a rule is a rule; its environment
slows down with the number of decisions that it has made, so it makes few here. For ZEN every rule and value is one line
of a single expression node, handed over compiled; its trace is switched on.
"""

from __future__ import annotations

import importlib.util
import json
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


class Zen:
    """The rulebook in ZEN: one expression node, in which each line may read those before it."""

    def __init__(self, book: Rulebook) -> None:
        """Write the lines and hand them over, compiled."""
        import zen

        self.book = book
        lines = []
        for step in dependencies(book, free=frozenset(book.computed)).order:
            if isinstance(step, int):
                lines.append((f"h{step}", self.condition(book.rules[step].when)))
                if book.defeaters[step]:
                    defeated = " or ".join(f"$.{self.stands(each)}" for each in book.defeaters[step])
                    lines.append((f"a{step}", f"$.h{step} and not ({defeated})"))
            elif step not in book.computed:
                lines += self.written(step)
        self.keys = [key for key, _ in lines]
        expressions = [{"id": str(number), "key": key, "value": text} for number, (key, text) in enumerate(lines)]
        spot = {"x": 0, "y": 0}
        nodes = [
            {"id": "in", "type": "inputNode", "name": "in", "position": spot},
            {
                "id": "rules",
                "type": "expressionNode",
                "name": "rules",
                "position": spot,
                "content": {"expressions": expressions},
            },
            {"id": "out", "type": "outputNode", "name": "out", "position": spot},
        ]
        edges = [
            {"id": f"{source}-{target}", "sourceId": source, "targetId": target, "type": "edge"}
            for source, target in (("in", "rules"), ("rules", "out"))
        ]
        content = zen.ZenDecisionContent(json.dumps({"nodes": nodes, "edges": edges}))
        self.decision = zen.ZenEngine().create_decision(content)

    def stands(self, position: int) -> str:
        """Return the line that tells whether a rule stands."""
        return f"{'a' if self.book.defeaters[position] else 'h'}{position}"

    def name(self, name: str) -> str:
        """Return how a line reads a name."""
        if name.startswith(DECIDED):
            return f"$.s_{name.removeprefix(DECIDED)}"
        return f"$.d_{name}" if name in self.book.derived else name

    def condition(self, condition: Condition) -> str:
        """Return a condition in ZEN's language."""
        if isinstance(condition, Atom):
            name = self.name(condition.fact)
            if condition.operator in SIGNS:
                return f"({name} != null and {name} {SIGNS[condition.operator]} {condition.values[0]})"
            positive = condition.operator == "in"
            signs = [f"{name} {'==' if positive else '!='} {_quoted(value)}" for value in condition.values]
            return f"({(' or ' if positive else ' and ').join(signs)})"
        joint = " and " if isinstance(condition, AllOf) else " or "
        return f"({joint.join(map(self.condition, condition.parts))})" if condition.parts else "true"

    def written(self, step: str) -> list[tuple[str, str]]:
        """Return the lines that give a slot or derived fact its value."""
        book, slot = self.book, step.removeprefix(DECIDED)
        if step.startswith(DECIDED) and book.slots[slot].collect:
            elements = book.slots[slot].domain.choices
            writers = {
                element: [self.stands(each) for each in book.writers[step] if element in book.written(each, step).value]
                for element in elements
            }
            each_one = [(element, " or ".join(f"$.{name}" for name in names)) for element, names in writers.items()]
            return [(f"e_{slot}__{element}", text or "false") for element, text in each_one]
        text = "null" if step.startswith(DECIDED) else _quoted(book.derived[step].otherwise)
        for position in reversed(book.writers[step]):
            written = book.written(position, step)
            value = self.name(written.copy) if written.copy else _quoted(written.value)
            certain = not book.rules[position].when.parts and not book.defeaters[position]
            text = value if certain else f"($.{self.stands(position)} ? {value} : {text})"
        return [(self.name(step).removeprefix("$."), text)]

    def decide(self, facts: dict[str, Any]) -> tuple[dict[str, Any], list[int]]:
        """Return the decided values and the rules that stand; the engine's own trace is made as well."""
        result = self.decision.evaluate(facts, {"trace": True})["result"]
        decided = {key[2:]: value for key, value in result.items() if key.startswith("s_")}
        for key, value in result.items():
            if key.startswith("e_") and value:
                slot, _, element = key[2:].partition("__")
                decided.setdefault(slot, []).append(element)
        stands = [position for position in range(len(self.book.rules)) if result[self.stands(position)]]
        return decided, stands


def _quoted(value: Any) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(_quoted, value))}]"
    return f"'{value}'" if isinstance(value, str) else _literal(value)


def microseconds(work: Callable[[], object], calls: int) -> float:
    """Return the processor time of one call."""
    begun = time.process_time()
    for _ in range(calls):
        work()
    return (time.process_time() - begun) / calls * 1e6


def check(book: Rulebook, peer: Clips | Zen, facts: dict[str, Any]) -> Any:
    """Return the problem for a peer, after comparing what both decide."""
    inference = compiled(book).decide(facts)
    whole = {**facts, **inference.computed}
    given = peer.facts(whole) if isinstance(peer, Clips) else whole
    decided, stands = peer.decide(given)
    standing = [position for position, each in enumerate(standing_rules(book, inference.holds)) if each]
    assert sorted(stands) == standing, (sorted(stands), standing)
    for slot, value in inference.values.items():
        if isinstance(peer, Zen):
            theirs = decided.get(slot, [] if book.slots[slot].collect else None)
            if book.slots[slot].collect:  # their order is the slot's own
                theirs = sorted(theirs, key=book.slots[slot].domain.choices.index)
            assert (tuple(theirs) if isinstance(theirs, list) else theirs) == value, (slot, theirs, value)
        elif not book.slots[slot].collect:
            assert str(decided[slot]) == _literal(value).strip('"'), (slot, decided[slot], value)
    return given


def main() -> int:
    """Print the table."""
    book = load_rulebook("homl2")
    peers: dict[str, Clips | Zen] = {}
    if importlib.util.find_spec("clips") is not None:
        peers["CLIPS (clipspy)"] = Clips(book)
    if importlib.util.find_spec("zen") is not None:
        peers["ZEN (zen-engine)"] = Zen(book)
    decide = compiled(book).decide
    print(
        f"{book.name} {book.version}, {len(book.rules)} rules, {len(book.slots)} slots; processor time of one decision "
        f"with its trace, median of {ROUNDS} rounds in turn\n"
    )
    print("| problem | Advisor | " + " | ".join(f"{name} | ratio" for name in peers) + " |")
    print("| --- | --- | " + " | ".join(["---"] * 2 * len(peers)) + " |")
    ratios: list[float] = []
    for number, problem in enumerate(PROBLEMS, 1):
        facts = complete_facts(book, problem)
        given = {name: check(book, peer, facts) for name, peer in peers.items()}
        times: dict[str, list[float]] = {name: [] for name in ("", *peers)}
        for _ in range(ROUNDS):
            times[""].append(microseconds(lambda facts=facts: trace(book, facts, decide(facts)), CALLS))
            for name, peer in peers.items():
                calls = CLIPS_CALLS if isinstance(peer, Clips) else CALLS
                times[name].append(microseconds(lambda peer=peer, one=given[name]: peer.decide(one), calls))
        cells = [f"{number} ({problem['architecture']})", f"{statistics.median(times['']):.0f} µs"]
        for name in peers:
            ratio = statistics.median(b / a for a, b in zip(times[""], times[name], strict=True))
            cells += [f"{statistics.median(times[name]):,.0f} µs", f"{ratio:.1f}×"]
            ratios.append(ratio)
        print(f"| {' | '.join(cells)} |")
    for name, package in (("CLIPS", "clipspy"), ("ZEN", "zen-engine")):
        if not any(each.startswith(name) for each in peers):
            print(f"\n{name}: not measured (install {package}).")
    if ratios:
        print(f"\nPeers take {min(ratios):.1f}× to {max(ratios):.1f}× as long; values and standing rules are equal.")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
