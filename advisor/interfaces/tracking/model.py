"""A delivered run as an MLflow model: raw rows in, what ``advisor predict`` writes out.

MLflow loads it by the name of this module, so nothing is pickled; the machine that serves it needs Advisor installed.
"""

from __future__ import annotations

import importlib.metadata
import json
from pathlib import Path
from typing import Any

from advisor.run import Run, load_run

TYPES = {"numeric": "double", "boolean": "boolean", "categorical": "string", "datetime": "datetime", "text": "string"}
"""Kind of a column → its type in a signature. Whole numbers are ``double``: a missing one has no integer."""
LABELS = {"integer": "long", "boolean": "boolean", "text": "string", "number": "double"}
PACKAGES = ("advisor", "keras", "tensorflow", "ai-edge-litert", "numpy", "polars", "narwhals", "scikit-learn")


class DeliveredModel:
    """The delivered model of a run, as MLflow calls it."""

    def __init__(self, run: Run) -> None:
        """Hold the run; its files are opened at the first prediction."""
        self._run = run

    def predict(self, model_input: Any, params: dict[str, Any] | None = None) -> Any:
        """Return a pandas frame: a column ``prediction``, and for classes one ``probability_<class>`` each.

        Args:
            model_input: Raw rows with the columns of training, as a dataframe.
            params: Takes none.
        """
        from advisor.interfaces.cli.predict import answers

        return answers(self._run, self._run.encoder.encode(model_input), "litert").to_pandas()


def _load_pyfunc(data_path: str) -> DeliveredModel:
    """Open a logged run; MLflow looks for this name."""
    return DeliveredModel(load_run(data_path))


def signature_of(run: Run) -> Any:
    """Return the signature on raw rows (``mlflow.models.ModelSignature``), or None where the data are no table."""
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema

    schema = json.loads((Path(run.path) / "schema.json").read_text(encoding="utf-8"))
    columns = [each for each in schema.get("columns", ()) if each["role"] == "feature"]
    if (
        not columns
        or any(each["kind"] not in TYPES for each in columns)
        or run.contract["encoder"].get("kind", "table") != "table"
    ):
        return None
    inputs = Schema([ColSpec(TYPES[each["kind"]], each["name"], required=False) for each in columns])
    if not run.classes:
        return ModelSignature(inputs, Schema([ColSpec("double", "prediction")]))
    label = LABELS.get(schema["target"].get("label_kind") or "text", "string")
    names = [ColSpec("double", f"probability_{each}") for each in run.classes]
    return ModelSignature(inputs, Schema([ColSpec(label, "prediction"), *names]))


def requirements() -> list[str]:
    """Return the packages that prediction needs, in the versions that trained the model."""
    return [f"{name}=={importlib.metadata.version(name)}" for name in PACKAGES]
