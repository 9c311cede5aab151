"""Uploads: written to the data folder piece by piece, counted, and read by a process of its own before they count."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import re
import secrets
import shutil
import signal
import time
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

from advisor.errors import Finding
from advisor.interfaces.service.jobs.children import start_child
from advisor.interfaces.service.jobs.limits import JobLimits, end_group
from advisor.interfaces.service.jobs.records import FORMATS, IDENTITY, Dataset, JobError
from advisor.interfaces.service.jobs.store import Store

_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]+")
_INCOMING = ".incoming-"
WALL_TIMES = 3
"""Wall time that reading may take, in multiples of its processor time: other processes want the cores too."""
LEAST_FREE_BYTES = 512 * 1024**2
"""Room on the disk that an upload must leave."""


def safe_name(name: str | None, form: str) -> str:
    """Return a file name with the ending of a format, made from what somebody called a file.

    Examples:
        >>> safe_name("../My houses.CSV", "csv")
        'My-houses.csv'
        >>> safe_name(None, "zip")
        'data.zip'
    """
    stem = re.split(r"[/\\]", name or "")[-1]
    if stem.lower().endswith(f".{form}"):
        stem = stem[: -len(form) - 1]
    return (_UNSAFE.sub("-", stem).strip(".-")[:60] or "data") + f".{form}"


class Datasets:
    """The data sets of one service."""

    def __init__(self, folder: Path, store: Store, limits: JobLimits) -> None:
        """Keep data sets in a folder; what an earlier server left half done is removed.

        Args:
            folder: The folder; it is made when it isn't there.
            store: Knows which data sets there are.
            limits: What is accepted.
        """
        self._folder = folder
        self._store = store
        self._limits = limits
        self._turns = asyncio.Semaphore(limits.most_inspections)
        folder.mkdir(parents=True, exist_ok=True)
        known = {each.id for each in store.datasets()}
        for item in folder.iterdir():
            is_ours = item.name.startswith(_INCOMING) or IDENTITY.fullmatch(item.name)
            if is_ours and item.name not in known:
                shutil.rmtree(item, ignore_errors=True)

    def path_of(self, dataset: Dataset) -> Path:
        """Return where a data set lies."""
        return self._folder / dataset.id / dataset.name

    async def add(self, chunks: AsyncIterator[bytes], form: str | None, name: str | None, key: str | None) -> Dataset:
        """Take an upload in; see :meth:`advisor.interfaces.service.jobs.service.JobService.add_dataset`."""
        if form is None:
            form, chunks = await _recognized(chunks, name)
        if form not in FORMATS:
            message = f"there is no format {form[:40]!r}."
            raise JobError(422, Finding("J111", "format", message, f"Formats: {', '.join(FORMATS)}."))
        self._check_room()
        incoming = self._folder / f"{_INCOMING}{secrets.token_hex(8)}"
        incoming.mkdir()
        try:
            path = incoming / safe_name(name, form)
            size, digest = await self._receive(chunks, path)
            before = self._store.dataset_of_key(key) if key is not None else None
            if before is not None:
                if (before.sha256, before.format, before.name) == (digest, form, path.name):
                    return before
                message = "this key was used for another upload."
                raise JobError(409, Finding("R171", "Idempotency-Key", message, "Use a new key."))
            profile = await self.inspect(path, None, {})
            if profile["rows"] > self._limits.most_rows:
                message = f"the data have {profile['rows']:,} rows; allowed are {self._limits.most_rows:,}."
                raise JobError(413, Finding("J112", "", message, "Send a sample of the rows."))
            self._check_room()
            dataset = Dataset(secrets.token_hex(16), path.name, form, size, digest, time.time(), profile)
            os.replace(incoming, self._folder / dataset.id)
            self._store.add_dataset(dataset, key)
        finally:
            shutil.rmtree(incoming, ignore_errors=True)
        return dataset

    def _check_room(self) -> None:
        limits = self._limits
        message = ""
        if self._store.count_datasets() >= limits.most_datasets:
            message = f"the service keeps {limits.most_datasets} data sets already."
        elif self._store.stored_bytes() >= limits.most_stored_bytes:
            message = f"data sets and runs take up the {limits.most_stored_bytes:,} bytes that the service may keep."
        elif shutil.disk_usage(self._folder).free < LEAST_FREE_BYTES + limits.most_upload_bytes:
            message = "the disk of the service is full."
        if message:
            hint = "Remove data sets that are not needed any more: DELETE /v1/datasets/{id}"
            raise JobError(507, Finding("J113", "", message, hint))

    async def _receive(self, chunks: AsyncIterator[bytes], path: Path) -> tuple[int, str]:
        digest, size = hashlib.sha256(), 0
        late = JobError(408, Finding("R166", "", "the body did not arrive in time."))
        with path.open("wb") as handle:
            try:
                async with asyncio.timeout(self._limits.upload_seconds):
                    async for chunk in _without_pauses(chunks, self._limits.idle_seconds):
                        size += len(chunk)
                        if size > self._limits.most_upload_bytes:
                            raise too_large(self._limits)
                        digest.update(chunk)
                        await asyncio.to_thread(handle.write, chunk)
            except TimeoutError:
                raise late from None
            handle.flush()
            await asyncio.to_thread(os.fsync, handle.fileno())
        return size, digest.hexdigest()

    async def inspect(self, path: Path, target: str | None, options: Mapping[str, Any]) -> dict[str, Any]:
        """Return what a file says; see :func:`.inspecting.profile_of`.

        Raises:
            JobError: If the file can't be used, or reading it takes too much.
        """
        limits = self._limits
        asked = {
            "path": path.name,
            "target": target,
            "options": dict(options),
            "cpu_seconds": limits.inspection_seconds,
            "address_bytes": limits.inspection_bytes,
        }
        async with self._turns:
            # Polars and numpy keep room for each thread; two are enough to read with.
            child = await start_child(
                "inspecting",
                path.parent,
                DEVNULL,
                POLARS_MAX_THREADS="2",
                OMP_NUM_THREADS="1",
                OPENBLAS_NUM_THREADS="1",
            )
            try:
                async with asyncio.timeout(WALL_TIMES * limits.inspection_seconds):
                    output, _ = await child.communicate(json.dumps(asked).encode())
            except TimeoutError:
                output = b""
            finally:
                end_group(child.pid, signal.SIGKILL)
        try:
            answer = json.loads(output)
        except ValueError:
            message = "reading the data takes more memory or time than the service allows."
            raise JobError(413, Finding("J110", path.name, message, "Send less.")) from None
        if "findings" in answer:
            findings = [Finding(**each) for each in answer["findings"]]
            status = 413 if findings[0].code in ("J110", "D113") else 409
            raise JobError(status, *findings)
        found: dict[str, Any] = answer["profile"]
        return found

    def remove(self, dataset: Dataset) -> None:
        """Remove a data set.

        Raises:
            JobError: If a job that is not over needs it.
        """
        if not self._store.remove_dataset(dataset.id):
            message = "a job that is not over needs this data set."
            raise JobError(409, Finding("J114", "", message, "Cancel the job first, or wait for it."))
        shutil.rmtree(self._folder / dataset.id, ignore_errors=True)


def too_large(limits: JobLimits) -> JobError:
    """Return the refusal of an upload with too many bytes."""
    message = f"the data are larger than {limits.most_upload_bytes:,} bytes."
    return JobError(413, Finding("J112", "", message, "Send a sample of the rows, or Parquet."))


def format_of(name: str | None, start: bytes) -> str:
    """Return the format of a file, by the ending of its name, or else by its first bytes; CSV is what is left.

    Examples:
        >>> format_of("houses.parquet", b""), format_of(None, b"PAR1"), format_of("x.txt", b"a;b")
        ('parquet', 'parquet', 'csv')
    """
    ending = (name or "").rpartition(".")[2].lower()
    if ending in FORMATS:
        return ending
    if start.startswith(b"PK\x03\x04"):
        return "npz" if start[30:].split(b".npy")[0] in (b"X", b"y", b"split") else "zip"
    signs = {b"PAR1": "parquet", b"ARROW1": "arrow", b"{": "jsonl"}
    return next((form for sign, form in signs.items() if start.startswith(sign)), "csv")


async def _recognized(chunks: AsyncIterator[bytes], name: str | None) -> tuple[str, AsyncIterator[bytes]]:
    start = await anext(chunks, b"")

    async def whole() -> AsyncIterator[bytes]:
        yield start
        async for chunk in chunks:
            yield chunk

    return format_of(name, start), whole()


async def _without_pauses(chunks: AsyncIterator[bytes], seconds: float) -> AsyncIterator[bytes]:
    """Pass pieces on, as long as none lets itself be waited for."""
    while True:
        try:
            chunk = await asyncio.wait_for(anext(chunks), seconds)
        except StopAsyncIteration:
            return
        yield chunk
