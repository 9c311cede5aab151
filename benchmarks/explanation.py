"""How long questions about a recommendation take: why, why not, what if, counterfactuals.

Run with ``python -m benchmarks.explanation [rulebook]``.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from advisor.explanation import certify, counterfactual, decision_graph_svg, explain, given_up, what_if, why, why_not
from advisor.explanation.asking import values_of
from advisor.explanation.changing import space_of
from advisor.inference import compiled
from advisor.knowledge import load_rulebook
from advisor.recommendation import Recommendation, recommend

SCENARIOS = Path(__file__).parents[1] / "tests" / "scenarios"
CHANGES = ({"latency_budget_ms": 1.0}, {"risk_sensitive": True}, {"hidden_layers": 8}, {"architecture": "residual"})


def measured(questions: list[Callable[[], Any]]) -> tuple[float, float, float, int]:
    """Return median, 95th percentile and maximum in milliseconds of asking each question once, and their number."""
    times = []
    for question in questions:
        start = time.perf_counter()
        question()
        times.append((time.perf_counter() - start) * 1e3)
    times.sort()
    return statistics.median(times), times[int(len(times) * 0.95)], times[-1], len(times)


def main(rulebook: str = "homl2") -> None:
    """Print a table of medians over all scenarios, slots and values.

    Args:
        rulebook: Name of the rulebook.
    """
    book = load_rulebook(rulebook)
    compiled(book)
    problems = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(SCENARIOS.glob("*/problem.json"))]
    known = [(recommend(each, book), each) for each in problems]
    some = [found for found, _ in known]
    pairs = [(slot, value) for slot in book.slots for value in values_of(book, slot)]

    def fresh() -> list[Recommendation]:
        return [recommend(each, book) for each in problems]

    for found in some:
        found.to_json()
    rows = [
        ("why", measured([lambda r=r, s=s: str(why(r, s)) for r in some for s in r.values])),
        ("why not", measured([lambda r=r, s=s, v=v: str(why_not(r, s, v)) for r in some for s, v in pairs])),
        ("what if", measured([lambda r=r, c=c: str(what_if(r, c)) for r in fresh() for c in CHANGES])),
    ]
    space_of(book)[1].clear()
    rows.append(
        (
            "counterfactual, first of its slot",
            measured([lambda s=s: counterfactual(some[0], s, values_of(book, s)[0]) for s in book.slots]),
        )
    )
    asked = [lambda r=r, s=s, v=v: str(counterfactual(r, s, v)) for r in some for s, v in pairs]
    rows += [
        ("counterfactual", measured(asked)),
        ("given up", measured([lambda r=r: str(given_up(r)) for r in some])),
        ("certificate", measured([lambda r=r: certify(r) for r in some])),
        ("graph", measured([lambda r=r: decision_graph_svg(r.document) for r in some])),
        ("whole explanation", measured([lambda r=r: str(explain(r)) for r in some])),
    ]
    print(f"Rulebook {book.name} {book.version}, {len(book.rules)} rules, {len(some)} problems.")
    print("Milliseconds for an answer with its text, each question asked once.")
    print()
    print("| question | median | 95th percentile | maximum | asked |")
    print("|---|---|---|---|---|")
    for name, (median, late, most, number) in rows:
        print(f"| {name} | {median:.2f} | {late:.2f} | {most:.2f} | {number:,} |")


if __name__ == "__main__":
    main(*sys.argv[1:2])
