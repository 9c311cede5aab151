"""What a request says about its visitor, with what the visitor's data say, and the parts of the service behind it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from starlette.requests import Request

from advisor.errors import Finding, RequestError
from advisor.interfaces.service.answering import known_rulebook
from advisor.interfaces.web.state import Visit, measured_by, read_visit

if TYPE_CHECKING:
    from advisor.interfaces.service.jobs.service import JobService
    from advisor.knowledge import Rulebook


MOST_PROFILES = 64
"""Profiles of data that are kept, so that a question doesn't read the data anew."""


def jobs_of(request: Request) -> JobService | None:
    """Return what trains; None when the service was started without a folder for data."""
    found: JobService | None = getattr(request.app.state, "jobs", None)
    return found


def need_jobs(request: Request) -> JobService:
    """Return what trains.

    Raises:
        RequestError: If the service has no folder for data.
    """
    found = jobs_of(request)
    if found is None:
        message = "this service gives advice only: it was started without a place for data."
        raise RequestError(
            Finding("R193", "", message, "Start it again with a folder for data, or train in a terminal.")
        )
    return found


def book_of(request: Request, visit: Visit) -> Rulebook:
    """Return the rulebook that decides for a visit.

    Raises:
        KnowledgeError: If there is no such rulebook.
    """
    return known_rulebook(visit.rulebook or request.app.state.web_rulebook)


async def visit_of(request: Request, *, besides: Iterable[str] = ()) -> tuple[Visit, dict[str, str]]:
    """Read where a visitor stands, and ask the uploaded data what they say.

    Args:
        request: The request.
        besides: Names of further parameters that the page takes.

    Returns:
        The visit, and the further parameters.

    Raises:
        AdvisorError: If the address can't be understood, or the data are gone.
    """
    visit, more = read_visit(request.query_params.multi_items(), besides=besides)
    book_of(request, visit)
    if not visit.data:
        return visit, more
    found = await profile_of(request, visit)
    return measured_by(replace(visit, target=found["target"] or visit.target), found["facts"], found["how"]), more


async def profile_of(request: Request, visit: Visit) -> dict[str, Any]:
    """Return the profile of a visit's data for its target and its task, kept from the first time on.

    Raises:
        AdvisorError: If the data are gone, or can't be used with this target.
    """
    found = await _profile(request, visit, None)
    task = visit.interview.answers.get("task")
    # The data are read again only for a task that they don't suggest by themselves.
    return found if task in (None, found["task"]) else await _profile(request, visit, str(task))


async def _profile(request: Request, visit: Visit, task: str | None) -> dict[str, Any]:
    kept: dict[tuple[Any, ...], dict[str, Any]] = request.app.state.web_profiles
    said = visit.said_of_data()
    options = tuple(sorted(said.items()))
    key = (visit.data, visit.target, task, options)
    if key not in kept:
        found = await need_jobs(request).profile(visit.data, target=visit.target or None, task=task, **said)
        while len(kept) >= MOST_PROFILES:
            kept.pop(next(iter(kept)))
        kept[key] = found
        kept[visit.data, found["target"], task, options] = found
    return kept[key]
