"""Kinds of pipelines: name → what writes the step's files."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from advisor.interfaces.steps import airflow, dvc, kubeflow
from advisor.interfaces.steps.arguments import Argument

Files = dict[str, str]
"""File name → content."""

STEPS: dict[str, Callable[[Sequence[Argument], str], Files]] = {
    "kubeflow": kubeflow.files,
    "airflow": airflow.files,
    "dvc": dvc.files,
}
"""Each takes the arguments and the container image."""
