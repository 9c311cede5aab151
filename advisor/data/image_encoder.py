"""The contract between raw pictures and a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from advisor.artifacts import InputSpec
from advisor.data.encoding import Encoded
from advisor.data.image_arrays import read_arrays
from advisor.data.labels import LabelCodec
from advisor.data.pictures import ENDINGS, Form, find_pictures, fit_to, open_picture
from advisor.data.schema import Schema
from advisor.errors import DataError, Finding

Floats = NDArray[np.float32]
CONTRACT_FORMAT = 1
KIND = "image"


class ImageEncoder:
    """Turns raw pictures into float32 values of one form, always in the same way.

    Attributes:
        schema: What is known about the pictures.
        form: The form that every picture is brought to.
        inputs: What a network reads.
        classes: Class labels as text, in the order of the outputs; empty for a regression.
        labels: Class labels in the user's own type.
    """

    def __init__(self, schema: Schema, form: Form) -> None:
        """Make the encoder of pictures in a form."""
        self.schema, self.form = schema, form
        self.inputs = InputSpec(KIND, form.shape)
        self._codec = LabelCodec(schema.target)
        self.classes = schema.target.classes
        self.labels = self._codec.labels

    def encode(self, rows: Any) -> Floats:
        """Return pictures as the numbers that a network reads.

        Args:
            rows: A folder (with all pictures below it, by name), a zip, an NPZ file with ``X``, a picture file, a PIL
                image, an array (n, height, width[, channels]) or (height, width[, channels]), or a list of any of the
                last four. Arrays must have the model's height and width; files are scaled as in training.

        Returns:
            float32 (n, height, width, channels).

        Raises:
            DataError: If a picture can't be read or has another shape.
        """
        found = self._read(rows)
        if found.notes:
            raise DataError(Finding("D152", "pictures", found.notes[0], "Repair or remove them."))
        return found.x

    def encode_counted(self, rows: Any) -> Encoded:
        """Encode pictures; unreadable files of a folder or zip are left out, and ``notes`` says which."""
        return self._read(rows)

    def encode_target(self, values: Any) -> NDArray[Any]:
        """Return labels as a network learns them; see :meth:`advisor.data.Encoder.encode_target`."""
        return self._codec.encode(values)

    def contract(self) -> dict[str, Any]:
        """Return the JSON-ready document that travels with a delivered model; see :meth:`from_contract`."""
        return {
            "kind": KIND,
            "contract_format": CONTRACT_FORMAT,
            "shape": list(self.form.shape),
            "values": "as in the picture, 0 to 255; arrays as they are",
            "resizing": "scaled (bilinear) until it covers the shape, then cut to it in the middle",
            "schema": self.schema.to_dict(),
        }

    @classmethod
    def from_contract(cls, document: Mapping[str, Any]) -> ImageEncoder:
        """Make the encoder that wrote a contract.

        Raises:
            DataError: If the document isn't a contract.
        """
        shape = document.get("shape")
        whole = isinstance(shape, list) and len(shape) == 3 and all(type(each) is int and each > 0 for each in shape)
        if document.get("contract_format") != CONTRACT_FORMAT or not whole or shape is None:
            raise DataError(
                Finding(
                    "D190",
                    "contract",
                    f"this is not a contract for pictures of format {CONTRACT_FORMAT}.",
                    "Use the contract that was written beside the model.",
                )
            )
        return cls(Schema.from_dict(document.get("schema", {})), Form(*shape))

    def _read(self, rows: Any) -> Encoded:
        if isinstance(rows, str | PathLike):
            path = Path(rows)
            if not path.exists():
                raise DataError(Finding("D101", str(path), "there is no such file or folder.", "Check the path."))
            if path.is_dir() or path.suffix.lower() == ".zip":
                return self._from_files(path)
            if path.suffix.lower() == ".npz":
                return _encoded(self._from_array(read_arrays(path, labeled=False).x))
            return _encoded(self._one(path)[np.newaxis])
        if isinstance(rows, Mapping) and "image" in rows:
            return self._read(rows["image"])
        if isinstance(rows, list | tuple):
            return _encoded(self._from_list(rows))
        return _encoded(self._one(rows)[np.newaxis] if _is_image(rows) else self._from_array(np.asarray(rows)))

    def _from_files(self, path: Path) -> Encoded:
        found = find_pictures(path)
        names, pictures, bad = [], [], []
        for each in found:
            try:
                pictures.append(fit_to(open_picture(each.read()), self.form))
                names.append(each.name)
            except (ValueError, OSError) as error:
                bad.append(f"{each.name}: {error}")
        notes = []
        if bad:
            notes.append(f"{len(bad):,} of {len(found):,} pictures can't be read, the first one: {bad[0]}.")
        x = np.stack(pictures) if pictures else np.zeros((0, *self.form.shape), np.float32)
        return Encoded(x, {}, {}, tuple(names), tuple(notes))

    def _from_list(self, rows: Sequence[Any]) -> Floats:
        if not rows:
            return np.zeros((0, *self.form.shape), np.float32)
        return np.stack([self._one(each) for each in rows])

    def _one(self, picture: Any) -> Floats:
        if _is_image(picture):
            return fit_to(picture if picture.mode in ("L", "RGB") else picture.convert("RGB"), self.form)
        if isinstance(picture, str | PathLike | bytes):
            place = "a picture" if isinstance(picture, bytes) else str(picture)
            if not isinstance(picture, bytes) and Path(picture).suffix.lower() not in ENDINGS:
                raise DataError(
                    Finding("D102", place, "this is no picture file.", f"Endings: {', '.join(sorted(ENDINGS))}.")
                )
            try:
                content = picture if isinstance(picture, bytes) else Path(picture)
                return fit_to(open_picture(content), self.form)
            except (ValueError, OSError) as error:
                raise DataError(
                    Finding("D152", place, f"this picture can't be read: {error}.", "Repair or remove it.")
                ) from error
        array = self._from_array(np.asarray(picture))
        if len(array) != 1:
            raise self._wrong_shape(np.shape(picture))
        first: Floats = array[0]
        return first

    def _from_array(self, values: NDArray[Any]) -> Floats:
        """Return (n, h, w[, c]) or (h, w[, c]) as float32 (n, height, width, channels)."""
        height, width, channels = self.form.shape
        shape = values.shape
        if values.dtype.kind not in "buif":
            raise DataError(
                Finding("D153", "pictures", f"their values are of type {values.dtype}, but numbers are needed.")
            )
        single = (height, width) if channels == 1 and len(shape) == 2 else self.form.shape
        if shape in {single, self.form.shape}:
            values = values.reshape(1, *self.form.shape)
        elif shape[1:] == (height, width) and channels == 1:
            values = values[..., np.newaxis]
        if values.shape[1:] != self.form.shape:
            raise self._wrong_shape(shape)
        if values.dtype.kind == "f" and not np.isfinite(values).all():
            raise DataError(Finding("D153", "pictures", "some values aren't finite.", "Replace them."))
        return np.ascontiguousarray(values, np.float32)

    def _wrong_shape(self, shape: tuple[int, ...]) -> DataError:
        wanted = ", ".join(map(str, self.form.shape))
        return DataError(
            Finding(
                "D153",
                "pictures",
                f"the shape is {tuple(shape)}, but (rows, {wanted}) is needed.",
                "Give picture files to have them scaled as in training.",
            )
        )


def _encoded(x: Floats) -> Encoded:
    return Encoded(x, {}, {})


def _is_image(value: Any) -> bool:
    return hasattr(value, "convert") and hasattr(value, "mode") and hasattr(value, "size")
