"""What uploads and files of runs are called over HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

UPLOADS: Mapping[str, str] = MappingProxyType(
    {
        "text/csv": "csv",
        "text/tab-separated-values": "tsv",
        "application/vnd.apache.parquet": "parquet",
        "application/jsonl": "jsonl",
        "application/x-ndjson": "jsonl",
        "application/vnd.apache.arrow.file": "arrow",
        "application/vnd.apache.arrow.stream": "arrow",
        "application/x-npz": "npz",
        "application/zip": "zip",
    }
)
"""Content types of uploads and their formats."""
ANY = "application/octet-stream"
"""A content type that says nothing; then the parameter ``format`` does."""
_TYPES = {
    "html": "text/html; charset=utf-8",
    "json": "application/json",
    "md": "text/markdown; charset=utf-8",
    "py": "text/x-python; charset=utf-8",
}


def media_type_of(name: str) -> str:
    """Return what a file of a run is.

    Examples:
        >>> media_type_of("report.html"), media_type_of("model/model.keras")
        ('text/html; charset=utf-8', 'application/octet-stream')
    """
    return _TYPES.get(name.rpartition(".")[2], ANY)
