"""What can be known to be wrong with an order before anything is trained."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from advisor.errors import AdvisorError, Finding
from advisor.interfaces.service.answering import known_rulebook
from advisor.interfaces.service.jobs.limits import JobLimits
from advisor.interfaces.service.jobs.records import JobError, JobOrder
from advisor.problem.checking import check_stated
from advisor.problem.merging import complete_facts
from advisor.recommendation import Recommendation, recommend

if TYPE_CHECKING:
    from advisor.problem import Problem

BUDGET_SHARE = 0.5
"""Part of a job's wall time that training may take where no time budget is given; the rest is for measuring."""
MOST_SHARE = 0.8
"""Part of it that training may take in any case."""


def check_order(order: JobOrder, limits: JobLimits) -> JobOrder:
    """Check an order, without its data.

    Args:
        order: What is asked.
        limits: What is accepted.

    Returns:
        The order with a time budget that ends before the service ends the job.

    Raises:
        AdvisorError: If there is no such rulebook, a problem field is wrong, or two things exclude one another.
    """
    known_rulebook(order.rulebook)
    if order.recommendation is not None and order.problem:
        message = "a problem and a recommendation exclude one another."
        raise JobError(409, Finding("R130", "recommendation", message, "Give only one of them."))
    with_place("problem", check_stated, order.problem)
    usual = limits.job_seconds * BUDGET_SHARE
    budget = order.time_budget_seconds
    return replace(order, time_budget_seconds=usual if budget is None else min(budget, MOST_SHARE * limits.job_seconds))


def decide_for(order: JobOrder, profile: Mapping[str, Any]) -> Problem:
    """Decide on the problem of an order, so that its faults are told at once and not by a failed job.

    Args:
        order: What is asked.
        profile: What the data say.

    Returns:
        The whole problem.

    Raises:
        AdvisorError: If the problem contradicts itself or the data.
    """
    place = "recommendation" if order.recommendation is not None else "problem"
    problem: Problem = with_place(place, _decide, order, profile)
    if profile["task"] is not None and problem.task != profile["task"]:
        message = (
            f"the problem's task is {problem.task}, but the target {profile['target']!r} is for {profile['task']}."
        )
        hint = "Name another target, or leave the task to the data."
        raise JobError(409, Finding("P301", "problem.task", message, hint))
    return problem


def _decide(order: JobOrder, profile: Mapping[str, Any]) -> Problem:
    if order.recommendation is not None:
        return Recommendation.from_json(json.dumps(order.recommendation)).problem
    facts, how = complete_facts(order.problem, profile["facts"], profile["how"])
    return recommend(facts, known_rulebook(order.rulebook), measured=how).problem


def with_place(place: str, work: Any, *values: Any) -> Any:
    """Do something; findings about a part of a document are told with the path of that part.

    Raises:
        AdvisorError: Of the same class as what was raised, with longer places.
    """
    try:
        return work(*values)
    except AdvisorError as error:
        error.findings = [
            replace(each, place=f"{place}.{each.place}" if each.place else place) for each in error.findings
        ]
        raise
