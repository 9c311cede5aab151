"""``advisor rules``: look at the knowledge base, replay its cases, prove it, mutate it, and compare two of them."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from advisor.errors import EXIT_NO, Finding, RequestError
from advisor.interfaces.cli.streams import note, page_width, to_json, write_line

if TYPE_CHECKING:
    from advisor.knowledge import Rule, Rulebook, Source

rules = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Look at the rules, replay their cases, prove that nothing is wrong with them, and compare rulebooks.",
)


AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@rules.command("list")
def list_rules(
    rulebook: Annotated[
        str | None, typer.Argument(metavar="[RULEBOOK]", help="List the rules of this rulebook (name or folder).")
    ] = None,
    json: AsJson = False,
) -> None:
    """List the rulebooks, or the rules of one."""
    from advisor.knowledge import list_rulebooks, load_rulebook

    if rulebook is None:
        books = [load_rulebook(name) for name in list_rulebooks()]
        found = [
            {"name": book.name, "version": book.version, "title": book.title, "rules": len(book.rules)}
            for book in books
        ]
        lines = [f"{book.name} {book.version}  {len(book.rules)} rules. {book.title}." for book in books]
    else:
        book = load_rulebook(rulebook)
        found = [{"rule": rule.id, "layer": rule.layer, "title": rule.title} for rule in book.rules]
        lines = []
        for layer, meaning in book.layers.items():
            members = [rule for rule in book.rules if rule.layer == layer]
            if members:
                lines += ["", f"Layer {layer}: {meaning}" if meaning else f"Layer {layer}"]
                lines += [line for rule in members for line in _wrap(f"{rule.id}: {rule.title}.", "  ", "      ")]
    write_line(to_json(found) if json else "\n".join(lines).lstrip("\n"))


@rules.command("show")
def show_rule(
    rule: Annotated[str | None, typer.Argument(metavar="[RULE|RULEBOOK]", help="A rule, or a rulebook.")] = None,
    rulebook: Annotated[str, typer.Option(help="The rulebook (name or folder) that holds the rule.")] = "homl2",
    vocabulary: Annotated[bool, typer.Option("--vocabulary", help="Show the fields of a problem.")] = False,
    json: AsJson = False,
) -> None:
    """Show a rule, a rulebook, or the vocabulary."""
    if vocabulary:
        write_line(to_json(_vocabulary()) if json else "\n".join(_vocabulary_lines()))
        return
    from advisor.knowledge import list_rulebooks, load_rulebook

    name = rule or rulebook
    is_book = rule is None or rule in list_rulebooks() or "/" in rule
    book = load_rulebook(name if is_book else rulebook)
    if is_book:
        write_line(to_json(_book(book)) if json else "\n".join(_book_lines(book)))
        return
    if name not in book.positions:
        from advisor.problem.checking import suggestion

        message = f"{book.name} has no rule {name!r}{suggestion(name, book.positions)}"
        raise RequestError(Finding("R107", name, message, f"See all with: advisor rules list {book.name}"))
    found = book.rule(name)
    write_line(to_json(_rule(book, found)) if json else "\n".join(_rule_lines(book, found)))


@rules.command("test")
def replay_cases(
    rulebook: Annotated[str, typer.Argument(metavar="[RULEBOOK]", help="A rulebook (name or folder).")] = "homl2",
    json: AsJson = False,
) -> int:
    """Replay the cases that every rule was written for.

    Exit code 1 when a case comes out otherwise than expected.
    """
    from collections import Counter

    from advisor.inference import compiled, complete_facts, run_cornerstones, standing_rules
    from advisor.inference.mutation import mattering
    from advisor.knowledge import load_rulebook

    book = load_rulebook(rulebook)
    results = run_cornerstones(book)
    failed = [finding for result in results for finding in result.findings]
    standing: Counter[int] = Counter()
    for result in [] if failed else results:
        inference = compiled(book).decide(complete_facts(book, result.case.given))
        standing.update(number for number, each in enumerate(standing_rules(book, inference.holds)) if each)
    unseen = [] if failed else [rule.id for number, rule in enumerate(book.rules) if not standing[number]]
    matter = Counter() if failed else Counter(mutant.outcome for mutant in mattering(book))
    shown, needless, unshown = matter["killed"] + matter["refused"], matter["equivalent"], matter["survived"]
    if json:
        summary = {"rulebook": book.name, "rules": len(book.rules), "cases": len(results)}
        coverage = {
            "standing": {book.rules[number].id: count for number, count in sorted(standing.items())},
            "never_standing": unseen,
            "comparisons": {"shown_to_matter": shown, "proven_needless": needless, "not_shown": unshown},
        }
        found = [each.as_dict() for each in failed]
        write_line(to_json({**summary, "passed": not failed, "findings": found, "coverage": coverage}))
    else:
        for each in failed:
            note(str(each))
        wrong = sum(not result.passed for result in results)
        verdict = f"{wrong} of them came out otherwise" if wrong else "all came out as expected"
        write_line(f"{book.name} {book.version}: {len(book.rules)} rules, {len(results)} cases; {verdict}.")
        if not failed:
            seen = len(book.rules) - len(unseen)
            write_line(
                f"{seen} of {len(book.rules)} rules stand in some case. Of {sum(matter.values())} comparisons the "
                f"cases show {shown} to matter,\n{needless} are proven needless, {unshown} are not shown."
            )
            for each_rule in unseen:
                note(f"no case: rule {each_rule!r} stands nowhere")
    return EXIT_NO if failed else 0


NOT_YET: Mapping[str, tuple[str, ...]] = {}
"""Values that rules give although no stage carries them out yet; the plan says so, and here they are remarks."""


@rules.command("verify")
def verify_rulebook(
    rulebook: Annotated[str, typer.Argument(metavar="[RULEBOOK]", help="A rulebook (name or folder).")] = "homl2",
    json: AsJson = False,
) -> int:
    """Prove over all problems that a rulebook leaves no gap and holds no clash, cycle, dead rule or unused part.

    Exit code 1 when something is wrong, mistakes in its files included.
    """
    import time
    from dataclasses import astuple

    from advisor.errors import KnowledgeError
    from advisor.inference import run_cornerstones
    from advisor.knowledge import load_rulebook
    from advisor.knowledge.verification import Proven, verify
    from advisor.recommendation.capabilities import is_carried_out

    begun = time.process_time()
    try:
        book = load_rulebook(rulebook)
    except KnowledgeError as error:
        if any(each.code == "K100" for each in error.findings):
            raise
        if json:
            found = [{**each.as_dict(), "witness": None} for each in error.findings]
            write_line(to_json({"rulebook": rulebook, "proven": False, "findings": found, "remarks": []}))
        else:
            note(str(error))
            write_line(f"{rulebook}: not proven; {_count(len(error.findings), 'mistake')} in its files.")
        return EXIT_NO
    proof = verify(book, is_carried_out, _is_announced)
    failing = [Proven(*astuple(each)) for result in run_cornerstones(book) for each in result.findings]
    wrong = (*proof.findings, *failing)
    seconds = time.process_time() - begun
    if json:
        document: dict[str, Any] = {
            "rulebook": book.name,
            "version": book.version,
            "sha256": book.sha256,
            "proven": not wrong,
            "rules": len(book.rules),
            "slots": len(book.slots),
            "cells": proof.cells,
        }
        for name, each in (("findings", wrong), ("remarks", proof.remarks)):
            document[name] = [
                {**one.as_dict(), "witness": None if one.witness is None else dict(one.witness)} for one in each
            ]
        write_line(to_json(document))
    else:
        for finding in wrong:
            note(str(finding))
        for remark in proof.remarks:
            note(f"remark: {remark}")
        verdict = f"{_count(len(wrong), 'finding')}" if wrong else "proven"
        write_line(
            f"{book.name} {book.version}: {verdict}. {len(book.rules)} rules, {len(book.slots)} slots, "
            f"{proof.cells:,} cells, {_count(len(proof.remarks), 'remark')}, {seconds:.2f} s."
        )
        if not wrong:
            write_line(
                "Every problem gets one value for every slot; every rule stands and wins somewhere; no rules clash\n"
                "or depend on each other in a cycle; every fact, parameter, layer and group is used."
            )
    return EXIT_NO if wrong else 0


@rules.command("mutate")
def mutate_rulebook(
    rulebook: Annotated[str, typer.Argument(metavar="[RULEBOOK]", help="A rulebook (name or folder).")] = "homl2",
    json: AsJson = False,
) -> int:
    """Change every condition, value and rank, one at a time: do the cases notice?

    A change that no case notices is compared on every cell that it can reach: either it changes nothing, which is
    proven so, or it survived. Exit code 1 when one survived.
    """
    import time
    from collections import Counter

    from advisor.inference.mutation import mutate
    from advisor.knowledge import load_rulebook

    book = load_rulebook(rulebook)
    begun = time.process_time()
    mutants = list(mutate(book))
    seconds = time.process_time() - begun
    counts = Counter(mutant.outcome for mutant in mutants)
    survivors = [mutant for mutant in mutants if mutant.outcome == "survived"]
    if json:
        document = {
            "rulebook": book.name,
            "version": book.version,
            "mutants": len(mutants),
            **{outcome: counts[outcome] for outcome in ("killed", "refused", "equivalent", "survived")},
            "survivors": [
                {
                    "rule": each.rule,
                    "change": each.change,
                    "place": str(each.place),
                    "target": each.target,
                    "values": [_value_or_none(value) for value in each.values],
                    "witness": dict(each.witness or {}),
                }
                for each in survivors
            ],
        }
        write_line(to_json(document))
        return EXIT_NO if survivors else 0
    for each in survivors:
        problem = ", ".join(f"{name}: {_value(value)}" for name, value in (each.witness or {}).items())
        before, after = (_value_or_none(value) for value in each.values)
        note(f"{each.place}  rule {each.rule!r}: no case notices: {each.change}")
        note(f"  {each.target} would be {_shown(after)} instead of {_shown(before)} for the problem {{{problem}}}")
    write_line(
        f"{book.name} {book.version}: {_count(len(mutants), 'mutant')} in {seconds:.1f} s. "
        f"{counts['killed']} killed by cases, {counts['refused']} refused by loading, "
        f"{counts['equivalent']} proven equivalent, {counts['survived']} survived."
    )
    return EXIT_NO if survivors else 0


@rules.command("diff")
def compare_rulebooks(
    old: Annotated[str, typer.Argument(help="A rulebook (name or folder).")],
    new: Annotated[str, typer.Argument(help="Another one.")],
    json: AsJson = False,
) -> None:
    """Say for which problems another rulebook gives other advice, slot by slot."""
    from advisor.inference.regions import compare
    from advisor.knowledge import load_rulebook

    before, after = load_rulebook(old), load_rulebook(new)
    changes = compare(before, after)
    if json:
        document = {
            "old": {"rulebook": before.name, "version": before.version, "sha256": before.sha256},
            "new": {"rulebook": after.name, "version": after.version, "sha256": after.sha256},
            "same": sorted({*before.slots, *after.slots} - {each.slot for each in changes}),
            "slots": [
                {
                    "slot": each.slot,
                    "share": each.share,
                    "changes": [
                        {
                            "old": _value_or_none(part.old),
                            "new": _value_or_none(part.new),
                            "share": part.share,
                            "when": [str(region) for region in part.regions],
                            "witness": dict(part.witness),
                        }
                        for part in each.parts
                    ],
                }
                for each in changes
            ],
        }
        write_line(to_json(document))
        return
    from advisor.interfaces.cli.difference_page import difference_lines

    write_line("\n".join(difference_lines(before, after, changes)))


@rules.command("schema")
def print_schema(
    rulebook: Annotated[str, typer.Argument(metavar="[RULEBOOK]", help="A rulebook (name or folder).")] = "homl2",
    write: Annotated[bool, typer.Option("--write", help="Write the schemas into the rulebook's folder.")] = False,
) -> None:
    """Print the JSON Schema of a rulebook's rule files, by which editors complete names and underline typos.

    With --write, the schemas of its declarations and bibliography are written as well; the first line of each rule file
    leads the YAML language server of an editor to them.
    """
    from advisor.knowledge.editor_schema import RULES_SCHEMA, schemas_of
    from advisor.knowledge.loading import find_folder
    from advisor.storage import write_text

    folder, shown = find_folder(rulebook)
    found = schemas_of(folder)
    if not write:
        write_line(found[folder / RULES_SCHEMA].rstrip("\n"))
        return
    for path, text in found.items():
        write_text(path, text)
    note(f"Wrote {', '.join(sorted(path.name for path in found))} for {shown}.")


def _value_or_none(value: Any) -> Any:
    from advisor.knowledge.generation import GAP

    return {"absent": True} if value is GAP else value


def _shown(value: Any) -> str:
    return "no such slot" if isinstance(value, dict) else _value(value)


def _is_announced(slot: str, value: Any) -> bool:
    elements = value if isinstance(value, tuple) else (value,)
    return slot in NOT_YET and all(each in NOT_YET[slot] for each in elements)


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _vocabulary() -> list[dict[str, Any]]:
    from advisor.problem import FACTS

    return [
        {
            "name": fact.name,
            "title": fact.title,
            "meaning": fact.meaning,
            "allowed": fact.allowed,
            "choices": dict(fact.choice_meanings),
            "required": fact.required,
            "default": fact.default,
            "default_because": fact.default_because,
            "why": fact.why,
        }
        for fact in FACTS.values()
    ]


def _vocabulary_lines() -> Iterator[str]:
    from advisor.problem import FACTS

    for position, fact in enumerate(FACTS.values()):
        if position:
            yield ""
        yield fact.name
        yield from _wrap(fact.meaning)
        if fact.choice_meanings:
            for choice, meaning in fact.choice_meanings.items():
                yield from _wrap(f"{choice}: {meaning}", "    ", "      ")
            if fact.nullable:
                yield from _wrap(f"null: {fact.null_means}", "    ", "      ")
        else:
            yield from _wrap(f"Allowed: {fact.allowed}.")
        if fact.required:
            yield "  Required."
        else:
            default = to_json(fact.default).strip('"')
            yield from _wrap(f"Default: {default}, because {fact.default_because}.")


def _book(book: Rulebook) -> dict[str, Any]:
    return {
        "name": book.name,
        "version": book.version,
        "title": book.title,
        "about": book.about,
        "sha256": book.sha256,
        "layers": dict(book.layers),
        "parameters": {
            name: {"value": each.value, "unit": each.unit, "meaning": each.meaning, "because": each.because}
            for name, each in book.parameters.items()
        },
        "rules": [_rule(book, rule) for rule in book.rules],
    }


def _book_lines(book: Rulebook) -> Iterator[str]:
    yield f"{book.name} {book.version}: {book.title}"
    if book.about:
        yield from _wrap(book.about)
    yield f"  {len(book.rules)} rules, {len(book.parameters)} parameters, {len(book.slots)} slots."
    yield ""
    yield "Layers, from the lowest to the highest"
    for layer, meaning in book.layers.items():
        count = sum(rule.layer == layer for rule in book.rules)
        yield from _wrap(f"{layer}: {meaning} ({count} rules)", "  ", "      ")
    yield ""
    yield "Parameters"
    for each in book.parameters.values():
        unit = f" {each.unit}" if each.unit else ""
        yield from _wrap(f"{each.name} = {_value(each.value)}{unit}: {each.meaning}.", "  ", "      ")
    yield ""
    yield f"Its rules: advisor rules list {book.name}"


def _rule(book: Rulebook, rule: Rule) -> dict[str, Any]:
    return {
        "rule": rule.id,
        "title": rule.title,
        "layer": rule.layer,
        "when": str(rule.when),
        "set": {each.target: each.copy or each.value for each in rule.sets},
        "conclude": {each.target: each.copy or each.value for each in rule.concludes},
        "defeats": list(rule.defeats),
        "defeated_by": _defeaters(book, rule),
        "alternatives": {slot: list(values) for slot, values in rule.alternatives.items()},
        "because": rule.because.strip(),
        "source": [{"work": each.work, "at": each.at} for each in rule.sources],
        "limits": rule.limits.strip(),
        "cases": [{"case": case.name, "given": dict(case.given), "expect": dict(case.expect)} for case in rule.cases],
    }


def _rule_lines(book: Rulebook, rule: Rule) -> Iterator[str]:
    yield rule.id
    yield from _wrap(f"{rule.title}.")
    yield ""
    yield from _wrap(f"Layer: {rule.layer}", after="    ")
    yield from _wrap(f"When: {rule.when}", after="    ")
    for word, assignments in (("Sets", rule.sets), ("Concludes", rule.concludes)):
        for each in assignments:
            value = f"the value of {each.copy}" if each.copy else _value(each.value)
            yield from _wrap(f"{word}: {each.target} = {value}", after="    ")
    for slot, values in rule.alternatives.items():
        yield from _wrap(f"Would do as well: {slot} = {' or '.join(map(_value, values))}", after="    ")
    if rule.defeats:
        yield from _wrap(f"Withdraws: {', '.join(rule.defeats)}", after="    ")
    if defeaters := _defeaters(book, rule):
        yield from _wrap(f"Withdrawn by: {', '.join(defeaters)}", after="    ")
    yield ""
    yield from _wrap(f"Because: {rule.because}", after="    ")
    yield from _wrap(f"Limits: {rule.limits}", after="    ")
    for source in rule.sources:
        yield from _wrap(f"Source: {_citation(book, source)}", after="    ")
    yield ""
    for case in rule.cases:
        given = ", ".join(f"{name}: {_value(value)}" for name, value in case.given.items())
        expected = ", ".join(f"{name}: {_value(value)}" for name, value in case.expect.items())
        yield from _wrap(f"{case.name.capitalize()}: given {given}; expect {expected}", after="    ")


def _defeaters(book: Rulebook, rule: Rule) -> list[str]:
    return [book.rules[position].id for position in book.defeaters[book.positions[rule.id]]]


def _citation(book: Rulebook, source: Source) -> str:
    work = book.bibliography[source.work]
    link = f" {work.link}" if work.link else ""
    return f"{', '.join(work.authors)}: {work.title} ({work.year}), {source.at}.{link}"


def _value(value: Any) -> str:
    from advisor.knowledge.conditions import show

    return show(value)


def _wrap(text: str, first: str = "  ", after: str | None = None) -> list[str]:
    return textwrap.wrap(
        " ".join(text.split()),
        width=page_width(),
        initial_indent=first,
        subsequent_indent=first if after is None else after,
        break_long_words=False,
        break_on_hyphens=False,
    )
