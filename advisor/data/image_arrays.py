"""Pictures in arrays: NPZ files and arrays in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from advisor.data.conventions import SPLIT_NAMES
from advisor.data.reading import load_arrays
from advisor.errors import DataError, Finding

SMALLEST_SIDE = 8
"""An array (n, a, b) holds pictures when both sides are at least this and its values are 8-bit or the sides alike."""


@dataclass(frozen=True)
class Arrays:
    """Pictures and their labels in arrays.

    Attributes:
        x: Values, (n, height, width) or (n, height, width, channels).
        y: Labels (n,), or None.
        parts: Part of each row, (n,) of text, or None.
        place: Where they come from.
    """

    x: NDArray[Any]
    y: NDArray[Any] | None
    parts: NDArray[Any] | None
    place: str


def is_picture_shape(shape: tuple[int, ...], dtype: Any) -> bool:
    """Tell whether an array of this shape holds pictures rather than rows or series."""
    if len(shape) == 4:
        return shape[3] in (1, 3)
    if len(shape) != 3 or min(shape[1:]) < SMALLEST_SIDE:
        return False
    return np.dtype(dtype) == np.uint8 or shape[1] == shape[2]


def names_of(data: Any) -> Mapping[str, tuple[tuple[int, ...], Any]] | None:
    """Return shape and type of each array of an NPZ file, a mapping or a pair (X, y), without reading the values."""
    if isinstance(data, str | PathLike):
        path = Path(data)
        if path.suffix.lower() != ".npz" or not path.is_file():
            return None
        return _headers(path)
    arrays = _in_memory(data)
    return None if arrays is None else {name: (each.shape, each.dtype) for name, each in arrays.items()}


def _headers(path: Path) -> Mapping[str, tuple[tuple[int, ...], Any]] | None:
    import zipfile

    found: dict[str, tuple[tuple[int, ...], Any]] = {}
    try:
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                with archive.open(name) as handle:
                    version = np.lib.format.read_magic(handle)
                    reader = (
                        np.lib.format.read_array_header_1_0
                        if version == (1, 0)
                        else np.lib.format.read_array_header_2_0
                    )
                    shape, _, dtype = reader(handle)
                    found[name.removesuffix(".npy")] = (shape, dtype)
    except (OSError, ValueError, zipfile.BadZipFile):
        return None  # read_table says what is wrong with it
    return found


def _in_memory(data: Any) -> dict[str, NDArray[Any]] | None:
    if isinstance(data, Mapping) and ("X" in data or "X_train" in data):
        return {str(name): np.asarray(each) for name, each in data.items()}
    if isinstance(data, tuple) and len(data) == 2 and getattr(data[0], "ndim", 0) > 2:
        return {"X": np.asarray(data[0]), "y": np.asarray(data[1])}
    if isinstance(data, np.ndarray) and data.ndim > 2:
        return {"X": data}
    return None


def read_arrays(data: Any, *, labeled: bool = True) -> Arrays:
    """Read pictures and labels.

    Args:
        data: An NPZ file, a mapping, a pair (X, y), or X alone. Names: ``X``, ``y`` and perhaps ``split``; or
            ``X_train``, ``y_train``, and the same with ``_val`` and ``_test``.
        labeled: Whether there must be labels.

    Raises:
        DataError: If an array is missing or of another shape.
    """
    place = str(data) if isinstance(data, str | PathLike) else "the arrays"
    wanted = ("X", "y", "split", *(f"{name}_{part}" for part in SPLIT_NAMES for name in ("X", "y")))
    arrays = _in_memory(data)
    if arrays is None:
        arrays = {name: each for name, each in load_arrays(Path(data), wanted).items() if name}
    if "X" in arrays:
        x, y, parts = arrays["X"], arrays.get("y"), arrays.get("split")
    elif "X_train" in arrays:
        x, y, parts = _joined(arrays, place)
    else:
        raise _wrong(place, "the array 'X' is missing", "Save it with: np.savez(FILE, X=X, y=y)")
    if x.ndim not in (3, 4) or x.dtype.kind not in "buif":
        raise _wrong(
            f"{place}: X", f"X has the shape {x.shape} and type {x.dtype}", "Pictures are numbers (n, h, w[, c])."
        )
    if y is None and labeled:
        raise _wrong(place, "the array 'y' is missing", "Save it with: np.savez(FILE, X=X, y=y)")
    for name, each in (("y", y), ("split", parts)):
        if each is not None and each.shape not in ((len(x),), (len(x), 1)):
            raise _wrong(f"{place}: {name}", f"its shape is {each.shape}, but there are {len(x)} pictures", "")
    if x.dtype.kind == "f" and not np.isfinite(x).all():
        bad = int((~np.isfinite(x).reshape(len(x), -1).all(axis=1)).sum())
        raise _wrong(f"{place}: X", f"{bad} pictures have values that aren't finite", "Replace them.")
    return Arrays(x if x.ndim == 4 else x[..., np.newaxis], None if y is None else y.reshape(-1), parts, place)


def _joined(arrays: Mapping[str, NDArray[Any]], place: str) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    xs, ys, parts = [], [], []
    for suffix, part in SPLIT_NAMES.items():
        if f"X_{suffix}" not in arrays:
            continue
        x, y = arrays[f"X_{suffix}"], arrays.get(f"y_{suffix}")
        if y is None or len(y) != len(x):
            raise _wrong(place, f"'y_{suffix}' doesn't belong to 'X_{suffix}'", "Give one label a picture.")
        xs.append(x)
        ys.append(y.reshape(-1))
        parts.append(np.full(len(x), part))
    if len({each.shape[1:] for each in xs}) > 1:
        raise _wrong(place, "the parts hold pictures of different shapes", "Bring them to one shape.")
    return np.concatenate(xs), np.concatenate(ys), np.concatenate(parts)


def _wrong(place: str, message: str, hint: str) -> DataError:
    return DataError(Finding("D110", place, f"{message}.", hint or "Give one label and one part a picture."))
