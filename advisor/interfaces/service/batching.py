"""Many problems, answered in order by several processes, resumable from what is finished."""

from __future__ import annotations

import itertools
import json
import os
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from io import BufferedReader
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from advisor.errors import AdvisorError, DataError, Finding, RequestError, StorageError

LINES_AT_ONCE = 128
MOST_BYTES_OF_A_LINE = 1024 * 1024
AHEAD = 4
"""Chunks that may wait for each process: what is read ahead stays small however large the file is."""

Line = tuple[int, bytes]
Chunk = Sequence[Line]


@dataclass(frozen=True)
class BatchResult:
    """How a batch went.

    Attributes:
        answered: Lines with a recommendation.
        failed: Lines with an error.
        resumed: Lines among them that an earlier, interrupted call had finished.
    """

    answered: int
    failed: int
    resumed: int

    def as_dict(self) -> dict[str, int]:
        """Return the counts by name."""
        return asdict(self)


def answer_line(number: int, text: bytes, rulebook: str) -> bytes:
    """Return the recommendation for a problem as one line of JSON, or the record of what is wrong with it."""
    from advisor.recommendation import recommend

    try:
        if len(text) > MOST_BYTES_OF_A_LINE:
            message = f"the line is too large for a problem: the limit is {MOST_BYTES_OF_A_LINE:,} bytes."
            raise RequestError(Finding("R103", "", message))
        return recommend(text, rulebook).to_json(indent=None).encode() + b"\n"
    except AdvisorError as error:
        findings = error.findings
    except Exception as failure:  # a mistake of the program in one line must not cost the other lines
        message = f"the program failed at this problem: {type(failure).__name__}: {failure}."
        findings = [Finding("R159", "", message, "Please report it with this line.")]
    record: dict[str, Any] = {"error": findings[0].as_dict(), "line": number}
    if findings[1:]:
        record["further_errors"] = [each.as_dict() for each in findings[1:]]
    return json.dumps(record, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n"


def answer_chunk(lines: Chunk, rulebook: str) -> bytes:
    """Return the answers to some lines."""
    return b"".join(answer_line(number, text, rulebook) for number, text in lines)


def answer_all(source: Path, goal: Path, *, rulebook: str, workers: int) -> BatchResult:
    """Answer every problem of a file.

    Args:
        source: JSONL, or a Parquet table.
        goal: JSONL, or a Parquet table; replaced when everything is answered.
        rulebook: Name or folder of the rulebook.
        workers: Processes.

    Raises:
        DataError: If the input can't be read.
        StorageError: If the output can't be written; what is finished is kept for the next call.
    """
    partial, ticket = goal.with_name(f"{goal.name}.partial"), goal.with_name(f"{goal.name}.partial.json")
    order = _order(source, rulebook)
    try:
        goal.parent.mkdir(parents=True, exist_ok=True)
        resumed = _finished_lines(partial, ticket, order)
        if not resumed:
            partial.write_bytes(b"")
            ticket.write_text(json.dumps(order))
        with partial.open("ab") as written:
            lines = itertools.islice(read_lines(source), resumed, None)
            for answers in _answers(_chunks(lines), rulebook, workers):
                written.write(answers)
                written.flush()
            os.fsync(written.fileno())
        answered, failed = _count(partial)
        _finish(partial, goal)
        ticket.unlink()
    except OSError as failure:
        message = f"the file can't be written: {failure.strerror or failure}."
        raise StorageError(
            Finding("S101", str(goal), message, "What is finished is kept: repeat the command to go on.")
        ) from failure
    return BatchResult(answered, failed, resumed)


def read_lines(source: Path) -> Iterator[Line]:
    """Yield the problems of a file with their line (in a table: row) numbers, from 1; empty lines are passed over.

    Raises:
        DataError: If the file can't be read.
    """
    if source.suffix == ".parquet":
        yield from _rows(source)
        return
    with _readable(source) as file:
        for number in itertools.count(1):
            text = file.readline(MOST_BYTES_OF_A_LINE + 1)
            if not text:
                return
            rest = text
            while rest and not rest.endswith(b"\n") and len(rest) > MOST_BYTES_OF_A_LINE:
                rest = file.readline(MOST_BYTES_OF_A_LINE + 1)
            if text.strip():
                yield number, text


def _rows(source: Path) -> Iterator[Line]:
    import polars

    try:
        table = polars.read_parquet(source)
    except (OSError, polars.exceptions.PolarsError) as failure:
        raise DataError(Finding("D101", str(source), f"the table can't be read: {failure}.")) from None
    as_text = table.schema.get("problem") == polars.String
    for number, row in enumerate(table.iter_rows(named=True), start=1):
        if as_text:
            yield number, (row["problem"] or "null").encode()
        else:
            given = {name: value for name, value in row.items() if value is not None}
            yield number, json.dumps(given, default=str).encode()


@contextmanager
def _readable(source: Path) -> Iterator[BufferedReader]:
    try:
        file = source.open("rb")
    except OSError as failure:
        message = f"the file can't be read: {failure.strerror or failure}."
        raise DataError(Finding("D101", str(source), message, "Give a file with one problem a line.")) from None
    with file:
        yield file


def _order(source: Path, rulebook: str) -> dict[str, str]:
    """Return what the answers depend on, to recognize the finished part of the same batch."""
    import hashlib

    from advisor.knowledge import load_rulebook

    with _readable(source) as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"input_sha256": digest, "rulebook_sha256": load_rulebook(rulebook).sha256}


def _finished_lines(partial: Path, ticket: Path, order: dict[str, str]) -> int:
    """Return how many lines an earlier call finished; a last line that was cut off is dropped."""
    try:
        if json.loads(ticket.read_text()) != order:
            return 0
        with partial.open("r+b") as file:
            lines, whole = 0, 0
            for line in file:
                if line.endswith(b"\n"):
                    lines, whole = lines + 1, whole + len(line)
            file.truncate(whole)
    except (FileNotFoundError, ValueError):
        return 0
    return lines


def _chunks(lines: Iterable[Line]) -> Iterator[Chunk]:
    waiting = iter(lines)
    while chunk := tuple(itertools.islice(waiting, LINES_AT_ONCE)):
        yield chunk


def _answers(chunks: Iterator[Chunk], rulebook: str, workers: int) -> Iterator[bytes]:
    """Yield the answers to chunks in their order; little work stays in this process."""
    first = tuple(itertools.islice(chunks, 2))
    chunks = itertools.chain(first, chunks)
    if workers == 1 or len(first) < 2:
        for chunk in chunks:
            yield answer_chunk(chunk, rulebook)
        return
    with ProcessPoolExecutor(workers, get_context("spawn"), initializer=_leave_interrupts_to_the_parent) as pool:
        waiting: deque[Future[bytes]] = deque()
        try:
            for chunk in chunks:
                waiting.append(pool.submit(answer_chunk, chunk, rulebook))
                if len(waiting) >= workers * AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        except BrokenProcessPool:
            message = "a process that answered problems was ended from outside, such as for lack of memory."
            hint = "What is finished is kept: repeat the command, with fewer --workers."
            raise StorageError(Finding("R152", "--workers", message, hint)) from None
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _leave_interrupts_to_the_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _count(partial: Path) -> tuple[int, int]:
    lines = failed = 0
    with partial.open("rb") as file:
        for line in file:
            lines += 1
            failed += line.startswith(b'{"error":')
    return lines - failed, failed


def _finish(partial: Path, goal: Path) -> None:
    if goal.suffix != ".parquet":
        os.replace(partial, goal)
        return
    from advisor.storage import write_with

    write_with(goal, _parquet_of(partial))
    partial.unlink()


def _parquet_of(partial: Path) -> Callable[[Path], object]:
    """Return what writes the answers as a table: the recommendation as JSON text, or the first error's parts."""
    import polars

    names = ("code", "place", "message", "hint")
    columns: dict[str, list[str | None]] = {"recommendation": [], **{f"error_{name}": [] for name in names}}
    with partial.open(encoding="utf-8") as file:
        for line in file:
            error = json.loads(line)["error"] if line.startswith('{"error":') else None
            columns["recommendation"].append(None if error else line.rstrip("\n"))
            for name in names:
                columns[f"error_{name}"].append(error[name] if error else None)
    table = polars.DataFrame(columns, schema=dict.fromkeys(columns, polars.String))
    return table.write_parquet
