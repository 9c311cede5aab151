"""``advisor mcp``: advice as tools for language models, over stdio."""

from __future__ import annotations

from advisor.interfaces.cli.serve import need_extra


def mcp() -> None:
    """Answer a language model's tool calls over stdio (Model Context Protocol).

    Tools: recommend, explain, what_if, counterfactual, validate_problem. Nothing is trained, read or written.
    """
    need_extra("mcp", "mcp")
    from advisor.interfaces.mcp.tools import create_server

    create_server().run()
