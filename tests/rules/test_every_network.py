"""Every distinct network that a shipped rulebook can recommend is built and run forward once.

Networks are told apart by what the builder sees: the architecture, the kind of data, and every slot of the network with
its value. Widths are made small; how wide a layer is changes no path through the builder. Body and output layer are
built apart from each other, so each body is built with one output layer in turn; ``ADVISOR_ALL_NETWORKS=1`` builds
every body with every output layer (some minutes).
"""

from __future__ import annotations

import os
from functools import cache
from typing import Any

import numpy as np
import pytest

from advisor.artifacts import InputSpec
from advisor.builder import build_core, fit_statistics
from advisor.data.encoding import EncodedColumn
from advisor.data.text_tokens import TextCodes, Vocabulary
from advisor.knowledge import list_rulebooks, load_rulebook
from advisor.recommendation.capabilities import ARCHITECTURES
from advisor.recommendation.plan import NETWORK_SLOTS
from tests.rules.combinations import combinations

pytestmark = pytest.mark.slow

FACTS = ("architecture", "data_kind", "task")
SLOTS = (*NETWORK_SLOTS, "regularization", "dropout", "augmentation", "input_normalization", "target_scaling")
OUTPUT = {"task", "output_activation", "target_scaling"}
SMALL = {"units": 3, "filters": 2, "kernel_size": 3, "recurrent_units": 2, "embedding_size": 2}
SMALL |= {"batch_normalization_momentum": 0.9, "categorical_encoding_limit": 2}
FLAT = ("dense_stack", "wide_and_deep", "residual")
"""Architectures that see a picture as the row of its pixels: their bodies don't differ by the kind of data."""
OUTPUTS = {"binary": 1, "multiclass": 3, "multilabel": 2, "regression": 1, "forecasting": 4}  # 2 steps, 2 channels
WORDS = Vocabulary(("a", "film", "good", "bad"), (" a", "a good"), 6, ("a", "fi", "go"), 2)
TEXTS = ("a good film", "a bad film", "good", "")
SPECS = {
    "table": InputSpec(
        "table",
        (4,),
        (
            *(EncodedColumn(f"x{k}", f"x{k}", "numeric") for k in range(3)),
            EncodedColumn("c", "c", "code", cardinality=6),
        ),
    ),
    "image": InputSpec("image", (6, 5, 1)),
    "series": InputSpec("series", (4, 2), details={"channels": ["u", "v"]}),
    "forecast": InputSpec("series", (4, 2), details={"channels": ["u", "v"], "horizon": 2, "segment": 2, "season": 0}),
    "text": InputSpec(
        "text", (6, 3), details={"column": "text", **{name: list(each) for name, each in WORDS.kinds.items()}}
    ),
}

Network = tuple[tuple[str, Any], ...]


@cache
def networks(rulebook: str) -> dict[str, tuple[tuple[Network, Network], ...]]:
    """Return architecture and kind of data → the distinct (body, output layer) that this version carries out."""
    book = load_rulebook(rulebook)
    slots = [slot for slot in SLOTS if slot in book.slots]
    found: dict[str, set[tuple[Network, Network]]] = {}
    for row in combinations(book, FACTS, slots):
        values = dict(zip((*FACTS, *slots), row, strict=True))
        values |= {slot: number for slot, number in SMALL.items() if slot in values}
        architecture, kind = values["architecture"], values["data_kind"]
        if kind == "table" and architecture == "recurrent":
            kind = "series"  # no rule tells a table from a series, so one stands for both
        if kind not in ARCHITECTURES[architecture]:
            continue
        values["data_kind"] = kind
        body = tuple((name, value) for name, value in values.items() if name not in OUTPUT)
        for task in (
            ("regression", "forecasting") if (values["task"], kind) == ("regression", "series") else (values["task"],)
        ):
            # no rule tells a forecast from a regression here, so one stands for both
            output = tuple(
                (name, task if name == "task" else value) for name, value in values.items() if name in OUTPUT
            )
            found.setdefault(f"{architecture} on {kind}", set()).add((body, output))
    return {name: tuple(sorted(members, key=repr)) for name, members in found.items()}


def chosen(
    name: str, members: tuple[tuple[Network, Network], ...], seen: set[Network]
) -> list[tuple[Network, Network]]:
    """Return every body with one output layer in turn, and every output layer; bodies seen before are left out."""
    if os.environ.get("ADVISOR_ALL_NETWORKS"):
        return list(members)
    by_body: dict[Network, list[Network]] = {}
    for body, output in members:
        by_body.setdefault(body, []).append(output)
    picked = {}
    for number, (body, outputs) in enumerate(by_body.items()):
        same = tuple(each for each in body if each[0] != "data_kind") if name.startswith(FLAT) else body
        if same not in seen or number < len(OUTPUTS):
            seen.add(same)
            picked[body] = outputs[number % len(outputs)]
    missing = {output for _, output in members} - set(picked.values())
    return [*picked.items(), *(next(pair for pair in members if pair[1] == output) for output in missing)]


@pytest.mark.parametrize("rulebook", list_rulebooks())
def test_every_network_is_built_and_answers(rulebook: str, built: set[Network]) -> None:
    counts = {}
    for name, members in networks(rulebook).items():
        todo = chosen(name, members, built)
        counts[name] = (len({body for body, _ in members}), len(members), len(todo))
        for body, output in todo:
            answer(dict(body), dict(output))
    print(rulebook, counts)
    assert set(counts) == {f"{name} on {kind}" for name, kinds in ARCHITECTURES.items() for kind in kinds}


@pytest.fixture(scope="module")
def built() -> set[Network]:
    return set()


def answer(body: dict[str, Any], output: dict[str, Any]) -> None:
    """Build a network, let it predict four rows, and check what comes out."""
    values = {**body, **output, "regularization_strengths": [0.01], "dropout_rates": [0.1]}
    values["categorical_encoding_limit"] = SMALL["categorical_encoding_limit"]
    task, outputs = output["task"], OUTPUTS[output["task"]]
    spec = SPECS["forecast" if task == "forecasting" else body["data_kind"]]
    x = np.random.default_rng(0).normal(size=(4, *spec.shape)).astype(np.float32)
    if spec.kind == "table":
        x[:, 3] = [2, 3, 4, 5]
    if spec.kind == "text":
        x = TextCodes(WORDS).encode(TEXTS)
    y = np.arange(1.0, 4 * outputs + 1, dtype=np.float32).reshape(4, outputs)
    y = y if task in ("regression", "forecasting") else None
    statistics = fit_statistics(
        x, spec, y, task, values.get("target_scaling", "none"), output_activation=output["output_activation"]
    )
    core = build_core(values, spec, statistics, task=task, outputs=outputs, seed=1, architecture=body["architecture"])
    answers = np.asarray(core(x))
    assert answers.shape == (4, outputs), values
    assert np.isfinite(answers).all(), values
