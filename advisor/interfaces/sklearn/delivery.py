"""The run folder behind a fitted estimator: delivered at once, or when somebody asks for it."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from pathlib import Path
from typing import Any

from advisor.pipeline import Request, carry_out
from advisor.run import Run, load_run


class Delivery:
    """Where the run of a fitted estimator is, or how it's finished.

    A trained network waits beside a temporary folder; exporting and measuring it takes a few seconds, which a search
    over many fits would waste. The folder goes when the estimator does.
    """

    def __init__(self, request: Request, out: str | Path | None) -> None:
        """Choose the folder; nothing is done yet."""
        self._request: Request | None = request
        self._stays = out is not None
        self.folder = Path(tempfile.mkdtemp(prefix="advisor-")) / "run" if out is None else Path(out)
        if out is None:
            weakref.finalize(self, shutil.rmtree, self.folder.parent, ignore_errors=True)
        self._run: Run | None = None

    def deliver(self, *, resume: bool) -> Run:
        """Finish the run, or train and finish it; an earlier run in the folder is replaced.

        Raises:
            AdvisorError: If the pipeline can't finish it.
        """
        assert self._request is not None
        self._run = carry_out(self._request, self.folder, resume=resume, force=not resume)
        self._request = None
        return self._run

    def run(self) -> Run | None:
        """Return the finished run, finishing it first where that is still to be done; None where it is gone."""
        if self._run is None and self._request is not None:
            return self.deliver(resume=True)
        if self._run is None and self._stays and (self.folder / "manifest.json").is_file():
            self._run = load_run(self.folder)
        return self._run

    def __getstate__(self) -> dict[str, Any]:
        """Return the place of a folder that stays; a temporary one isn't pickled, and neither are data."""
        return {"folder": str(self.folder) if self._stays else None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take up the place."""
        self._request, self._run, self._stays = None, None, state["folder"] is not None
        self.folder = Path(state["folder"] or "")
