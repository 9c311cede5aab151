"""The trace: why every slot has its value, rebuilt from an inference."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakKeyDictionary

from advisor.knowledge.conditions import AllOf, Atom, Condition, atoms, holds
from advisor.knowledge.dependencies import dependencies
from advisor.knowledge.generation import expression, is_certain, variable
from advisor.knowledge.rulebook import DECIDED

if TYPE_CHECKING:
    from advisor.inference.engine import Inference
    from advisor.knowledge.domains import Value
    from advisor.knowledge.rulebook import Origin, Rule, Rulebook


class Reason(NamedTuple):
    """A fact that satisfied a condition, or failed it.

    Attributes:
        condition: The comparison.
        value: The fact's value.
        origin: Where the value comes from: ``input``, ``derived``, ``computed`` or ``decided``.
        rule: For a derived fact or decided slot the id of the rule behind it; else (or when no rule is) an empty text.
    """

    condition: Atom
    value: Value
    origin: Origin
    rule: str

    @property
    def fact(self) -> str:
        """The fact's name."""
        return self.condition.fact


class Overridden(NamedTuple):
    """A standing rule that lost a slot to a rule of a higher layer, and what it would have set."""

    rule: Rule
    value: Value


class Defeated(NamedTuple):
    """A rule that was withdrawn, what it would have set, and the standing rules that defeated it."""

    rule: Rule
    value: Value
    by: tuple[Rule, ...]


class Decision(NamedTuple):
    """Why a slot or derived fact has its value.

    Attributes:
        name: The slot or derived fact.
        value: Its value.
        rule: The rule that won; None for a derived fact that nobody concluded.
        reasons: The facts that satisfied the rule's condition.
        contributors: Further rules that stand behind the value: of the same opinion, or other contributors of a
            collecting slot.
        overrode: Standing rules of lower layers that would have set another value.
        defeated: Withdrawn rules that would have set it.
    """

    name: str
    value: Value
    rule: Rule | None
    reasons: tuple[Reason, ...]
    contributors: tuple[Rule, ...]
    overrode: tuple[Overridden, ...]
    defeated: tuple[Defeated, ...]


class Trace(NamedTuple):
    """Why everything is as it is.

    Attributes:
        decisions: Slot → decision.
        derived: Derived fact → decision.
        reasons: Id of each rule whose condition holds → the facts that satisfied it.
        defeated: Id of each withdrawn rule → ids of the standing rules that defeated it.
        silent: Id of each rule whose condition fails → the comparisons that fail.
    """

    decisions: dict[str, Decision]
    derived: dict[str, Decision]
    reasons: dict[str, tuple[Reason, ...]]
    defeated: dict[str, tuple[str, ...]]
    silent: dict[str, tuple[Reason, ...]]


def standing_rules(rulebook: Rulebook, held: tuple[bool, ...]) -> list[bool]:
    """Return for each rule whether it stands: its condition holds and no standing rule defeats it."""
    stands = list(held)
    for position, defeaters in _plan(rulebook).defeats:
        if held[position]:
            for defeater in defeaters:
                if stands[defeater]:
                    stands[position] = False
                    break
    return stands


class _Write(NamedTuple):
    """What one rule would write to one name."""

    position: int
    rule: Rule
    value: Value
    copy: str


class _Written(NamedTuple):
    """A slot or derived fact with the rules that may write it, highest layer first."""

    name: str
    target: str
    collects: bool
    writes: tuple[_Write, ...]


class _Plan(NamedTuple):
    """What every trace of a rulebook needs, worked out once.

    Attributes:
        defeats: The rules that may be defeated with their defeaters, each after its defeaters.
        decided: The readable names of the slots, in order.
        read: The slots and derived facts that conditions read.
        settled: Decisions on slots that are the same for every problem; the others are still missing.
        open_slots: The slots that the problem decides on.
        derived: The derived facts.
        sort_reasons: Generated function that says for each rule which comparisons hold or fail.
    """

    defeats: tuple[tuple[int, tuple[int, ...]], ...]
    decided: tuple[str, ...]
    read: tuple[_Written, ...]
    settled: dict[str, Decision]
    open_slots: tuple[_Written, ...]
    derived: tuple[_Written, ...]
    sort_reasons: Callable[..., None]


_plans: WeakKeyDictionary[Rulebook, _Plan] = WeakKeyDictionary()


def _plan(rulebook: Rulebook) -> _Plan:
    known = _plans.get(rulebook)
    if known is None:
        known = _plans[rulebook] = _planned(rulebook)
    return known


def _planned(rulebook: Rulebook) -> _Plan:
    order = [step for step in dependencies(rulebook).order if isinstance(step, int)]
    written: dict[str, _Written] = {}
    for name, writers in rulebook.writers.items():
        is_slot = name.startswith(DECIDED)
        target = name.removeprefix(DECIDED)
        writes = []
        for position in writers:
            assignment = rulebook.written(position, name)
            writes.append(_Write(position, rulebook.rules[position], assignment.value, assignment.copy))
        collects = is_slot and rulebook.slots[target].collect
        written[name] = _Written(name, target, collects, tuple(writes))
    defeats = tuple((position, rulebook.defeaters[position]) for position in order if rulebook.defeaters[position])
    read = {atom.fact for rule in rulebook.rules for atom in atoms(rule.when)}
    settled: dict[str, Decision] = {}
    open_slots = []
    for slot in rulebook.slots:
        each = written[DECIDED + slot]
        first = each.writes[0] if len(each.writes) == 1 else None
        if first is not None and is_certain(rulebook, first.position) and not first.copy:
            settled[slot] = Decision(slot, first.value, first.rule, (), (), (), ())
        else:
            open_slots.append(each)
    return _Plan(
        defeats=defeats,
        decided=tuple(DECIDED + slot for slot in rulebook.slots),
        read=tuple(each for name, each in written.items() if name in read),
        settled=settled,
        open_slots=tuple(open_slots),
        derived=tuple(written[name] for name in rulebook.derived),
        sort_reasons=_compile_reasons(rulebook),
    )


def _compile_reasons(rulebook: Rulebook) -> Callable[..., None]:
    """Return a function that fills in the reasons of the rules that hold and of those that are silent."""
    read = sorted({atom.fact for rule in rulebook.rules for atom in atoms(rule.when)})
    namespace: dict[str, Any] = {"new": tuple.__new__, "Reason": Reason, "collect": _collect}
    lines = ["def sort_reasons(values, held, winners, reasons, silent):"]
    for name in read:
        lines.append(f"  {variable(rulebook, name)} = values[{name!r}]")
        if rulebook.origins[name] in ("derived", "decided"):
            lines.append(f"  w_{variable(rulebook, name)} = winners.get({name!r}, '')")
    held = "".join(f"h{position}, " for position in range(len(rulebook.rules)))
    lines.append(f"  ({held}) = held")
    for position, rule in enumerate(rulebook.rules):
        parts = []
        for number, part in enumerate(rule.when.parts):
            constant = f"C{position}_{number}"
            namespace[constant] = part
            if isinstance(part, Atom):
                origin = rulebook.origins[part.fact]
                value = variable(rulebook, part.fact)
                winner = f"w_{value}" if origin in ("derived", "decided") else "''"
                made = f"new(Reason, ({constant}, {value}, {origin!r}, {winner})),"
                if ready := _ready_reasons(rulebook, part):
                    namespace[f"R{constant}"] = ready
                    made = f"R{constant}.get({value}) or {made}"
            else:
                made = f"*collect({constant}, h{position}, values, origins, winners),"
            parts.append((expression(rulebook, part), made))
        if len(parts) < 2:
            lines.append(
                f"  (reasons if h{position} else silent)[{rule.id!r}] = ({''.join(made for _, made in parts)})"
            )
            continue
        lines.append(f"  if h{position}: reasons[{rule.id!r}] = ({' '.join(made for _, made in parts)})")
        lines.append("  else:")
        lines.append("    r = ()")
        lines += [f"    if not ({test}): r += ({made})" for test, made in parts]
        lines.append(f"    silent[{rule.id!r}] = r")
    namespace["origins"] = rulebook.origins
    exec(compile("\n".join(lines) + "\n", f"<reasons of {rulebook.name}>", "exec"), namespace)
    compiled: Callable[..., None] = namespace["sort_reasons"]
    return compiled


_new = tuple.__new__


def _ready_reasons(rulebook: Rulebook, atom: Atom) -> dict[Value, Reason]:
    """Return the reasons that a comparison can give, by value, where a fact of the problem has few values."""
    if rulebook.origins[atom.fact] != "input":
        return {}
    domain = rulebook.domains[atom.fact]
    values: list[Value] = [False, True] if domain.kind == "bool" else list(domain.choices)
    return {value: Reason(atom, value, "input", "") for value in [*values, None]}


def trace(rulebook: Rulebook, facts: Mapping[str, Any], inference: Inference) -> Trace:
    """Return why every slot has its value.

    Args:
        rulebook: The rulebook that decided.
        facts: The facts that it decided on.
        inference: What it decided.
    """
    plan = _plan(rulebook)
    rules, held = rulebook.rules, inference.holds
    stands = standing_rules(rulebook, held)
    values: dict[str, Any] = {**facts, **inference.derived, **inference.computed}
    values.update(zip(plan.decided, inference.values.values(), strict=True))
    winners: dict[str, str] = {}
    for name, _, _, writes in plan.read:
        for position, rule, _, _ in writes:
            if stands[position]:
                winners[name] = rule.id
                break
    reasons: dict[str, tuple[Reason, ...]] = {}
    silent: dict[str, tuple[Reason, ...]] = {}
    plan.sort_reasons(values, held, winners, reasons, silent)
    defeated: dict[str, tuple[str, ...]] = {}
    for position, defeaters in plan.defeats:
        if held[position] and not stands[position]:
            defeated[rules[position].id] = tuple(rules[each].id for each in defeaters if stands[each])
    decisions = dict.fromkeys(inference.values, _UNDECIDED)
    decisions.update(plan.settled)
    _decide(plan.open_slots, rulebook, values, held, stands, reasons, decisions)
    derived: dict[str, Decision] = {}
    _decide(plan.derived, rulebook, values, held, stands, reasons, derived)
    return Trace(decisions, derived, reasons, defeated, silent)


def _collect(
    condition: Condition,
    wanted: bool,
    values: Mapping[str, Any],
    origins: Mapping[str, Origin],
    winners: Mapping[str, str],
) -> list[Reason]:
    """Return the comparisons that make a condition hold (or fail): of an ``any`` that holds, the parts that do."""
    if isinstance(condition, Atom):
        name = condition.fact
        return [Reason(condition, values[name], origins[name], winners.get(name, ""))]
    everything = isinstance(condition, AllOf) is wanted
    found: list[Reason] = []
    for part in condition.parts:
        if everything or holds(part, values) is wanted:
            found += _collect(part, wanted, values, origins, winners)
    return found


_UNDECIDED = Decision("", None, None, (), (), (), ())


def _decide(
    written: tuple[_Written, ...],
    rulebook: Rulebook,
    values: Mapping[str, Any],
    held: tuple[bool, ...],
    stands: list[bool],
    reasons: Mapping[str, tuple[Reason, ...]],
    decided: dict[str, Decision],
) -> None:
    """Add why slots or derived facts have their values."""
    for name, target, collects, writes in written:
        value = values[name]
        winner: Rule | None = None
        because: tuple[Reason, ...] = ()
        contributors: tuple[Rule, ...] = ()
        overrode: tuple[Overridden, ...] = ()
        withdrawn: tuple[Defeated, ...] = ()
        for position, rule, constant, copied in writes:
            if not held[position]:
                continue
            if winner is None and stands[position]:
                winner = rule
                because = reasons[rule.id]
                continue
            proposed = values[copied] if copied else constant
            if not stands[position]:
                by = tuple([rulebook.rules[each] for each in rulebook.defeaters[position] if stands[each]])
                withdrawn += (_new(Defeated, (rule, proposed, by)),)
            elif proposed == value or (collects and proposed):
                contributors += (rule,)
            elif not collects:
                overrode += (_new(Overridden, (rule, proposed)),)
        decided[target] = _new(Decision, (target, value, winner, because, contributors, overrode, withdrawn))
