"""Runs the application on an address until it is told to stop."""

from __future__ import annotations

import asyncio
import signal
from types import FrameType
from typing import Any

import uvicorn
from fastapi import FastAPI

from advisor.interfaces.service.application import create_app
from advisor.interfaces.service.observing import log_to_stderr
from advisor.interfaces.service.settings import Settings


class _Server(uvicorn.Server):
    """A server that tells jobs and streams of events at once that it stops, so that they don't hold it up."""

    def __init__(self, config: uvicorn.Config, app: FastAPI) -> None:
        super().__init__(config)
        self._app = app

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop; uvicorn calls this at SIGTERM and SIGINT, in the thread of the event loop."""
        super().handle_exit(sig, frame)
        if self._app.state.jobs is not None:
            self._loop.call_soon_threadsafe(self._app.state.jobs.begin_stopping)

    async def serve(self, sockets: list[Any] | None = None) -> None:
        """Serve until told to stop."""
        self._loop = asyncio.get_running_loop()
        await super().serve(sockets)


def run_server(settings: Settings, *, host: str, port: int) -> bool:
    """Answer requests until SIGTERM or SIGINT; running requests are finished first.

    Args:
        settings: Limits and token.
        host: Address to listen on.
        port: Port; 0 takes a free one, which the log names.

    Returns:
        Whether it could start; the log says why not.
    """
    log_to_stderr()
    app = create_app(settings)
    server = _Server(
        uvicorn.Config(
            app,
            host=host,
            port=port,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=settings.shutdown_seconds,
            timeout_keep_alive=15,
        ),
        app,
    )
    # The server raises the signal that stopped it once more when all is done; SIGTERM then means: ended as asked.
    before = signal.signal(signal.SIGTERM, lambda number, frame: None)
    try:
        server.run()
    except SystemExit:
        return False
    finally:
        signal.signal(signal.SIGTERM, before)
    return server.started
