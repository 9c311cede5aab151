"""The recommendation: values at once, reasons on demand, one complete JSON document."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from advisor.errors import Finding, RequestError
from advisor.problem.checking import suggestion

if TYPE_CHECKING:
    from advisor.inference import Inference
    from advisor.knowledge import Rulebook
    from advisor.problem import Problem

Document = dict[str, Any]
Basis: TypeAlias = "tuple[Rulebook, Inference, AbstractSet[str], Mapping[str, str]]"
"""What a document is made from: rulebook, inference, names of the stated facts, how others were measured."""


class Decision(NamedTuple):
    """One decided slot.

    Attributes:
        slot: Its name.
        value: What was decided.
        rule: The rule that decided it.
        because: Why, in whole sentences.
        source: Where the claim comes from: work and place.
        overrides: Values that it replaced: rule, value, how, by.
        alternatives: Other values that the source names as equally good.
        title: The slot's name for people.
        group: The heading under which it is shown.
        facts: The facts that the deciding rule read, with their values.
        further_rules: Further rules that contributed to a list that several rules fill.
    """

    slot: str
    value: Any
    rule: str
    because: str
    source: tuple[Mapping[str, str], ...]
    overrides: tuple[Mapping[str, Any], ...]
    alternatives: tuple[Any, ...]
    title: str
    group: str
    facts: Mapping[str, Any]
    further_rules: tuple[str, ...]


class Recommendation:
    """What is advised for a problem, and why; frozen.

    Only the values are there from the beginning; decisions, plan, warnings and trace are worked out when they are
    first asked for. Make one with :func:`advisor.recommendation.recommend` or :meth:`from_json`.

    Examples:
        >>> from advisor.recommendation import recommend
        >>> recommend({"task": "multiclass", "architecture": "dense_stack"})["activation"]
        'selu'
    """

    __slots__ = ("_basis", "_document", "_problem", "values")

    values: Mapping[str, Any]
    _basis: Basis | None
    _document: Document | None
    _problem: Problem | None

    def __init__(
        self,
        values: Mapping[str, Any],
        *,
        basis: Basis | None = None,
        document: Document | None = None,
        problem: Problem | None = None,
    ) -> None:
        """Hold the values, and either the document that justifies them or what it is made from."""
        set_once = object.__setattr__
        set_once(self, "_problem", problem)
        set_once(self, "values", values)
        set_once(self, "_basis", basis)
        set_once(self, "_document", document)

    def __setattr__(self, name: str, value: object) -> None:
        """Refuse: a recommendation doesn't change."""
        raise AttributeError("a recommendation is frozen; make another one with recommend()")

    def __delattr__(self, name: str) -> None:
        """Refuse: a recommendation doesn't change."""
        raise AttributeError("a recommendation is frozen; make another one with recommend()")

    def __reduce__(self) -> tuple[Callable[[str], Recommendation], tuple[str]]:
        """Pickle as JSON."""
        return (Recommendation.from_json, (self.to_json(indent=None),))

    def __getitem__(self, slot: str) -> Any:
        """Return the value decided for a slot.

        Raises:
            RequestError: If there is no such slot.
        """
        try:
            return self.values[slot]
        except KeyError:
            message = f"nothing is decided about {slot!r}{suggestion(slot, self.values)}"
            raise RequestError(Finding("R101", slot, message, f"Decided are: {', '.join(self.values)}.")) from None

    def __contains__(self, slot: object) -> bool:
        """Tell whether something is decided about a slot."""
        return slot in self.values

    def __iter__(self) -> Iterator[str]:
        """Yield the names of the slots."""
        return iter(self.values)

    def __eq__(self, other: object) -> bool:
        """Tell whether two recommendations say the same, reasons included."""
        if not isinstance(other, Recommendation):
            return NotImplemented
        return self.to_dict() == other.to_dict()

    def __hash__(self) -> int:
        """Hash the facts of the problem."""
        return hash(tuple(self._whole()["problem"].values()))

    def __repr__(self) -> str:
        """Name task and architecture."""
        facts = self._whole()["problem"]
        return f"Recommendation(task={facts['task']!r}, architecture={facts['architecture']!r})"

    @property
    def problem(self) -> Problem:
        """The problem that was advised on."""
        problem = self._problem
        if problem is None:
            from advisor.problem.problem import Problem

            if self._basis is not None:
                _, inference, stated, _ = self._basis
                problem = Problem.from_facts({name: value for name, value in inference.facts.items() if name in stated})
            else:
                problem = Problem.from_facts(self._whole()["problem"])
            object.__setattr__(self, "_problem", problem)
        return problem

    @property
    def basis(self) -> Basis | None:
        """What it was made from, for explanations; None for one that was read from JSON."""
        return self._basis

    @property
    def document(self) -> Mapping[str, Any]:
        """The whole recommendation as dictionaries and lists; read it, but leave it as it is."""
        return MappingProxyType(self._whole())

    def _whole(self) -> Document:
        document = self._document
        if document is None:
            if self._basis is None:
                raise ValueError("a recommendation needs a document, or what to make it from")
            from advisor.recommendation.justification import document_of

            document = document_of(*self._basis)
            object.__setattr__(self, "_document", document)
        return document

    @property
    def rulebook(self) -> Mapping[str, str]:
        """Name, version, title and sha256 of the rulebook that decided."""
        return MappingProxyType(self._whole()["rulebook"])

    @property
    def decisions(self) -> Mapping[str, Decision]:
        """Slot → decision, in the rulebook's order."""
        return {
            slot: Decision(
                slot,
                entry["value"],
                entry["rule"],
                entry["because"],
                tuple(entry["source"]),
                tuple(entry["overrides"]),
                tuple(entry["alternatives"]),
                entry["title"],
                entry["group"],
                entry["facts"],
                tuple(entry.get("further_rules", ())),
            )
            for slot, entry in self._whole()["decisions"].items()
        }

    @property
    def requirements(self) -> list[dict[str, Any]]:
        """The numbers that the delivered model must keep: name, required, unit, comparison, measured_as, stated_by."""
        return [dict(each) for each in self._whole()["requirements"]]

    @property
    def plan(self) -> list[dict[str, Any]]:
        """The steps in order: step, does, slots, status (carried_out, not_carried_out_yet, not_needed)."""
        return [dict(each) for each in self._whole()["plan"]]

    @property
    def warnings(self) -> list[dict[str, Any]]:
        """What to know before using it: code, message, about."""
        return [dict(each) for each in self._whole()["warnings"]]

    @property
    def estimate(self) -> dict[str, Any] | None:
        """Parameters, bytes and multiply-adds; None when the problem doesn't say enough."""
        found = self._whole()["estimate"]
        return dict(found) if found else None

    @property
    def trace(self) -> Mapping[str, Any]:
        """How it came about: where facts came from, derived facts, computed numbers, and the rules that held."""
        return MappingProxyType(self._whole()["trace"])

    def to_dict(self) -> Document:
        """Return an own copy of the whole recommendation as dictionaries and lists."""
        import copy

        return copy.deepcopy(self._whole())

    def to_json(self, *, indent: int | None = 2) -> str:
        """Return the whole recommendation as JSON; the same recommendation gives the same bytes."""
        from pydantic_core import to_json

        return to_json(self._whole(), indent=indent).decode()

    def with_warning(self, code: str, message: str, *about: str) -> Recommendation:
        """Return the same recommendation with one more thing to know, such as what carrying it out gave up.

        Args:
            code: Its stable code.
            message: What it is, in whole sentences.
            about: The fields and slots that it is about.
        """
        document = self.to_dict()
        document["warnings"].append({"code": code, "message": message, "about": list(about)})
        return Recommendation(self.values, document=document, problem=self.problem)

    @classmethod
    def from_json(cls, text: str | bytes) -> Recommendation:
        """Read a recommendation; it is complete without the rules that made it.

        Raises:
            ArtifactError: If it is no JSON, or no recommendation of a format that this version reads.
            ProblemError: If the problem in it is not valid.
        """
        from advisor.recommendation.document import read_document

        document, problem = read_document(text)
        values = {
            slot: tuple(entry["value"]) if isinstance(entry["value"], list) else entry["value"]
            for slot, entry in document["decisions"].items()
        }
        return cls(MappingProxyType(values), document=document, problem=problem)
