"""Runs the application on an address until it is told to stop."""

from __future__ import annotations

import signal

import uvicorn

from advisor.interfaces.service.application import create_app
from advisor.interfaces.service.observing import log_to_stderr
from advisor.interfaces.service.settings import Settings


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
    server = uvicorn.Server(
        uvicorn.Config(
            create_app(settings),
            host=host,
            port=port,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=settings.shutdown_seconds,
            timeout_keep_alive=15,
        )
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
