"""The wizard in a browser: server-rendered pages over the same question machine as the wizard in a terminal.

Every page works without JavaScript; htmx only spares a page load. Nothing is loaded from anywhere else.
"""

from __future__ import annotations

from fastapi import FastAPI

from advisor.interfaces.service.settings import Settings


def add_pages(app: FastAPI, settings: Settings) -> None:
    """Add the pages to the service.

    Args:
        app: The application; ``app.state.jobs`` trains, where there is one.
        settings: Its settings: the rulebook of visitors who choose none.
    """
    from advisor.interfaces.web import advising, asking, describing, training, uploading
    from advisor.interfaces.web.pages import get_asset, said

    app.state.web_rulebook = settings.rulebook
    app.state.web_profiles = {}
    for path, handler in (
        ("/", asking.get_start),
        ("/ask", asking.get_question),
        ("/answer", asking.get_answer),
        ("/preview", asking.get_preview),
        ("/summary", asking.get_summary),
        ("/advice", advising.get_advice),
        ("/advice/what-if", advising.get_what_if),
        ("/advice/problem.json", advising.get_problem),
        ("/advice/recommendation.json", advising.get_recommendation),
        ("/data", uploading.get_upload),
        ("/data/said", uploading.get_said),
        ("/runs", training.get_runs),
        ("/runs/{job}", training.get_run),
        ("/runs/{job}/progress", training.get_progress),
        ("/runs/{job}/report", training.get_report),
        ("/docs", describing.get_docs),
        ("/assets/{name}", get_asset),
    ):
        app.add_api_route(path, said(handler), methods=["GET"], include_in_schema=False)
    for path, handler in (
        ("/data", uploading.post_upload),
        ("/train", training.post_train),
        ("/runs/{job}/cancel", training.post_cancel),
    ):
        app.add_api_route(path, said(handler), methods=["POST"], include_in_schema=False)
