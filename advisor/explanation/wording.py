"""How facts, values and sources are said."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from advisor.problem import FACTS

_END_OF_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z“])")
DECIDED = "decided."


def say_value(value: Any) -> str:
    """Return a value for people: yes and no, thousands separated, lists joined by commas."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.6g}"
    if isinstance(value, list | tuple):
        return ", ".join(map(say_value, value)) or "none"
    return str(value)


def say_fact_value(name: str, value: Any) -> str:
    """Return a fact's value for people, with its unit, and in words when it is null."""
    fact = FACTS.get(name)
    if value is None:
        return fact.null_means if fact and fact.null_means else "unknown"
    words = say_value(value)
    return f"{words} {fact.unit}" if fact and fact.unit and fact.unit not in fact.title.lower() else words


def title_of(name: str, slot_titles: Mapping[str, str]) -> str:
    """Return the name for people of a fact, a derived fact, a computed number, or ``decided.<slot>``."""
    if name.startswith(DECIDED):
        slot = name.removeprefix(DECIDED)
        return slot_titles.get(slot, slot.replace("_", " ").capitalize())
    return FACTS[name].title if name in FACTS else name.replace("_", " ").capitalize()


def say_fact(name: str, value: Any, slot_titles: Mapping[str, str]) -> str:
    """Return one fact with its value, such as ``Sparse model: very_sparse``."""
    return f"{title_of(name, slot_titles)}: {say_fact_value(name, value)}"


def first_sentence(text: str) -> str:
    """Return the first sentence of a text."""
    return _END_OF_SENTENCE.split(text.strip(), maxsplit=1)[0]


OWN = {"judgement": "this project's judgement", "measurement": "measured in this project"}


def say_source(source: Mapping[str, str], works: Mapping[str, Mapping[str, str]]) -> str:
    """Return a source with its place, such as ``HOML2, ch. 11, Table 11-3``."""
    work = works.get(source["work"], {"kind": "", "short": source["work"]})
    name, place = OWN.get(work["kind"], work["short"]), source["at"]
    if not place:
        return name
    return f"{name} ({place})" if work["kind"] in OWN else f"{name}, {place}"


def say_sources(sources: Sequence[Mapping[str, str]], works: Mapping[str, Mapping[str, str]]) -> str:
    """Return sources with their places, separated by semicolons."""
    return "; ".join(say_source(source, works) for source in sources)


def say_main_source(sources: Sequence[Mapping[str, str]], works: Mapping[str, Mapping[str, str]]) -> str:
    """Return the first source, without its place when it's this project's own work."""
    if not sources:
        return ""
    own = OWN.get(works.get(sources[0]["work"], {"kind": ""})["kind"])
    return own if own is not None else say_source(sources[0], works)


def say_list(words: Sequence[str]) -> str:
    """Return words as a person lists them: ``a, b and c``."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else list(words))


def say_shape(values: Mapping[str, Any]) -> str:
    """Return how deep and wide a network is, such as ``3 hidden layers of 100 neurons``; empty when it isn't decided.

    Args:
        values: Slot → value.
    """
    layers = values.get("hidden_layers")
    if not layers:
        return ""
    kind, each = "hidden", f" of {values['units']} neurons" if values.get("units") else ""
    if values.get("convolution", "none") != "none":
        kind, each = "convolutional", f" with {values['filters']} filters at first"
    elif values.get("recurrent_cell", "none") != "none":
        kind, each = values["recurrent_cell"].upper(), f" of {values['recurrent_units']} neurons"
    return f"{layers} {kind} layer{'' if layers == 1 else 's'}{each}"


def say_comparison(requirement: Mapping[str, Any]) -> str:
    """Return a requirement's bound, such as ``at most 2 ms``."""
    unit = "" if requirement["unit"] == "fraction" else f" {requirement['unit']}"
    return f"{requirement['comparison'].replace('_', ' ')} {say_value(requirement['required'])}{unit}"


def say_overridden(entry: Mapping[str, Any]) -> str:
    """Return a value that was replaced, and by what means."""
    means = "was outranked" if entry["how"] == "rebutted" else f"was withdrawn by {entry['by']}"
    return f"{say_value(entry['value'])} ({entry['rule']} {means})"
