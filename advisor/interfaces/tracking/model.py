"""A delivered run as an MLflow model: raw rows in, what ``advisor predict`` writes out.

MLflow loads it by the name of this module, so nothing is pickled; the machine that serves it needs Advisor installed.
"""

from __future__ import annotations

import importlib.metadata
import json
from pathlib import Path
from typing import Any

import numpy as np

from advisor.run import Run, load_run

TYPES = {"numeric": "double", "boolean": "boolean", "categorical": "string", "datetime": "datetime", "text": "string"}
"""Kind of a column → its type in a signature. Whole numbers are ``double``: a missing one has no integer."""
OTHERS = {"Boolean": "boolean"}
"""Type of answers that aren't numbers → its type in a signature; others are ``string``."""
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
    """Return the signature on raw rows (``mlflow.models.ModelSignature``).

    Rows of tables, texts and series are named columns, pictures an array (pictures, height, width, channels).
    The type of a column that tells series apart or orders steps is left open.
    """
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema

    from advisor.interfaces.cli.predict import answers_of

    said = answers_of(run, np.full((1, run.contract["outputs"]), 0.5, np.float32))
    outputs = Schema([ColSpec(_type_of(kind), name) for name, kind in said.schema.items()])
    return ModelSignature(Schema(_inputs_of(run)), outputs)


def _inputs_of(run: Run) -> list[Any]:
    from mlflow.types import ColSpec, TensorSpec
    from mlflow.types.schema import AnyType

    encoder = run.contract["encoder"]
    if encoder.get("kind") == "image":
        return [TensorSpec(np.dtype(np.float32), (-1, *encoder["shape"]))]
    if encoder.get("kind") == "series":
        keys = [encoder[key] for key in ("series_id", "time") if encoder.get(key) is not None]
        named = [ColSpec(AnyType(), name, required=False) for name in keys]
        return named + [ColSpec("double", name, required=False) for name in encoder["channels"]]
    schema = json.loads((Path(run.path) / "schema.json").read_text(encoding="utf-8"))
    features = [each for each in schema["columns"] if each["role"] == "feature"]
    return [ColSpec(TYPES[each["kind"]], each["name"], required=False) for each in features]


def _type_of(kind: Any) -> str:
    """Return the type in a signature of a column of answers."""
    if kind.is_float():
        return "double"
    return "long" if kind.is_integer() else OTHERS.get(str(kind), "string")


def requirements() -> list[str]:
    """Return the packages that prediction needs, in the versions that trained the model."""
    return [f"{name}=={importlib.metadata.version(name)}" for name in PACKAGES]
