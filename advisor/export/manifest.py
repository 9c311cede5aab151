"""The manifest of a run folder: what is in it, byte for byte, and what made it."""

from __future__ import annotations

import importlib.metadata
import json
import platform
from collections.abc import Collection, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from advisor.errors import ArtifactError, Finding
from advisor.storage import sha256_file, write_json

MANIFEST = "manifest.json"
SCHEMA_VERSION = 1
_PACKAGES = ("advisor", "keras", "tensorflow", "numpy", "ai-edge-litert", "scikit-learn", "polars")
_HINT = "The folder was changed after the run; restore it from a copy or train again."


def write_manifest(
    folder: Path, *, seed: int, data_sha256: str, extra: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Write ``manifest.json`` over everything that a run folder holds now.

    Hidden names are left out: they are files that a killed process was still writing. The time of day is left out
    too, so that equal runs have equal manifests.

    Args:
        folder: The run folder.
        seed: The run's seed.
        data_sha256: Digest of the data.
        extra: More entries for the document, ready for JSON.

    Returns:
        The document.

    Raises:
        StorageError: If it can't be written.
    """
    files = {name: {"sha256": sha256_file(path), "bytes": path.stat().st_size} for name, path in _files(folder).items()}
    digests = {"data": data_sha256}
    for part in ("problem", "recommendation"):
        if f"{part}.json" in files:
            digests[part] = str(files[f"{part}.json"]["sha256"])
    document: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "seed": seed,
        "versions": versions(),
        "digests": digests,
        **(extra or {}),
        "files": files,
    }
    write_json(folder / MANIFEST, document)
    return document


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that decide what a run gives."""
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = "not installed"
    return found


def check_manifest(folder: Path, only: Collection[str] | None = None) -> dict[str, Any]:
    """Compare a run folder with its manifest.

    Args:
        folder: The run folder.
        only: Names of files or folders to look at, relative to the run folder; None for all. Files that the manifest
            doesn't list are nobody's business.

    Returns:
        The document.

    Raises:
        ArtifactError: With one finding for each file that is missing or was changed.
    """
    document = _read(folder / MANIFEST)
    findings = []
    for name, entry in sorted(document["files"].items()):
        if only is not None and not any(name == wanted or name.startswith(f"{wanted}/") for wanted in only):
            continue
        path = folder / name
        if not path.is_file():
            findings.append(Finding("A105", name, "the file is missing.", _HINT))
        elif path.stat().st_size != entry["bytes"]:
            findings.append(
                Finding("A105", name, f"the file has {path.stat().st_size} bytes, not {entry['bytes']}.", _HINT)
            )
        elif sha256_file(path) != entry["sha256"]:
            findings.append(Finding("A105", name, "the file's content has changed (its sha256 differs).", _HINT))
    for wanted in only or ():
        if not any(name == wanted or name.startswith(f"{wanted}/") for name in document["files"]):
            findings.append(Finding("A105", wanted, "the manifest doesn't list it.", _HINT))
    if findings:
        raise ArtifactError(*findings)
    return document


def _files(folder: Path) -> dict[str, Path]:
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if path.is_file() and not any(part.startswith(".") for part in name.parts) and str(name) != MANIFEST:
            found[name.as_posix()] = path
    return found


def _read(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise ArtifactError(
            Finding("A105", str(path), "there is no manifest.", "This is not the folder of a finished run.")
        ) from error
    except (OSError, ValueError, RecursionError) as error:
        raise ArtifactError(Finding("A105", str(path), "the manifest is damaged.", _HINT)) from error
    files = document.get("files") if isinstance(document, dict) else None
    if not isinstance(files, dict) or not all(_is_entry(name, entry) for name, entry in files.items()):
        raise ArtifactError(Finding("A105", str(path), "the manifest doesn't list files as it should.", _HINT))
    return dict(document)


def _is_entry(name: str, entry: Any) -> bool:
    pure = PurePosixPath(name)
    inside = bool(name) and not pure.is_absolute() and ".." not in pure.parts
    return (
        inside
        and isinstance(entry, dict)
        and isinstance(entry.get("bytes"), int)
        and isinstance(entry.get("sha256"), str)
    )
