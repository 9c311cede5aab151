"""Where a run is made: beside its final place, so that a failed or killed run never harms an earlier result."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from advisor.errors import Finding, RequestError, StorageError
from advisor.storage import write_json

INPUTS = "inputs.json"


@dataclass(frozen=True)
class Workplace:
    """The folder in which a run grows and the folder that it becomes.

    Attributes:
        final: Where the finished run will be.
        partial: Where it grows; it is renamed to ``final`` once everything is measured.
        resumed: Whether an unfinished run is being continued.
    """

    final: Path
    partial: Path
    resumed: bool

    @property
    def checkpoints(self) -> Path:
        """Folder of the checkpoints, one subfolder a trial."""
        return self.partial / "checkpoints"

    def bind(self, inputs: dict[str, Any]) -> None:
        """Record what this run is made from, or check that a resumed run is made from the same.

        Args:
            inputs: JSON-ready digests and settings.

        Raises:
            RequestError: If the unfinished run was begun with other inputs.
        """
        path = self.partial / INPUTS
        if path.exists():
            before = json.loads(path.read_text(encoding="utf-8"))
            changed = sorted(key for key in {*before, *inputs} if before.get(key) != inputs.get(key))
            if changed:
                raise RequestError(
                    Finding(
                        "R121",
                        str(self.partial),
                        f"the unfinished run was begun with other inputs ({', '.join(changed)} changed).",
                        "Repeat the first command with --resume, or begin anew with --force.",
                    )
                )
        else:
            write_json(path, inputs)

    def finish(self) -> None:
        """Put the finished run in its place; an earlier run leaves only now."""
        old = self.final.with_name(f".{self.final.name}.old")
        shutil.rmtree(old, ignore_errors=True)
        if self.final.exists():
            os.replace(self.final, old)
        os.replace(self.partial, self.final)
        shutil.rmtree(old, ignore_errors=True)


def is_finished(folder: Path) -> bool:
    """Return whether a folder holds a finished run."""
    return (folder / "manifest.json").is_file()


@contextmanager
def open_workplace(out: Path, *, resume: bool, force: bool) -> Iterator[Workplace]:
    """Make the folder in which a run grows, and let nobody else work in it meanwhile.

    Args:
        out: The folder that the user named.
        resume: Continue an unfinished run if there is one.
        force: Replace an earlier run (once the new one is finished) and discard an unfinished one.

    Yields:
        The workplace.

    Raises:
        RequestError: If the folder is not empty, or an unfinished run is there, and neither flag says what to do;
            or if another process is at work on it.
        StorageError: If the folder can't be made.
    """
    out = Path(out).resolve()
    partial = out.with_name(f"{out.name}.partial")
    if out.is_file():
        raise RequestError(
            Finding("R122", str(out), "the run folder's name is taken by a file.", "Choose another --out.")
        )
    if out.is_dir() and any(out.iterdir()) and not force:
        what = "holds a finished run" if is_finished(out) else "is not empty"
        raise RequestError(
            Finding("R123", str(out), f"the run folder {what}.", "Choose another --out, or replace it with --force.")
        )
    try:
        if partial.exists() and not resume:
            if not force and any(partial.iterdir()):
                raise RequestError(
                    Finding(
                        "R124",
                        str(partial),
                        "an unfinished run is here.",
                        "Continue it with --resume, or begin anew with --force.",
                    )
                )
            shutil.rmtree(partial)
        resumed = partial.exists() and (partial / INPUTS).exists()
        partial.mkdir(parents=True, exist_ok=True)
        handle = os.open(partial / ".lock", os.O_CREAT | os.O_RDWR, 0o644)
    except OSError as error:
        raise StorageError(
            Finding("S102", str(out), f"the run folder can't be made: {error.strerror}.", "Choose another --out.")
        ) from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
                raise
            raise RequestError(
                Finding(
                    "R125",
                    str(partial),
                    "another process is at work on this run.",
                    "Wait for it, or choose another --out.",
                )
            ) from error
        workplace = Workplace(final=out, partial=partial, resumed=resumed)
        begun = False
        try:
            yield workplace
            begun = True
        finally:
            if not begun and partial.exists() and not any(partial.rglob("*.npz")) and not resumed:
                shutil.rmtree(partial, ignore_errors=True)
    finally:
        os.close(handle)
