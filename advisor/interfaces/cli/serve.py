"""``advisor serve``: recommendations and explanations over HTTP."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from advisor.errors import EXIT_UNUSABLE, Finding, RequestError, StorageError

MIB = 1024 * 1024


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on; any but loopback needs a token.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one, and the log names it.")] = 8000,
    token_file: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="File with the bearer token; without it ADVISOR_TOKEN has it."),
    ] = None,
    rulebook: Annotated[str, typer.Option(help="The rulebook of requests that name none.")] = "homl2",
    data_dir: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Uploads, jobs and runs; without it a folder of your own state."),
    ] = None,
    training: Annotated[
        bool, typer.Option("--training/--no-training", help="Whether uploads and training jobs are taken.")
    ] = True,
    jobs: Annotated[int, typer.Option(min=1, max=64, help="Jobs that run at the same time.")] = 1,
    queue: Annotated[int, typer.Option(min=1, max=10_000, help="Jobs that wait; others are refused.")] = 16,
    job_seconds: Annotated[int, typer.Option(min=1, help="Wall time of a job.")] = 3600,
    job_cpu_seconds: Annotated[int, typer.Option(min=1, help="Processor time of a job.")] = 4 * 3600,
    job_memory: Annotated[int, typer.Option(metavar="MIB", min=1, help="Memory of a job, in MiB.")] = 4096,
    upload: Annotated[int, typer.Option(metavar="MIB", min=1, help="Size of an upload, in MiB.")] = 256,
    rows: Annotated[int, typer.Option(min=1, help="Rows of an upload.")] = 2_000_000,
) -> None:
    """Answer problems over HTTP, and train.

    Routes: POST /v1/recommendations, POST /v1/explanations, GET /v1/rulebooks, GET /v1/schemas/problem; POST
    /v1/datasets, POST /v1/jobs and what belongs to them; /healthz, /readyz, /metrics; described at /openapi.json.
    Log lines on stderr are JSON.

    On loopback no token is needed. SIGTERM and Ctrl-C finish the running requests first; running jobs write a
    checkpoint and go on when the service starts again.
    """
    need_extra("service", "fastapi", "uvicorn", "prometheus_client")
    from advisor.interfaces.service.answering import known_rulebook
    from advisor.interfaces.service.jobs.limits import JobLimits
    from advisor.interfaces.service.settings import Settings, find_token

    limits = JobLimits(
        most_upload_bytes=upload * MIB,
        most_rows=rows,
        most_running=jobs,
        most_waiting=queue,
        job_seconds=job_seconds,
        cpu_seconds=job_cpu_seconds,
        memory_bytes=job_memory * MIB,
    )
    settings = Settings(
        token=find_token(host, token_file),
        rulebook=known_rulebook(rulebook).name,
        data_dir=_data_dir(data_dir) if training else None,
        jobs=limits,
    )
    from advisor.interfaces.service.serving import run_server

    if not run_server(settings, host=host, port=port):
        raise typer.Exit(EXIT_UNUSABLE)


def _data_dir(given: Path | None) -> Path | None:
    """Return the folder of uploads and jobs; None when the usual one can't be used, which the log says.

    Raises:
        StorageError: If a folder is given that can't be used.
    """
    from advisor.interfaces.service.jobs.service import lock_folder
    from advisor.interfaces.service.observing import LOGGER, log_to_stderr
    from advisor.interfaces.service.settings import usual_data_dir

    try:
        folder = usual_data_dir() if given is None else given
        os.close(lock_folder(folder))
    except StorageError as error:
        if given is not None:
            raise
        log_to_stderr()
        found = error.findings[0]
        LOGGER.warning("no training: %s", found.message, extra={"fields": {"data_dir": found.place}})
        return None
    return folder


def need_extra(extra: str, *modules: str) -> None:
    """Check that an optional part is installed.

    Raises:
        RequestError: If it is not; the hint is the command that installs it.
    """
    missing = [module for module in modules if find_spec(module) is None]
    if missing:
        message = f"the optional part {extra!r} is not installed: {', '.join(missing)} is missing."
        raise RequestError(Finding("R178", "", message, f"Install it with: pip install 'advisor[{extra}]'"))
