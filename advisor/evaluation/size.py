"""The size of a delivered artefact: its bytes on disk."""

from __future__ import annotations

from pathlib import Path

from advisor.errors import ArtifactError, Finding


def measure_size(path: Path) -> int:
    """Return the bytes of a file, or of all files of a folder together.

    Raises:
        ArtifactError: If there is neither.
    """
    if path.is_file():
        return path.stat().st_size
    if path.is_dir():
        return sum(each.stat().st_size for each in path.rglob("*") if each.is_file() and not each.is_symlink())
    raise ArtifactError(Finding("A101", str(path), "there is no such file or folder.", "Export the model again."))
