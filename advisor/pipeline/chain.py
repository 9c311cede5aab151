"""The whole way: data and words in, a finished and measured run folder out."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from advisor.errors import Finding, RequestError
from advisor.framework import load_framework
from advisor.pipeline.compressing import compress
from advisor.pipeline.delivery import Delivered, deliver
from advisor.pipeline.device import DeviceProfile
from advisor.pipeline.documents import write_documents
from advisor.pipeline.fitting import Fitted, fit
from advisor.pipeline.preparation import Prepared, Request, inputs_of, prepare
from advisor.pipeline.progress import Progress, Silent
from advisor.pipeline.uncertain import set_aside, with_uncertainty
from advisor.pipeline.workplace import INPUTS, is_finished, open_workplace
from advisor.run import Run, load_run, read_json

SEEDS = 2**32
EXPORTS = ("keras", "saved_model", "litert", "onnx")


def carry_out(
    request: Request, out: str | Path, *, resume: bool = False, force: bool = False, progress: Progress | None = None
) -> Run:
    """Carry out a request: prepare, decide, train, export, measure, write down.

    The run grows in a folder beside ``out`` and takes its place when it is finished. With ``resume``, a finished run
    of the same request is returned as it is, and an unfinished one goes on where it stopped, with the same result.

    Args:
        request: What the user asked for.
        out: The run folder.
        resume: Go on with an unfinished run.
        force: Replace an earlier run, once the new one is finished.
        progress: Is told of everything that happens.

    Returns:
        The finished run.

    Raises:
        AdvisorError: Anything that keeps the run from being finished; an earlier run is left as it was.
        Interrupted: If the user stopped it.
    """
    listener = progress if progress is not None else Silent()
    if not 0 <= request.seed < SEEDS:
        raise RequestError(Finding("R126", "--seed", f"the seed is {request.seed}; allowed are 0 to {SEEDS - 1}."))
    if request.time_budget is not None and request.time_budget <= 0:
        raise RequestError(
            Finding("R127", "--time-budget", f"the time budget is {request.time_budget:g} s; it must be above 0.")
        )
    unknown = sorted(set(request.exports) - set(EXPORTS))
    if unknown:
        allowed = ", ".join(EXPORTS)
        raise RequestError(Finding("R133", "--export", f"there is no format {unknown[0]!r}; allowed: {allowed}."))
    profile = None if request.device_profile is None else DeviceProfile.read(request.device_profile)
    target = Path(out).resolve()
    if resume and not force and is_finished(target):
        listener.stage("Reading", "the data, to see whether the finished run is of the same request")
        _check_same(target, prepare(request))
        listener.stage("Nothing to do", f"the run in {target} is finished and of the same request")
        return load_run(target)
    with open_workplace(target, resume=resume, force=force) as workplace:
        listener.stage("Reading", "the data")
        prepared = prepare(request)
        workplace.bind(inputs_of(prepared))
        listener.prepared(prepared)
        prepared, calibration = set_aside(prepared, listener)
        load_framework()
        listener.stage("Training", "")
        fitted: Fitted = fit(
            prepared,
            checkpoints=workplace.checkpoints,
            logs=workplace.partial / "logs",
            resume=workplace.resumed,
            progress=listener,
        )
        compressed = compress(
            prepared,
            fitted,
            workplace.partial,
            workplace.checkpoints,
            listener,
            profile=profile,
            resume=workplace.resumed,
        )
        fitted = compressed.fitted
        delivered: Delivered = deliver(prepared, fitted, workplace.partial, listener, compressed)
        delivered, fitted = with_uncertainty(prepared, fitted, delivered, calibration, workplace.partial, listener)
        for leftover in (workplace.partial / INPUTS, workplace.partial / ".lock"):
            leftover.unlink(missing_ok=True)
        write_documents(prepared, fitted, delivered, workplace.partial, target.name)
        workplace.finish()
    return load_run(target)


def _check_same(folder: Path, prepared: Prepared) -> None:
    before: dict[str, Any] = read_json(folder / "manifest.json").get("inputs", {})
    now = inputs_of(prepared)
    changed = sorted(key for key in {*before, *now} if before.get(key) != now.get(key))
    if changed:
        raise RequestError(
            Finding(
                "R121",
                os.fspath(folder),
                f"the finished run is of another request ({', '.join(changed)} changed).",
                "Choose another --out, or replace it with --force.",
            )
        )
