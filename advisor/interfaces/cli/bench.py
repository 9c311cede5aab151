"""``advisor bench``: the latency of everything in a run, beside plain Keras ``predict``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from advisor.interfaces.cli.streams import to_json, write_line

if TYPE_CHECKING:
    from advisor.pipeline.benching import Benchmark


def bench(
    run: Annotated[Path, typer.Argument(help="Folder of a finished run.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the timings as JSON.")] = False,
) -> None:
    """Measure the latency of every artefact of a run for 1, 32 and 1,000 rows, beside plain Keras predict."""
    from advisor.framework import load_framework
    from advisor.run import load_run

    opened = load_run(run)
    load_framework()
    from advisor.pipeline import benching

    found = benching.bench(opened)
    write_line(to_json(asdict(found)) if as_json else page(found))


def page(found: Benchmark) -> str:
    """Return the timings as tables for a terminal."""
    lines = [f"Latency on {found.host}, one thread; faster: how many times faster than Keras predict."]
    width = max(len(each.name) for each in found.timings)
    for rows in dict.fromkeys(each.rows for each in found.timings):
        lines += ["", f"{rows:,} row{'s' if rows > 1 else ''} a call"]
        lines.append(f"  {'':<{width}}  {'p50 ms':>10}  {'p99 ms':>10}  {'calls':>6}  {'faster':>9}")
        lines += [
            f"  {each.name:<{width}}  {each.p50_ms:>10.4g}  {each.p99_ms:>10.4g}  {each.calls:>6}  {each.ratio:>8.1f}x"
            for each in found.timings
            if each.rows == rows
        ]
    return "\n".join(lines)
