"""Reads a data set in a process of its own: what its columns are, and what they say about a problem.

A file that somebody sent may be made to use up memory or time, so the server never opens it: it starts this module,
``python -m advisor.interfaces.service.jobs.inspecting``, writes one JSON document to its standard input, and reads one
from its standard output.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from advisor.errors import AdvisorError, DataError, Finding
from advisor.interfaces.service.jobs.limits import limit_this_process

MOST_COLUMNS = 2000
"""Columns of which the answer tells; a table may have more."""
NEAR_THE_LIMIT = 0.8
"""Share of the allowed address space from which a failure is taken for one of memory."""


def profile_of(path: Path, target: str | None, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a data set says, JSON-ready.

    Args:
        path: The file.
        target: The column to predict; None leaves it to inference.
        options: ``data_kind``, ``task`` and fields of :class:`advisor.data.SourceOptions`.

    Returns:
        ``kind``, ``rows``, ``columns``, ``target``, ``task``, ``facts``, ``how`` and ``notes``. Without a target of
        its own, a table that can't be used with the guessed one has no target, task and facts.

    Raises:
        DataError: If the data can't be read, or not be used with what was said.
    """
    from advisor.data import profile, read_table

    said = {name: value for name, value in options.items() if name != "data_kind"}
    try:
        found = profile(path, target, kind=options.get("data_kind"), **said)
    except DataError as error:
        if target is not None or said or path.suffix == ".zip":
            raise
        frame = read_table(path, labeled=False)
        described = [
            {"name": name, "kind": "", "role": "", "missing": "", "values": "", "note": ""} for name in frame.columns
        ]
        return {
            "kind": "table",
            "rows": frame.height,
            "columns": described[:MOST_COLUMNS],
            "target": None,
            "task": None,
            "facts": {},
            "how": {},
            "notes": [finding.message for finding in error.findings],
        }
    schema = found.schema
    counted = int(found.facts.get("labeled_rows", 0)) + int(found.facts.get("unlabeled_rows", 0))
    columns = [{("name" if key == "column" else key): text for key, text in row.items()} for row in schema.describe()]
    return {
        "kind": found.kind,
        "rows": int(getattr(schema, "rows", counted)),
        "columns": columns[:MOST_COLUMNS],
        "target": schema.target.name,
        "task": schema.target.task,
        "facts": dict(found.facts),
        "how": dict(found.how),
        "notes": list(found.notes),
    }


def _has_used(address_bytes: int) -> bool:
    """Tell whether this process has come near its limit; a reader that gets no memory may call the file damaged."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    peak = next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmPeak"))
    return peak > NEAR_THE_LIMIT * address_bytes


def main() -> None:
    """Answer one question about one file."""
    asked = json.loads(sys.stdin.buffer.read())
    limit_this_process(cpu_seconds=asked["cpu_seconds"], address_bytes=asked["address_bytes"])
    answer: dict[str, Any]
    try:
        answer = {"profile": profile_of(Path(asked["path"]), asked["target"], asked["options"])}
    except (AdvisorError, MemoryError) as error:
        findings = list(error.findings) if isinstance(error, AdvisorError) else []
        if not findings or _has_used(asked["address_bytes"]):
            message = "reading the data takes more memory than the service allows."
            findings = [Finding("J110", asked["path"], message, "Send less.")]
        answer = {"findings": [finding.as_dict() for finding in findings]}
    sys.stdout.write(json.dumps(answer))
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
