"""The engine: a rulebook becomes one Python function from facts to an ``Inference``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from advisor.errors import Finding, InferenceError, RuleFileError
from advisor.inference.quantities import QUANTITIES, Quantity
from advisor.knowledge.dependencies import dependencies, read_names
from advisor.knowledge.generation import GAP, is_certain, may_be_undecided, statements, variable
from advisor.knowledge.rulebook import DECIDED

if TYPE_CHECKING:
    from advisor.knowledge.domains import Value
    from advisor.knowledge.rulebook import Rulebook


class Inference(NamedTuple):
    """What a rulebook decides for some facts.

    Attributes:
        facts: The facts, as given.
        values: Slot → value, in the order in which the slots are declared; a list is a tuple.
        derived: Derived fact → value.
        computed: Computed number → value, None when unknown.
        holds: For each rule (in the order of ``Rulebook.rules``) whether its condition holds. Which of them stand, and
            everything else, is rebuilt from this by ``trace``.
    """

    facts: Mapping[str, Any]
    values: dict[str, Value]
    derived: dict[str, Value]
    computed: dict[str, float | None]
    holds: tuple[bool, ...]

    @property
    def fired(self) -> int:
        """The rules whose condition holds, as a bitmask: bit i is rule i."""
        return sum(1 << position for position, held in enumerate(self.holds) if held)


Decide = Callable[[Mapping[str, Any]], Inference]


@dataclass(frozen=True, eq=False)
class Engine:
    """A compiled rulebook.

    Attributes:
        rulebook: The rulebook.
        decide: Function from facts (all of the vocabulary, by name) to an inference. It raises ``InferenceError`` when
            a slot is left without a value or a fact is missing; it doesn't check that values are in the vocabulary.
        source: The function's source text.
    """

    rulebook: Rulebook
    decide: Decide
    source: str


@lru_cache(maxsize=64)
def compiled(rulebook: Rulebook) -> Engine:
    """Return a rulebook's engine; those of the rulebooks used last are kept.

    Raises:
        RuleFileError: If the rulebook declares a computed number that is not registered.
    """
    return compile_rulebook(rulebook)


def decide(rulebook: Rulebook, facts: Mapping[str, Any]) -> Inference:
    """Return what a rulebook decides for some facts.

    Args:
        rulebook: The rulebook.
        facts: A value for every fact of the vocabulary, None for unknown ones.

    Raises:
        InferenceError: If a slot is left without a value, or a fact is missing.
    """
    return compiled(rulebook).decide(facts)


def compile_rulebook(rulebook: Rulebook, quantities: Mapping[str, Quantity] = QUANTITIES) -> Engine:
    """Compile a rulebook into a function.

    Args:
        rulebook: The rulebook.
        quantities: The registered computed numbers.

    Raises:
        RuleFileError: If a declared computed number is not registered, or reads something else than declared.
    """
    _check_quantities(rulebook, quantities)
    source = _source(rulebook)

    def undecided(facts: Mapping[str, Any], values: Mapping[str, Any]) -> InferenceError:
        gaps = [slot for slot, value in values.items() if value is GAP]
        given = ", ".join(f"{name}: {value!r}" for name, value in facts.items())
        return InferenceError(
            *(
                Finding(
                    "I101", slot, f"no rule of {rulebook.name} gives {slot!r} a value", f"The facts were {{{given}}}."
                )
                for slot in gaps
            )
        )

    def missing(error: KeyError) -> InferenceError:
        name = error.args[0]
        return InferenceError(
            Finding("I102", str(name), f"the fact {name!r} is missing", "Give null when it's unknown.")
        )

    namespace: dict[str, Any] = {
        "GAP": GAP,
        "Inference": Inference,
        "new": tuple.__new__,
        "copy": dict.copy,
        "SETTLED": {slot: _settled(rulebook, slot) for slot in rulebook.slots},
        "undecided": undecided,
        "missing": missing,
    }
    namespace.update({f"quantity_{name}": quantities[name].compute for name in rulebook.computed})
    exec(compile(source, f"<rulebook {rulebook.name}>", "exec"), namespace)
    return Engine(rulebook, namespace["decide"], source)


def _check_quantities(rulebook: Rulebook, quantities: Mapping[str, Quantity]) -> None:
    findings = []
    for name, declared in rulebook.computed.items():
        if name not in quantities:
            hint = f"Registered: {', '.join(sorted(quantities))}."
            findings.append(Finding("K129", str(declared.place), f"computed number {name!r} is not registered", hint))
        elif quantities[name].reads != declared.reads:
            hint = f"Write  reads: [{', '.join(quantities[name].reads)}]."
            findings.append(
                Finding("K129", str(declared.place), f"computed number {name!r} reads something else", hint)
            )
    if findings:
        raise RuleFileError(*findings)


def _settled(rulebook: Rulebook, slot: str) -> Value:
    """Return the value that a slot has for every problem; None when problems differ."""
    writers = rulebook.writers[DECIDED + slot]
    if not writers or rulebook.slots[slot].collect or not is_certain(rulebook, writers[0]):
        return None
    written = rulebook.written(writers[0], DECIDED + slot)
    return None if written.copy else written.value


def _source(rulebook: Rulebook) -> str:
    steps = dependencies(rulebook).order
    read = {name for step in steps for name in read_names(rulebook, step)}
    lines = ["def decide(facts):", "  try:"]
    facts = [name for name in rulebook.facts if name in read]
    lines += [f"    {variable(rulebook, name)} = facts[{name!r}]" for name in facts] or ["    pass"]
    lines += ["  except KeyError as error:", "    raise missing(error) from None"]
    for step in steps:
        if isinstance(step, str) and step in rulebook.computed:
            reads = rulebook.computed[step].reads
            # A gap may reach a formula only when an error follows anyway; the formula must not meet it.
            guards = [
                variable(rulebook, name)
                for name in reads
                if name.startswith(DECIDED) and may_be_undecided(rulebook, name)
            ]
            arguments = ", ".join(variable(rulebook, name) for name in reads)
            call = f"quantity_{step}({arguments})"
            if guards:
                call = f"None if {' or '.join(f'{guard} is GAP' for guard in guards)} else {call}"
            lines.append(f"  {variable(rulebook, step)} = {call}")
        else:
            lines += [f"  {line}" for line in statements(rulebook, (step,))]
    # A copy with most values in it is several times as fast as a display of so many pairs.
    lines.append("  values = copy(SETTLED)")
    lines += [f"  values[{slot!r}] = s_{slot}" for slot in rulebook.slots if _settled(rulebook, slot) is None]
    gaps = [f"s_{slot} is GAP" for slot in rulebook.slots if may_be_undecided(rulebook, DECIDED + slot)]
    if gaps:
        lines += [f"  if {' or '.join(gaps)}:", "    raise undecided(facts, values)"]
    derived = ", ".join(f"{name!r}: d_{name}" for name in rulebook.derived)
    computed = ", ".join(f"{name!r}: q_{name}" for name in rulebook.computed)
    held = "".join(f"h{position}, " for position in range(len(rulebook.rules)))
    lines.append(f"  return new(Inference, (facts, values, {{{derived}}}, {{{computed}}}, ({held})))")
    return "\n".join(map(sys.intern, lines)) + "\n"
