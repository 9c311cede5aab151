"""Reading rules: conditions, values and cases, checked against what the rulebook declares."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from advisor.knowledge.conditions import AllOf, AnyOf, Atom, Condition, Operator
from advisor.knowledge.declarations import (
    VOCABULARY_HINT,
    Declarations,
    read_plain_value,
    read_sources,
    readable_name,
    refuse_value,
)
from advisor.knowledge.domains import Domain, Scalar, Value, domain_of_fact
from advisor.knowledge.reading import RULE_ID, FileReader, described, suggestion
from advisor.knowledge.rulebook import Assignment, Case, Rule

_REQUIRED = ("rule", "title", "layer", "because", "source", "limits", "cornerstone")
_OPTIONAL = ("when", "set", "conclude", "defeats", "alternatives", "contrast", "examples")
_COMPARISONS = ("lt", "le", "gt", "ge")
_OPERATORS = (*_COMPARISONS, "not")
_FREE_NUMBERS = (0, 1)
_ALWAYS = AllOf(())


def read_rules(reader: FileReader, root: MappingNode, declared: Declarations) -> list[Rule]:
    """Return the rules of one file; what is wrong with them goes to the reader's findings."""
    fields = reader.fields(root, "the rule file", ["rules"], ["about"])
    if not fields or "rules" not in fields:
        return []
    reader.text(fields.get("about"), "'about'")
    read = (_RuleReader(reader, declared).rule(node) for node in reader.items(fields["rules"], "'rules'"))
    return [rule for rule in read if rule is not None]


class _RuleReader:
    """Reads one rule."""

    def __init__(self, reader: FileReader, declared: Declarations) -> None:
        self.reader = reader
        self.declared = declared
        self.before = len(reader.findings)

    def rule(self, node: Node) -> Rule | None:
        reader, declared = self.reader, self.declared
        self.before = len(reader.findings)
        fields = reader.fields(node, self._called(node), _REQUIRED, _OPTIONAL)
        if fields is None:
            return None
        rule_id = reader.name(fields["rule"], "the rule's id", RULE_ID) if "rule" in fields else ""
        what = f"rule {rule_id!r}"
        layer = reader.text(fields.get("layer"), f"'layer' of {what}")
        if layer and layer not in declared.layers and declared.complete:
            message = f"unknown layer {layer!r}{suggestion(layer, declared.layers)}"
            reader.add("K112", fields["layer"], message, f"Layers: {', '.join(declared.layers)}.")
        acts = [key for key in ("set", "conclude", "defeats") if key in fields]
        if not acts:
            reader.add("K123", node, f"{what} does nothing", "Add 'set', 'conclude' or 'defeats'.")
        defeats = reader.names(fields["defeats"], f"'defeats' of {what}", RULE_ID) if "defeats" in fields else {}
        when = self.all_of(fields["when"]) if "when" in fields else _ALWAYS
        sets = self.assignments(fields.get("set"), "set", what)
        concludes = self.assignments(fields.get("conclude"), "conclude", what)
        cases = [self.case(fields[name], name, what) for name in ("cornerstone", "contrast") if name in fields]
        if "examples" in fields:
            examples = reader.items(fields["examples"], f"'examples' of {what}")
            cases += [self.case(example, f"example {number}", what) for number, example in enumerate(examples, 1)]
        rule = Rule(
            id=rule_id,
            title=reader.text(fields.get("title"), f"'title' of {what}"),
            layer=layer,
            rank=list(declared.layers).index(layer) if layer in declared.layers else 0,
            when=when,
            sets=sets,
            concludes=concludes,
            defeats=tuple(defeats),
            alternatives=self.alternatives(fields.get("alternatives"), what, sets),
            because=reader.text(fields.get("because"), f"'because' of {what}"),
            sources=read_sources(reader, fields.get("source"), f"'source' of {what}", declared.works),
            limits=reader.text(fields.get("limits"), f"'limits' of {what}"),
            cases=tuple(case for case in cases if case is not None),
            place=reader.at(fields.get("rule", node)),
            places=self.places(fields),
        )
        if len(reader.findings) > self.before:
            declared.doubtful.add(rule.place)
        return rule

    @staticmethod
    def _called(node: Node) -> str:
        if isinstance(node, MappingNode):
            for key, value in node.value:
                if key.value == "rule" and isinstance(value, ScalarNode):
                    return f"rule {value.value!r}"
        return "the rule"

    def places(self, fields: Mapping[str, Node]) -> dict[str, tuple[int, int]]:
        """Return where the values are written; for ``defeats`` also where each defeated rule is named."""
        found = {key: self.reader.at(node)[1:] for key, node in fields.items()}
        defeats = fields.get("defeats")
        if isinstance(defeats, SequenceNode):
            for item in defeats.value:
                if isinstance(item, ScalarNode):
                    found[f"defeats.{item.value}"] = self.reader.at(item)[1:]
        return found

    # ---- conditions

    def all_of(self, node: Node) -> AllOf:
        """Read a mapping of which everything must hold."""
        parts: list[Condition] = []
        for name, key, value in self.reader.entries(node, "'when'"):
            if name in ("any", "all"):
                branches = tuple(self.all_of(item) for item in self.reader.items(value, f"{name!r}"))
                if not branches and isinstance(value, SequenceNode):
                    self.reader.add("K106", value, f"{name!r} is empty")
                if branches:
                    parts.append(AnyOf(branches) if name == "any" else AllOf(branches))
            else:
                parts += self.atoms(name, key, value)
        return AllOf(tuple(parts))

    def fact(self, name: str, node: Node) -> Domain | None:
        """Return the domain of a name that is read; a finding when there is no such name."""
        domain = self.declared.domains.get(name)
        if domain is None and self.declared.complete:
            near = suggestion(name, [*self.declared.domains, "any", "all"])
            self.reader.add("K102", node, f"unknown fact {name!r}{near}", VOCABULARY_HINT)
        return domain

    def atoms(self, name: str, key: Node, node: Node) -> list[Atom]:
        """Read the condition on one fact."""
        domain = self.fact(name, key)
        if domain is None:
            return []
        if isinstance(node, MappingNode):
            found = []
            for sign, sign_key, value in self.reader.entries(node, f"the condition on {name!r}"):
                if sign == "not":
                    found += self.equality(name, value, domain, "not_in")
                elif sign in _COMPARISONS:
                    found += self.comparison(name, value, domain, cast(Operator, sign))
                else:
                    message = f"unknown operator {sign!r}{suggestion(sign, _OPERATORS)}"
                    self.reader.add("K105", sign_key, message, f"Operators: {', '.join(_OPERATORS)}.")
            if not node.value:
                self.reader.add("K106", node, f"the condition on {name!r} is empty")
            return found
        return self.equality(name, node, domain, "in")

    def comparison(self, name: str, node: Node, domain: Domain, operator: Operator) -> list[Atom]:
        """Read the bound of ``lt``, ``le``, ``gt`` or ``ge``: a number or the name of a parameter."""
        if not domain.is_numeric:
            message = f"{readable_name(name)} is no number and cannot be compared with {operator!r}"
            self.reader.add("K104", node, message, f"Allowed: {domain}.")
            return []
        fine, value = self.reader.scalar(node, f"the bound of {operator!r}")
        if not fine:
            return []
        parameter = ""
        if isinstance(value, str):
            parameter = value
            fine, resolved = self.parameter(parameter, node)
            if not fine:
                return []
            if isinstance(resolved, bool) or not isinstance(resolved, int | float):
                self.reader.add("K104", node, f"parameter {parameter!r} is no number")
                return []
            value = resolved
        elif isinstance(value, bool) or value is None:
            self.reader.add(
                "K104", node, f"the bound of {operator!r} must be a number or a parameter, not {described(node)}"
            )
            return []
        else:
            self.refuse_literal(node, value)
        return [Atom(name, operator, (value,), (parameter,), self.reader.at(node))]

    def equality(self, name: str, node: Node, domain: Domain, operator: Operator) -> list[Atom]:
        """Read a value or a list of values that a fact must be equal to, or different from."""
        place = self.reader.at(node)
        if domain.is_list:
            if isinstance(node, SequenceNode) and not node.value:
                return [Atom(name, operator, ((),), ("",), place)]
            hint = "Write [] or {not: []}."
            self.reader.add(
                "K104", node, f"{readable_name(name)} is a list and can only be tested for being empty", hint
            )
            return []
        if isinstance(node, SequenceNode) and not node.value:
            self.reader.add("K106", node, f"the condition on {name!r} lists no values")
            return []
        values: list[Value] = []
        parameters: list[str] = []
        for item in node.value if isinstance(node, SequenceNode) else [node]:
            fine, value = self.reader.scalar(item, f"the value of {name!r}")
            if not fine:
                continue
            parameter = ""
            if isinstance(value, str) and domain.is_numeric:
                parameter = value
                fine, resolved = self.parameter(parameter, item)
                if not fine:
                    continue
                if isinstance(resolved, tuple):
                    self.reader.add("K104", item, f"parameter {parameter!r} is a list")
                    continue
                value = resolved
            elif domain.is_numeric:
                self.refuse_literal(item, value)
            if not domain.accepts(value):
                refuse_value(self.reader, item, readable_name(name), value, domain)
            elif value in values:
                self.reader.add("K107", item, f"{described(item)} is listed twice")
            else:
                values.append(value)
                parameters.append(parameter)
        return [Atom(name, operator, tuple(values), tuple(parameters), place)] if values else []

    def parameter(self, name: str, node: Node) -> tuple[bool, Value]:
        """Return (whether it's known, the value) of a parameter."""
        parameter = self.declared.parameters.get(name)
        if parameter is not None:
            return True, parameter.value
        if self.declared.complete:
            near = suggestion(name, self.declared.parameters)
            self.reader.add(
                "K114", node, f"unknown parameter {name!r}{near}", "Declare it in rulebook.yaml under 'parameters'."
            )
        return False, None

    def refuse_literal(self, node: Node, value: Scalar) -> None:
        """Refuse a number that should be a named parameter."""
        if isinstance(value, bool) or not isinstance(value, int | float) or value in _FREE_NUMBERS:
            return
        hint = "Declare a parameter with its reason in rulebook.yaml, and name it here."
        self.reader.add("K127", node, f"{described(node)} is a number without a name", hint)

    # ---- values

    def assignments(self, node: Node | None, key: str, what: str) -> tuple[Assignment, ...]:
        """Read ``set`` or ``conclude``."""
        if node is None:
            return ()
        declared = self.declared
        found = []
        for name, key_node, value in self.reader.entries(node, f"{key!r} of {what}"):
            domain = self.target(name, key_node, key)
            if domain is None:
                continue
            collects = key == "set" and declared.slots[name].collect
            assignment = self.assignment(name, value, domain, collects=collects)
            if assignment is not None:
                found.append(assignment)
        if isinstance(node, MappingNode) and not node.value:
            self.reader.add("K106", node, f"{key!r} of {what} is empty")
        return tuple(found)

    def target(self, name: str, node: Node, key: str) -> Domain | None:
        """Return the domain of a slot or derived fact that is written; a finding when there is none."""
        declared = self.declared
        table: Mapping[str, Domain] = (
            {slot: entry.domain for slot, entry in declared.slots.items()}
            if key == "set"
            else {fact: entry.domain for fact, entry in declared.derived.items()}
        )
        if name not in table and declared.complete:
            kind = "slot" if key == "set" else "derived fact"
            hint = (
                f"It's declared as a {'derived fact' if key == 'set' else 'slot'}." if self.elsewhere(name, key) else ""
            )
            hint = hint or f"Declare it in rulebook.yaml under {'slots' if key == 'set' else 'derived'!r}."
            self.reader.add("K115", node, f"unknown {kind} {name!r}{suggestion(name, table)}", hint)
        return table.get(name)

    def elsewhere(self, name: str, key: str) -> bool:
        """Tell whether a name is declared, but for the other of ``set`` and ``conclude``."""
        return name in (self.declared.derived if key == "set" else self.declared.slots)

    def assignment(self, name: str, node: Node, domain: Domain, *, collects: bool) -> Assignment | None:
        """Read one value: a constant, a list, ``{parameter: name}`` or ``{copy: fact}``."""
        place = self.reader.at(node)
        if isinstance(node, MappingNode):
            fields = self.reader.fields(node, f"the value of {name!r}", [], ["parameter", "copy"]) or {}
            if len(fields) != 1:
                if len(fields) > 1 or not node.value:
                    self.reader.add("K106", node, f"the value of {name!r} needs one of 'parameter' and 'copy'")
                return None
            if "copy" in fields:
                return self.copied(name, fields["copy"], domain, collects=collects)
        used: list[str] = []
        fine, value = self.constant(node, used, f"the value of {name!r}")
        if not fine:
            return None
        if not domain.accepts(value):
            refuse_value(self.reader, node, f"{name!r}", value, domain)
            return None
        return Assignment(name, value, "", tuple(used), place)

    def constant(self, node: Node, used: list[str], what: str) -> tuple[bool, Value]:
        """Return (whether it can be used, the value) of a constant; the parameters in it are added to ``used``."""
        if isinstance(node, SequenceNode):
            elements = [self.constant(item, used, f"an element of {what}") for item in node.value]
            flat: list[Scalar] = []
            for item, (fine, element) in zip(node.value, elements, strict=True):
                if isinstance(element, tuple):
                    self.reader.add("K104", item, f"{what} is a list of lists")
                    return False, None
                if not fine:
                    return False, None
                flat.append(element)
            return True, tuple(flat)
        if isinstance(node, MappingNode):
            fields = self.reader.fields(node, what, ["parameter"]) or {}
            name = self.reader.text(fields.get("parameter"), f"'parameter' in {what}")
            if not name:
                return False, None
            used.append(name)
            return self.parameter(name, fields["parameter"])
        fine, value = self.reader.scalar(node, what)
        if fine:
            self.refuse_literal(node, value)
        return fine, value

    def copied(self, name: str, node: Node, domain: Domain, *, collects: bool) -> Assignment | None:
        """Read ``{copy: fact}``; its values must all be values of the target."""
        fact = self.reader.text(node, "'copy'")
        if not fact or (source := self.fact(fact, node)) is None:
            return None
        kinds_fit = source.kind == domain.kind or (source.kind == "int" and domain.kind == "number")
        fits = kinds_fit and source.is_list == domain.is_list and set(source.choices) <= set(domain.choices)
        if collects or not fits:
            message = f"{readable_name(fact)} cannot be copied to {name!r}: its values are not all allowed there"
            self.reader.add("K122", node, message, f"Copied: {source}. Allowed: {domain}.")
            return None
        return Assignment(name, None, fact, (), self.reader.at(node))

    def alternatives(self, node: Node | None, what: str, sets: tuple[Assignment, ...]) -> dict[str, tuple[Value, ...]]:
        """Read the other values that the source names for slots that the rule sets."""
        found: dict[str, tuple[Value, ...]] = {}
        chosen = {assignment.target: assignment for assignment in sets}
        for name, key, value in self.reader.entries(node, f"'alternatives' of {what}") if node is not None else []:
            if name not in chosen and len(self.reader.findings) > self.before:
                continue
            if name not in chosen:
                message = f"'alternatives' names {name!r}, which {what} doesn't set{suggestion(name, chosen)}"
                self.reader.add("K128", key, message)
                continue
            domain = self.declared.slots[name].domain
            values: list[Value] = []
            for item in self.reader.items(value, f"the alternatives of {name!r}"):
                fine, alternative = read_plain_value(self.reader, item, f"an alternative of {name!r}")
                if not fine:
                    continue
                if not domain.accepts(alternative):
                    refuse_value(self.reader, item, f"{name!r}", alternative, domain)
                elif alternative in values or (not chosen[name].copy and alternative == chosen[name].value):
                    self.reader.add("K128", item, f"alternative {described(item)} of {name!r} is named already")
                else:
                    values.append(alternative)
            found[name] = tuple(values)
        return found

    # ---- cases

    def case(self, node: Node, name: str, what: str) -> Case | None:
        """Read a case: facts that are given and what is expected."""
        reader, declared = self.reader, self.declared
        fields = reader.fields(node, f"{name!r} of {what}", ["given", "expect"])
        if fields is None:
            return None
        given: dict[str, Value] = {}
        for fact, key, value in reader.entries(fields["given"], "'given'") if "given" in fields else []:
            if fact not in declared.facts:
                near = suggestion(fact, declared.facts)
                reader.add("K102", key, f"unknown fact {fact!r}{near}", VOCABULARY_HINT)
            else:
                self.case_value(given, fact, value, domain_of_fact(declared.facts[fact]))
        for fact, described_fact in declared.facts.items():
            if described_fact.required and "given" in fields and fact not in given:
                reader.add("K106", fields["given"], f"'given' has no {fact!r}", "A problem is not complete without it.")
        expect: dict[str, Value] = {}
        entries = reader.entries(fields["expect"], "'expect'") if "expect" in fields else []
        for target, key, value in entries:
            domain = self.expected(target, key)
            if domain is not None:
                self.case_value(expect, target, value, domain)
        if "expect" in fields and not entries and isinstance(fields["expect"], MappingNode):
            reader.add("K106", fields["expect"], f"{name!r} of {what} expects nothing")
        return Case(name, given, expect, reader.at(node))

    def expected(self, name: str, node: Node) -> Domain | None:
        """Return the domain of a slot or derived fact in ``expect``."""
        declared = self.declared
        if name in declared.slots:
            return declared.slots[name].domain
        if name in declared.derived:
            return declared.derived[name].domain
        if declared.complete:
            near = suggestion(name, [*declared.slots, *declared.derived])
            self.reader.add("K115", node, f"unknown slot or derived fact {name!r}{near}")
        return None

    def case_value(self, found: dict[str, Value], name: str, node: Node, domain: Domain) -> None:
        """Read one value of a case into ``found``."""
        fine, value = read_plain_value(self.reader, node, f"the value of {name!r}")
        if not fine:
            return
        if domain.accepts(value):
            found[name] = value
        else:
            refuse_value(self.reader, node, f"{name!r}", value, domain)
