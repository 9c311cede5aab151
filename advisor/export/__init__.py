"""Writes a trained model in every format, reloads each and compares it before it is called good."""

from advisor.export.compare import TOLERANCES, Comparison, compare
from advisor.export.int8 import PreparedRuntime
from advisor.export.keras_file import FileLimits, check_keras_file
from advisor.export.keras_format import load_keras, save_keras, verify_keras
from advisor.export.litert import export_litert, verify_litert
from advisor.export.litert_runtime import LiteRTRuntime
from advisor.export.manifest import check_manifest, write_manifest
from advisor.export.preparation import Preparation
from advisor.export.sampling import (
    SamplingRuntime,
    export_sampling_litert,
    load_sampling_model,
    save_sampling_model,
    verify_sampling,
)
from advisor.export.saved_model import check_saved_model, load_saved_model, save_saved_model, verify_saved_model

__all__ = [
    "TOLERANCES",
    "Comparison",
    "FileLimits",
    "LiteRTRuntime",
    "Preparation",
    "PreparedRuntime",
    "SamplingRuntime",
    "check_keras_file",
    "check_manifest",
    "check_saved_model",
    "compare",
    "export_litert",
    "export_sampling_litert",
    "load_keras",
    "load_sampling_model",
    "load_saved_model",
    "save_keras",
    "save_sampling_model",
    "save_saved_model",
    "verify_keras",
    "verify_litert",
    "verify_sampling",
    "verify_saved_model",
    "write_manifest",
]
