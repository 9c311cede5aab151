"""The whole way: data and words in, a finished and measured run folder out."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from advisor.errors import Finding, RequestError
from advisor.export.manifest import check_manifest, versions
from advisor.framework import load_framework
from advisor.pipeline.clock import Clock
from advisor.pipeline.compressing import compress, settle
from advisor.pipeline.delivery import Delivered, deliver
from advisor.pipeline.device import DeviceProfile
from advisor.pipeline.documents import write_documents
from advisor.pipeline.fitting import Fitted, fit
from advisor.pipeline.leveraging import check_reuse, leverage
from advisor.pipeline.preparation import Prepared, Request, inputs_of, prepare
from advisor.pipeline.progress import Progress, Silent
from advisor.pipeline.uncertain import set_aside, with_uncertainty
from advisor.pipeline.workplace import INPUTS, Workplace, is_finished, open_workplace
from advisor.run import Run, load_run, read_json

SEEDS = 2**32
EXPORTS = ("keras", "saved_model", "litert", "onnx")


def carry_out(
    request: Request, out: str | Path, *, resume: bool = False, force: bool = False, progress: Progress | None = None
) -> Run:
    """Carry out a request: prepare, decide, train, export, measure, write down.

    The run grows in a folder beside ``out`` and takes its place when it is finished. A finished run of the same
    request (data, problem, rulebook, seed and versions) is returned as it is, whether or not ``resume`` is said; with
    it, an unfinished one goes on where it stopped, with the same result.

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
    check_request(request)
    profile = None if request.device_profile is None else DeviceProfile.read(request.device_profile)
    target = Path(out).resolve()
    if not force and is_finished(target):
        listener.stage("Reading", "the data, to see whether the finished run is of the same request")
        _check_same(target, prepare(request), resume=resume)
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
        fitted = _fit(prepared, workplace, listener)
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


def train_network(request: Request, out: str | Path, *, progress: Progress | None = None) -> tuple[Prepared, Fitted]:
    """Do the first half of :func:`carry_out`: prepare, decide, train; nothing is exported or measured.

    What was trained waits beside ``out``: :func:`carry_out` with ``resume`` delivers it without training again.

    Args:
        request: What the user asked for.
        out: The run folder to be; an unfinished run beside it is discarded.
        progress: Is told of everything that happens.

    Returns:
        Data and decisions, and the trained networks, made sparse and folded as the recommendation says.

    Raises:
        AdvisorError: Anything that keeps the network from being trained.
        Interrupted: If the user stopped it.
    """
    listener = progress if progress is not None else Silent()
    check_request(request)
    with open_workplace(Path(out).resolve(), resume=False, force=True) as workplace:
        prepared = prepare(request)
        workplace.bind(inputs_of(prepared))
        listener.prepared(prepared)
        prepared, _ = set_aside(prepared, listener)
        load_framework()
        fitted = _fit(prepared, workplace, listener)
        fitted = settle(prepared, fitted, listener, listener.event, checkpoints=workplace.checkpoints)
    return prepared, fitted


def _fit(prepared: Prepared, workplace: Workplace, progress: Progress) -> Fitted:
    """Train from scratch, then try to start from other data; each way has as much time as the training from scratch."""
    clock = Clock(prepared.request.time_budget)
    ways = [kind for kind in prepared.values.get("pretraining") or () if prepared.others.has(kind)]
    growing: dict[str, Any] = {
        "checkpoints": workplace.checkpoints,
        "logs": workplace.partial / "logs",
        "resume": workplace.resumed,
        "progress": progress,
    }
    check_reuse(prepared, growing["checkpoints"], growing["logs"])
    fitted = fit(prepared, **growing, seconds=clock.share(1 + len(ways)))
    return leverage(prepared, fitted, **growing, clock=clock)


def check_request(request: Request) -> None:
    """Refuse settings that no run can have, before anything is read.

    Raises:
        RequestError: With the setting that can't be.
    """
    if not 0 <= request.seed < SEEDS:
        raise RequestError(Finding("R126", "--seed", f"the seed is {request.seed}; allowed are 0 to {SEEDS - 1}."))
    if request.time_budget is not None and request.time_budget <= 0:
        raise RequestError(
            Finding("R127", "--time-budget", f"the time budget is {request.time_budget:g} s; it must be above 0.")
        )
    if request.max_epochs is not None and request.max_epochs < 1:
        raise RequestError(
            Finding("R128", "--max-epochs", f"the most epochs are {request.max_epochs}; allowed are 1 and more.")
        )
    unknown = sorted(set(request.exports) - set(EXPORTS))
    if unknown:
        allowed = ", ".join(EXPORTS)
        raise RequestError(Finding("R133", "--export", f"there is no format {unknown[0]!r}; allowed: {allowed}."))


def _check_same(folder: Path, prepared: Prepared, *, resume: bool) -> None:
    """Refuse a finished run that is of another request, was made by other versions, or is damaged.

    Another time budget makes another request, except where a run is to go on.

    Raises:
        RequestError: If it is of another request.
        ArtifactError: If one of its files is missing or was changed.
    """
    manifest: dict[str, Any] = read_json(folder / "manifest.json")
    before: dict[str, Any] = manifest.get("inputs", {})
    now = inputs_of(prepared)
    if not resume:
        now = {**now, "time_budget": prepared.request.time_budget}
        before = {**before, "time_budget": manifest.get("time_budget")}
    changed = sorted(key for key in {*before, *now} if before.get(key) != now.get(key))
    made_by, here = manifest.get("versions", {}), versions()
    changed += [f"version of {name}" for name in sorted({*made_by, *here}) if made_by.get(name) != here.get(name)]
    if changed:
        raise RequestError(
            Finding(
                "R121",
                os.fspath(folder),
                f"the run folder holds a finished run of another request ({', '.join(changed)} changed).",
                "Choose another --out, or replace it with --force.",
            )
        )
    check_manifest(folder)
