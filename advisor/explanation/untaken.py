"""Why a slot does not have another value: the rules that would have set it, and what kept each of them from it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from advisor.explanation import wording
from advisor.explanation.asking import slot_value, values_of
from advisor.explanation.grounds import Grounds
from advisor.explanation.outline import Entry, Outline, Section
from advisor.explanation.voice import Voice, alternatives, counted
from advisor.inference import Reason
from advisor.knowledge import Rule
from advisor.knowledge.domains import Value
from advisor.knowledge.rulebook import DECIDED

_DEEPEST = 4
_SINGLE = {
    "silent": "does not apply here",
    "withdrawn": "applies, but was withdrawn",
    "outranked": "applies, but was outranked",
}


def why_not_outline(grounds: Grounds, slot: str, given: Any) -> tuple[Outline, dict[str, Any]]:
    """Return why a slot doesn't have a value, for people and as data.

    Args:
        grounds: What the recommendation rests on.
        slot: The slot.
        given: The other value, or how it is written; for a slot that collects elements, one or several of them.

    Raises:
        RequestError: If there is no such slot, or it can't have that value.
    """
    wanted = slot_value(grounds.rulebook, slot, given)
    return _WhyNot(grounds, slot, wanted).told()


class _WhyNot:
    """One question."""

    def __init__(self, grounds: Grounds, slot: str, wanted: Value) -> None:
        self.grounds, self.slot, self.wanted = grounds, slot, wanted
        self.rulebook, self.trace = grounds.rulebook, grounds.trace
        self.voice = Voice(grounds.rulebook)
        self.actual = grounds.inference.values[slot]
        self.collects = self.rulebook.slots[slot].collect

    def told(self) -> tuple[Outline, dict[str, Any]]:
        slot, voice = self.slot, self.voice
        title, shown, actual = voice.title(DECIDED + slot), *map(wording.say_value, (self.wanted, self.actual))
        data: dict[str, Any] = {"slot": slot, "wanted": _plain(self.wanted), "actual": _plain(self.actual)}
        if self._is_so():
            verb = "already contains" if self.collects and self.wanted else "already is"
            hint = f"See why: advisor explain RECOMMENDATION.json --why {slot}"
            outline = Outline(f"Why not {slot} = {shown}", f"{title} {verb} {shown}.", hints=(hint,))
            return outline, {**data, "rules": [], "values": [_plain(each) for each in values_of(self.rulebook, slot)]}
        found = list(self._candidates())
        known = values_of(self.rulebook, slot)
        data["rules"] = [data for _, data in found]
        data["values"] = [_plain(each) for each in known]
        sections = []
        if found:
            heading = "The rule that would set it" if len(found) == 1 else "The rules that would set it"
            sections.append(Section(heading, tuple(entry for entries, _ in found for entry in entries)))
        else:
            listed = alternatives(map(wording.say_value, known)) or "none"
            reason = f"Rules set {slot} to {listed}; no problem leads to {shown} under this rulebook."
            sections.append(Section("No rule sets it", (Entry(reason=reason),)))
        sections.append(Section(f"What makes it {actual}", tuple(self._winner())))
        offered = self.trace.decisions[slot].rule
        if offered is not None and self.wanted in offered.alternatives.get(slot, ()):
            reason = f"The source of {offered.id} names {shown} as equally good."
            sections.append(Section("An alternative", (Entry(reason=reason),)))
        hints = (f"See what would lead to it: advisor explain RECOMMENDATION.json --counterfactual {slot}={shown}",)
        summary = f"{title} is {actual}, not {shown}. {self._summary([each for _, each in found])}"
        return Outline(f"Why not {slot} = {shown}", summary, tuple(sections), hints if found else ()), data

    def _is_so(self) -> bool:
        if self.collects and isinstance(self.wanted, tuple) and self.wanted and isinstance(self.actual, tuple):
            return all(each in self.actual for each in self.wanted)
        return self.wanted == self.actual and isinstance(self.wanted, bool) == isinstance(self.actual, bool)

    def _summary(self, found: list[dict[str, Any]]) -> str:
        if not found:
            return f"No rule of {self.rulebook.name} ever sets it to {wording.say_value(self.wanted)}."
        words = []
        if len(found) == 1:
            return f"The one rule that would set it {_SINGLE[found[0]['status']]}."
        for status, one, several in (
            ("silent", "does not apply here", "do not apply here"),
            ("withdrawn", "applies but was withdrawn", "apply but were withdrawn"),
            ("outranked", "applies but was outranked", "apply but were outranked"),
        ):
            number = sum(each["status"] == status for each in found)
            if number:
                words.append(f"{number} {one if number == 1 else several}")
        return f"{counted(len(found), 'rule', 'rules')} would set it: {wording.say_list(words)}."

    def _candidates(self) -> Iterator[tuple[list[Entry], dict[str, Any]]]:
        name = DECIDED + self.slot
        for position in self.rulebook.writers[name]:
            written = self.rulebook.written(position, name)
            rule = self.rulebook.rules[position]
            if written.copy:
                if not self.rulebook.domains[written.copy].accepts(self.wanted) or self.wanted is None:
                    continue
                yield self._candidate(rule, written.copy)
            elif self._would_do(written.value):
                yield self._candidate(rule, "")

    def _would_do(self, value: Value) -> bool:
        if self.collects and self.wanted and isinstance(self.wanted, tuple) and isinstance(value, tuple):
            missing = [each for each in self.wanted if each not in self._collected()]
            return any(each in value for each in missing)
        return value == self.wanted and isinstance(value, bool) == isinstance(self.wanted, bool)

    def _collected(self) -> tuple[Any, ...]:
        return self.actual if isinstance(self.actual, tuple) else ()

    def _candidate(self, rule: Rule, copied: str) -> tuple[list[Entry], dict[str, Any]]:
        data: dict[str, Any] = {"rule": rule.id, "title": rule.title, "layer": rule.layer, "failed": [], "by": []}
        head = f"{rule.id}: {rule.title}."
        failed = list(self.trace.silent.get(rule.id, ()))
        defeaters = self.trace.defeated.get(rule.id, ())
        if failed:
            data["status"] = "silent"
            data["failed"] = [self._failed(each) for each in failed]
            entries = [Entry(reason=f"{head} It does not apply, because of what follows.")]
            seen: set[str] = set()
            for reason in failed:
                entries += self._unmet(reason, 1, seen)
            even = self._even_then(rule)
            if even:
                entries.append(Entry(reason=even, depth=1))
        elif defeaters:
            data["status"], data["by"] = "withdrawn", list(defeaters)
            entries = [Entry(reason=f"{head} Its conditions hold, but it was withdrawn.")]
            for each in defeaters:
                entries += self._standing(self.rulebook.rule(each), "Withdrawn by", 1)
        else:
            winner = self.trace.decisions[self.slot].rule
            data["status"], data["by"] = "outranked", [winner.id] if winner is not None and winner is not rule else []
            entries = [Entry(reason=f"{head} It applies, but it does not have the last word.")]
            if winner is not None and winner is not rule:
                entries += self._standing(winner, f"Outranked, since {winner.layer} is above {rule.layer}, by", 1)
        if copied:
            now = self.voice.fact(copied, self.grounds.everything[copied])
            need = self.voice.value(copied, self.wanted)
            entries.append(Entry(reason=f"It copies what was stated. {now}; it would have to be {need}.", depth=1))
        return entries, data

    def _failed(self, reason: Reason) -> dict[str, Any]:
        return {
            "fact": reason.fact,
            "value": _plain(reason.value),
            "needed": self.voice.wanted(reason.condition),
            "origin": reason.origin,
        }

    def _unmet(self, reason: Reason, depth: int, seen: set[str]) -> Iterator[Entry]:
        """Yield what a failed comparison met with and what it needed; for a concluded value, why it came out so."""
        voice, name = self.voice, reason.fact
        now = voice.fact(name, reason.value)
        yield Entry(reason=f"{now}; it would have to be {voice.wanted(reason.condition)}.", depth=depth)
        if reason.origin not in ("derived", "decided") or name in seen or depth >= _DEEPEST:
            return
        seen.add(name)
        if reason.rule:
            yield from self._standing(self.rulebook.rule(reason.rule), "It is so by", depth + 1)
        for position in self.rulebook.writers[name]:
            rule = self.rulebook.rules[position]
            written = self.rulebook.written(position, name)
            if written.copy or not reason.condition.holds(written.value):
                continue
            failed = self.trace.silent.get(rule.id, ())
            if failed:
                yield Entry(reason=f"{rule.id} would make it so, but does not apply.", depth=depth + 1)
                for each in failed:
                    yield from self._unmet(each, depth + 2, seen)

    def _standing(self, rule: Rule, means: str, depth: int) -> Iterator[Entry]:
        facts = [self.voice.fact(each.fact, each.value) for each in self.trace.reasons[rule.id]]
        because = f", because of {'; '.join(facts)}" if facts else ""
        yield Entry(reason=f"{means} {rule.id}: {rule.title}{because}.", depth=depth)

    def _even_then(self, rule: Rule) -> str:
        """Return what would stand in the way even if a silent rule applied."""
        by = [each for each in self.rulebook.defeaters[self.rulebook.positions[rule.id]] if self._stands(each)]
        if by:
            return f"Even then {wording.say_list([self.rulebook.rules[each].id for each in by])} would withdraw it."
        winner = self.trace.decisions[self.slot].rule
        if not self.collects and winner is not None and winner.rank > rule.rank:
            return f"Even then {winner.id} would outrank it."
        return ""

    def _stands(self, position: int) -> bool:
        rule = self.rulebook.rules[position].id
        return rule in self.trace.reasons and rule not in self.trace.defeated

    def _winner(self) -> Iterator[Entry]:
        decision = self.trace.decisions[self.slot]
        for rule in filter(None, (decision.rule, *decision.contributors)):
            yield from self._standing(rule, "The rule", 0)


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
