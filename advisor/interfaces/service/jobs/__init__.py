"""Training through the service: uploads, jobs in worker processes, their events and files.

Nothing here loads a deep-learning framework; only :mod:`.worker` does, in its own process.
"""

from advisor.interfaces.service.jobs.limits import JobLimits
from advisor.interfaces.service.jobs.records import Artifact, Dataset, Job, JobError, JobEvent, JobOrder

__all__ = ["Artifact", "Dataset", "Job", "JobError", "JobEvent", "JobLimits", "JobOrder", "JobService"]


def __getattr__(name: str) -> object:
    """Import the service only where it is used, so that a worker doesn't."""
    if name == "JobService":
        from advisor.interfaces.service.jobs.service import JobService

        return JobService
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
