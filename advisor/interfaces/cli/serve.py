"""``advisor serve``: recommendations and explanations over HTTP."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Annotated

import typer

from advisor.errors import EXIT_UNUSABLE, Finding, RequestError


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on; any but loopback needs a token.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one, and the log names it.")] = 8000,
    token_file: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="File with the bearer token; without it ADVISOR_TOKEN has it."),
    ] = None,
    rulebook: Annotated[str, typer.Option(help="The rulebook of requests that name none.")] = "homl2",
) -> None:
    """Answer problems over HTTP.

    Routes: POST /v1/recommendations, POST /v1/explanations, GET /v1/rulebooks, GET /v1/schemas/problem, /healthz,
    /readyz, /metrics; described at /openapi.json. Log lines on stderr are JSON.

    On loopback no token is needed. SIGTERM and Ctrl-C finish the running requests first.
    """
    need_extra("service", "fastapi", "uvicorn", "prometheus_client")
    from advisor.interfaces.service.answering import known_rulebook
    from advisor.interfaces.service.settings import Settings, find_token

    settings = Settings(token=find_token(host, token_file), rulebook=known_rulebook(rulebook).name)
    from advisor.interfaces.service.serving import run_server

    if not run_server(settings, host=host, port=port):
        raise typer.Exit(EXIT_UNUSABLE)


def need_extra(extra: str, *modules: str) -> None:
    """Check that an optional part is installed.

    Raises:
        RequestError: If it is not; the hint is the command that installs it.
    """
    missing = [module for module in modules if find_spec(module) is None]
    if missing:
        message = f"the optional part {extra!r} is not installed: {', '.join(missing)} is missing."
        raise RequestError(Finding("R178", "", message, f"Install it with: pip install 'advisor[{extra}]'"))
