"""Advice as a service: many problems from a file, or one after the other over HTTP.

``create_app(Settings())`` makes the HTTP application; it needs the extra ``service``. Training is no part of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from advisor.interfaces.service.application import create_app
    from advisor.interfaces.service.settings import Settings

__all__ = ["Settings", "create_app"]


def __getattr__(name: str) -> Any:
    """Import a public name when it's first asked for, so that a batch loads no web framework."""
    from importlib import import_module

    modules = {"create_app": "application", "Settings": "settings"}
    if name in modules:
        return getattr(import_module(f"{__name__}.{modules[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
