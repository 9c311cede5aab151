"""Pictures from files: found, decoded, brought to one size, and the unreadable ones counted."""

from __future__ import annotations

import io
import os
import warnings
import zipfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from advisor.data.conventions import SPLIT_NAMES
from advisor.errors import DataError, Finding

Floats = NDArray[np.float32]

ENDINGS = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm"})
"""Endings of picture files, compared in lower case; other files in a folder are passed over."""
LARGEST_SIDE = 64
"""Pictures of mixed or larger sizes are brought to at most so many pixels a side: that is what a small network on two
cores can be trained on."""
LARGEST_PIXELS = 50_000_000
"""A file that claims more pixels than this isn't decoded."""
LARGEST_VALUES = 250_000_000
"""Values of all pictures together that are held in memory (1 GB as float32)."""


@dataclass(frozen=True)
class Found:
    """One picture file.

    Attributes:
        name: Its path below the folder or in the archive.
        label: Name of its class folder; empty when it is in none.
        part: ``train``, ``val`` or ``test`` where a folder above says so; else empty.
        read: Returns its bytes.
    """

    name: str
    label: str
    part: str
    read: Callable[[], bytes]


def find_pictures(path: Path) -> list[Found]:
    """Return the picture files of a folder or a zip, ordered by name.

    The class is the name of the folder that holds the picture; a folder above it may be called train, val (or
    validation) or test.

    Raises:
        DataError: If there is none, or the archive can't be read.
    """
    found = _in_zip(path) if path.is_file() else _in_folder(path)
    if not found:
        raise DataError(
            Finding(
                "D150",
                str(path),
                "there is no picture in it.",
                f"Put the pictures of each class into a folder of their own; endings: {', '.join(sorted(ENDINGS))}.",
            )
        )
    return found


def _in_folder(folder: Path) -> list[Found]:
    names = sorted(
        os.path.relpath(os.path.join(root, name), folder).replace(os.sep, "/")
        for root, _, files in os.walk(folder)
        for name in files
        if _is_picture(name)
    )
    return _describe(names, lambda name: (folder / name).read_bytes)


def _in_zip(path: Path) -> list[Found]:
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError) as error:
        raise DataError(
            Finding("D109", str(path), f"this can't be read as a zip: {error}.", "Make the archive again.")
        ) from error
    names = sorted(
        item.filename
        for item in archive.infolist()
        if not item.is_dir() and _is_picture(item.filename) and item.file_size <= LARGEST_PIXELS
    )
    return _describe(names, lambda name: lambda: archive.read(name))


def _is_picture(name: str) -> bool:
    plain = name.rsplit("/", 1)[-1]
    return os.path.splitext(plain)[1].lower() in ENDINGS and not plain.startswith(".") and "__MACOSX" not in name


def _describe(names: Sequence[str], reader: Callable[[str], Callable[[], bytes]]) -> list[Found]:
    found = []
    for name in names:
        folders = name.split("/")[:-1]
        label = folders[-1] if folders else ""
        above = next((SPLIT_NAMES[each.lower()] for each in folders[:-1] if each.lower() in SPLIT_NAMES), "")
        found.append(Found(name, label, above, reader(name)))
    return found


@dataclass(frozen=True)
class Form:
    """The form that every picture is brought to.

    Attributes:
        height: Rows of pixels.
        width: Columns of pixels.
        channels: 1 for grey, 3 for colour.
    """

    height: int
    width: int
    channels: int

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels."""
        return self.height, self.width, self.channels

    def __str__(self) -> str:
        """Say the form in words."""
        return f"{self.height} x {self.width} pixels, {'grey' if self.channels == 1 else 'colour'}"


def open_picture(content: bytes | Path) -> Any:
    """Decode a picture and turn it as its camera says; returns a PIL image in the mode ``L`` or ``RGB``.

    Transparent pictures are laid on white. Of a moving picture the first image is taken.

    Raises:
        ValueError: If it can't be decoded, with the reason.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image: Any = Image.open(io.BytesIO(content) if isinstance(content, bytes) else content)
            if image.width * image.height > LARGEST_PIXELS:
                raise ValueError(f"it has {image.width} x {image.height} pixels, more than {LARGEST_PIXELS:,}")
            image.load()
        image = ImageOps.exif_transpose(image)
        if image.mode in ("L", "RGB"):
            return image
        if image.mode in ("1", "I", "I;16", "F"):
            return _as_grey(image)
        if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
            clear = image.convert("RGBA")
            white = Image.new("RGBA", clear.size, (255, 255, 255, 255))
            flat = Image.alpha_composite(white, clear).convert("RGB")
            return flat.convert("L") if image.mode == "LA" else flat
        return image.convert("RGB")
    except ValueError:
        raise
    except UnidentifiedImageError as error:
        raise ValueError("it is no picture, or damaged") from error
    except Exception as error:  # PIL raises many kinds for a damaged file
        raise ValueError(str(error).split("\n")[0] or type(error).__name__) from error


def _as_grey(image: Any) -> Any:
    from PIL import Image

    if image.mode == "1":
        return image.convert("L")
    values = np.asarray(image, np.float64)
    # Sixteen bits hold 257 times as much as eight.
    values = values / 257.0 if values.max(initial=0) > 255 else values
    return Image.fromarray(np.clip(np.rint(values), 0, 255).astype(np.uint8), "L")


def choose_form(sizes: Iterable[tuple[int, int]], any_colour: bool) -> tuple[Form, str]:
    """Choose the form for pictures of these sizes (width, height), and say how.

    Pictures that are all of one size, at most 64 pixels a side, stay as they are. Otherwise the form has the median
    width and the median height, scaled down together until no side is above 64.
    """
    table = np.array(list(sizes))
    width, height = (round(float(each)) for each in np.median(table, axis=0))
    alike = bool((table == table[0]).all())
    factor = min(1.0, LARGEST_SIDE / max(width, height))
    form = Form(max(1, round(height * factor)), max(1, round(width * factor)), 3 if any_colour else 1)
    if alike and factor == 1.0:
        return form, f"All pictures have {form}."
    return form, (
        f"{'All pictures have one size' if alike else 'The pictures have several sizes'}; each is scaled until it "
        f"covers {form.height} x {form.width} pixels and cut to that in the middle."
    )


def fit_to(image: Any, form: Form) -> Floats:
    """Return a PIL image in the form, float32 (height, width, channels) from 0 to 255.

    A picture of another size is scaled (bilinear, smoothed where it shrinks) until it covers the form, and its
    middle is cut out.
    """
    from PIL import Image, ImageOps

    mode = "L" if form.channels == 1 else "RGB"
    if image.mode != mode:
        image = image.convert(mode)
    if image.size != (form.width, form.height):
        image = ImageOps.fit(image, (form.width, form.height), method=Image.Resampling.BILINEAR)
    values = np.asarray(image, np.float32)
    return values.reshape(form.shape)


def check_amount(pictures: int, form: Form, place: str) -> None:
    """Refuse more pictures than fit into memory.

    Raises:
        DataError: Saying how many are too many.
    """
    values = pictures * form.height * form.width * form.channels
    if values > LARGEST_VALUES:
        raise DataError(
            Finding(
                "D113",
                place,
                f"{pictures:,} pictures of {form} are {values:,} values, more than the {LARGEST_VALUES:,} that are "
                "held in memory.",
                "Take a sample of the pictures.",
            )
        )
