"""Checks a recommendation against its rulebook as data, without any part of the engine: every claim from the ground up.

``objections(document, rulebook)`` returns what is wrong, an empty list when nothing is. As a program of its own:
``python certificate.py recommendation.json rulebook.json`` (the latter is what
``advisor.explanation.certifying.rulebook_data`` returns).
"""

import hashlib
import json
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

SIZES: dict[str, Any] = {
    "lt": lambda value, bound: value < bound,
    "le": lambda value, bound: value <= bound,
    "gt": lambda value, bound: value > bound,
    "ge": lambda value, bound: value >= bound,
}


def rows_per_parameter(rows: Any, features: Any, outputs: Any, layers: int, units: int) -> float | None:
    """Return the labeled rows for each weight and bias of a stack of dense layers; None when a number is unknown."""
    if None in (rows, features, outputs):
        return None
    widths = [features, *[units] * layers, outputs]
    return float(rows / sum((a + 1) * b for a, b in pairwise(widths)))


def holds(condition: list[Any], known: dict[str, Any]) -> bool:
    """Tell whether a condition holds: ``["all" | "any", parts]``, or ``[name, operator, constants, parameters]``."""
    if condition[0] in ("all", "any") and len(condition) == 2:
        return (all if condition[0] == "all" else any)(holds(part, known) for part in condition[1])
    name, operator, constants, _ = condition
    if operator in SIZES:
        return isinstance(known[name], int | float) and bool(SIZES[operator](known[name], constants[0]))
    return (known[name] in constants) is (operator == "in")


def objections(document: dict[str, Any], rulebook: dict[str, Any]) -> list[str]:
    """Return what is wrong with a recommendation; nothing is wrong with a certified one."""
    text = json.dumps(rulebook, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    if hashlib.sha256(text.encode()).hexdigest() != document["rulebook"]["sha256"]:
        return ["the rulebook is not the one that the recommendation names"]
    return list(_objections(document, json.loads(text)))


def _objections(document: dict[str, Any], rulebook: dict[str, Any]) -> Iterator[str]:
    trace, decisions, rules = document["trace"], document["decisions"], rulebook["rules"]
    known = dict(document["problem"])
    known |= {name: each["value"] for part in ("derived", "computed") for name, each in trace[part].items()}
    known |= {f"decided.{slot}": decision["value"] for slot, decision in decisions.items()}
    if set(trace["derived"]) != set(rulebook["derived"]) or set(decisions) != {slot[0] for slot in rulebook["slots"]}:
        yield "not exactly what the rulebook declares is derived and decided"
        return
    for name, each in trace["computed"].items():
        arguments = [known[read] for read in rulebook["computed"][name][2]]
        if name != "rows_per_parameter" or each["value"] != rows_per_parameter(*arguments):
            yield f"the computed number {name} is not {each['value']}"
    holding = {rule for rule, each in rules.items() if holds(each["when"], known)}
    if holding != set(trace["rules"]):
        yield f"of these rules it is wrongly said whether they apply: {sorted(holding ^ set(trace['rules']))}"
        return
    standing = {rule for rule, each in trace["rules"].items() if each["status"] == "stands"}
    for rule, told in trace["rules"].items():
        by = {each for each in standing if rule in rules[each]["defeats"]}
        if bool(by) == (rule in standing) or by != set(told["withdrawn_by"]):
            yield f"{rule} is said to be {told['status']}, but the standing rules that withdraw it are {sorted(by)}"
        if any(known[name] != value for name, value in told["facts"].items()):
            yield f"{rule} is said to have read other facts than there are"
    layers = [layer for layer, _ in rulebook["layers"]]
    for name, declared in rulebook["derived"].items():
        yield from _judged(name, known[name], "conclude", rules, standing, layers, known, declared[3])
    for slot, _, _, domain, _, _, collects in rulebook["slots"]:
        value = known[f"decided.{slot}"]
        if collects:
            given = {part for rule in standing if slot in rules[rule]["set"] for part in rules[rule]["set"][slot][0]}
            if value != [choice for choice in domain[1] if choice in given]:
                yield f"{slot} is {value}, but standing rules contribute {sorted(given)}"
        else:
            yield from _judged(slot, value, "set", rules, standing, layers, known, None, decisions[slot]["rule"])


def _judged(name: str, value: Any, part: str, rules: Any, standing: set[str], layers: list[str], known: dict[str, Any],
            otherwise: Any, said: str | None = None) -> Iterator[str]:  # fmt: skip
    writers = sorted((rule for rule in standing if name in rules[rule][part]),
                     key=lambda rule: layers.index(rules[rule]["layer"]), reverse=True)  # fmt: skip
    top = [rule for rule in writers if rules[rule]["layer"] == rules[writers[0]]["layer"]]
    written = [known[copy] if copy else constant for constant, copy, _ in (rules[rule][part][name] for rule in top)]
    if (any(each != value for each in written)) or (not top and value != otherwise) or (said and said not in top):
        yield f"{name} is said to be {value} by {said}, but the highest standing rules are {top} and give {written}"


if __name__ == "__main__":
    paper, book = (json.loads(Path(path).read_text(encoding="utf-8")) for path in sys.argv[1:3])
    print("\n".join(objections(paper, book)) or "Certified: every decision follows from the rules.")
    sys.exit(bool(objections(paper, book)))
