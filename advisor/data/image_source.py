"""Pictures as a kind of data: folders of class folders, zips of such, and arrays."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from advisor.artifacts import DataBundle, Part
from advisor.data.bundling import digest_parts
from advisor.data.conventions import SPLIT_COLUMN
from advisor.data.encoding import EncodedColumn
from advisor.data.image_arrays import Arrays, is_picture_shape, names_of, read_arrays
from advisor.data.image_encoder import ImageEncoder
from advisor.data.inferring import infer_schema
from advisor.data.pictures import (
    ENDINGS,
    LARGEST_SIDE,
    Form,
    check_amount,
    choose_form,
    find_pictures,
    fit_to,
    open_picture,
)
from advisor.data.profiling import Profile, target_facts
from advisor.data.protocols import SourceOptions
from advisor.data.schema import Column, Schema
from advisor.data.splitting import Split, make_split
from advisor.errors import DataError, Finding

KIND = "image"
IMAGE = "image"
MOST_UNREADABLE = 0.1
"""Above this share of unreadable pictures the data are refused: then something is wrong with all of them."""
SHOWN = 3

Values = NDArray[np.float32]


@dataclass(frozen=True)
class Pictures:
    """Pictures in one form, with their labels.

    Attributes:
        x: float32 (n, height, width, channels).
        y: Labels, a series of n.
        parts: Part of each, or empty text; None when no part is given.
        form: Their form.
        how: How the form was chosen, in a sentence.
        notes: What a person should know.
    """

    x: Values
    y: pl.Series
    parts: NDArray[np.str_] | None
    form: Form
    how: str
    notes: tuple[str, ...]


class ImageSource:
    """Pictures, read and understood.

    Attributes:
        kind: ``image``.
        profile: Their schema and what they say about the problem.
        schema: The columns ``image``, the label, and the split where one is given.
        encoder: From raw pictures to numbers.
    """

    kind = KIND

    def __init__(self, data: Any, options: SourceOptions) -> None:
        """Read the pictures.

        Raises:
            DataError: If they can't be read, or too many of them can't.
        """
        main = _read(data, None, options)
        extras = []
        for part, extra in (("val", options.validation), ("test", options.test)):
            if extra is not None:
                more = _read(extra, main.form, options)
                extras.append(replace(more, parts=np.full(len(more.x), part)))
        self._pictures = _stacked(main, extras)
        self.schema = _schema(self._pictures, options)
        self.encoder = ImageEncoder(self.schema, self._pictures.form)
        self.profile = _profile(self.schema, self._pictures)

    @property
    def pictures(self) -> Pictures:
        """The pictures in one form, with their labels; those of separate data come last."""
        return self._pictures

    def split(self, seed: int) -> Split:
        """Divide the pictures by their labels; equal pictures stay in one part. See :func:`make_split`."""
        pictures = self._pictures
        digests = [hashlib.sha256(each.tobytes()).hexdigest() for each in pictures.x]
        frame = pl.DataFrame({IMAGE: digests, self.schema.target.name: pictures.y})
        if pictures.parts is not None:
            frame = frame.with_columns(pl.Series(SPLIT_COLUMN, pictures.parts.tolist()))
        return make_split(frame, self.schema, seed=seed)

    def bundle(self, split: Split) -> DataBundle:
        """Return the parts; their pictures are encoded already."""
        pictures, target = self._pictures, self.schema.target

        def part(rows: NDArray[np.int64]) -> Part:
            return Part(
                np.ascontiguousarray(pictures.x[rows]), self.encoder.encode_target(pictures.y.gather(rows)), rows
            )

        train, val, test = part(split.train), part(split.val), part(split.test)
        head = [KIND, pictures.form.shape, target.name, target.task, target.classes]
        return DataBundle(
            task=target.task,
            train=train,
            val=val,
            test=test,
            classes=target.classes,
            target_names=(target.name,),
            sha256=digest_parts([train, val, test], head),
        )

    def raw_inputs(self, rows: NDArray[Any]) -> Mapping[str, NDArray[Any]]:
        """Return pictures as the exported model for raw pictures takes them."""
        return {IMAGE: self._pictures.x[rows]}

    def flat(self, x: NDArray[Any]) -> tuple[NDArray[Any], tuple[Any, ...]]:
        """Return every value of a picture as a column."""
        table = x.reshape(len(x), -1)
        columns = (EncodedColumn(f"pixel {index}", IMAGE, "numeric") for index in range(table.shape[1]))
        return table, tuple(columns)


def recognize(data: Any, options: SourceOptions) -> str | None:
    """Say how it is known that the data are pictures, or return None."""
    if isinstance(data, str | PathLike):
        path = Path(data)
        if path.is_dir():
            return "A folder holds pictures, each in the folder of its class."
        if path.suffix.lower() == ".zip":
            return "An archive holds pictures, each in the folder of its class."
    for name, (shape, dtype) in (names_of(data) or {}).items():
        if name in ("X", "X_train") and is_picture_shape(shape, dtype):
            size = " x ".join(map(str, shape[1:]))
            return f"The array {name} has the shape of pictures: {shape[0]:,} of {size} values."
    return None


def open_source(data: Any, options: SourceOptions) -> ImageSource:
    """Read pictures."""
    if options.target not in (None, "label", "y"):
        raise DataError(
            Finding(
                "D151",
                "--target",
                f"pictures have no column {options.target!r}.",
                "The class of a picture is the name of its folder, or the array 'y'; leave --target out.",
            )
        )
    if options.kinds:
        name = next(iter(options.kinds))
        raise DataError(Finding("D129", f"column {name!r}", "pictures have no columns.", "Leave --column out."))
    return ImageSource(data, options)


def encoder_from_contract(document: Mapping[str, Any]) -> ImageEncoder:
    """Make the encoder that wrote a contract."""
    return ImageEncoder.from_contract(document)


def _read(data: Any, form: Form | None, options: SourceOptions) -> Pictures:
    if isinstance(data, str | PathLike):
        path = Path(data)
        if not path.exists():
            raise DataError(Finding("D101", str(path), "there is no such file or folder.", "Check the path."))
        if path.is_dir() or path.suffix.lower() == ".zip":
            return _from_files(path, form)
        if path.suffix.lower() != ".npz":
            raise DataError(
                Finding(
                    "D102",
                    str(path),
                    "pictures are read from a folder of class folders, a zip of one, or an NPZ file.",
                    f"Picture files end in {', '.join(sorted(ENDINGS))}.",
                )
            )
    return _from_arrays(read_arrays(data), form)


def _from_files(path: Path, form: Form | None) -> Pictures:
    found = find_pictures(path)
    if any(not each.label for each in found):
        outside = next(each.name for each in found if not each.label)
        raise DataError(
            Finding("D150", str(path), f"{outside!r} is in no class folder.", "Put it into the folder of its class.")
        )
    images, kept, bad = [], [], []
    for each in found:
        try:
            images.append(_bounded(open_picture(each.read())))
            kept.append(each)
        except (ValueError, OSError) as error:
            bad.append(f"{each.name}: {error}")
    if not images or len(bad) > MOST_UNREADABLE * len(found):
        raise DataError(
            Finding(
                "D152",
                str(path),
                f"{len(bad):,} of {len(found):,} pictures can't be read, the first one: {bad[0]}.",
                f"Up to {MOST_UNREADABLE:.0%} are left out and reported; repair or remove the others.",
            )
        )
    how = "The form is that of the training pictures."
    if form is None:
        form, how = choose_form([each[1] for each in images], any(each[0].mode != "L" for each in images))
    check_amount(len(images), form, str(path))
    notes = []
    if bad:
        shown = "; ".join(bad[:SHOWN]) + (" …" if len(bad) > SHOWN else "")
        notes.append(f"{len(bad):,} of {len(found):,} pictures can't be read and are left out ({shown}).")
    parts = np.array([each.part for each in kept])
    given = bool((parts != "").any())
    return Pictures(
        np.stack([fit_to(image, form) for image, _ in images]),
        pl.Series("label", [each.label for each in kept]),
        np.where(parts == "", "train", parts) if given else None,
        form,
        how,
        tuple(notes),
    )


def _bounded(image: Any) -> tuple[Any, tuple[int, int]]:
    """Return a picture no larger than needed, and the size that it had."""
    size = image.size
    if min(size) > 4 * LARGEST_SIDE:
        image.thumbnail((4 * LARGEST_SIDE * size[0] // min(size), 4 * LARGEST_SIDE * size[1] // min(size)))
    return image, size


def _from_arrays(arrays: Arrays, form: Form | None) -> Pictures:
    height, width, channels = arrays.x.shape[1:]
    own = Form(height, width, channels)
    if form is not None and form != own:
        raise DataError(
            Finding("D153", arrays.place, f"the pictures have {own}, those to learn from {form}.", "Use one shape.")
        )
    check_amount(len(arrays.x), own, arrays.place)
    assert arrays.y is not None  # read_arrays was asked for labels
    labels = arrays.y
    parts = None if arrays.parts is None else arrays.parts.astype(np.str_)
    return Pictures(
        np.ascontiguousarray(arrays.x, np.float32),
        pl.Series("y", labels.tolist() if labels.dtype.kind == "U" else labels),
        parts,
        own,
        f"All pictures have {own}.",
        (),
    )


def _stacked(main: Pictures, extras: list[Pictures]) -> Pictures:
    if not extras:
        return main
    parts = main.parts if main.parts is not None else np.full(len(main.x), "train")
    return replace(
        main,
        x=np.concatenate([main.x, *(each.x for each in extras)]),
        y=pl.concat([main.y, *(each.y.cast(main.y.dtype) for each in extras)]),
        parts=np.concatenate([parts, *(each.parts for each in extras if each.parts is not None)]),
        notes=main.notes + tuple(note for each in extras for note in each.notes),
    )


def _schema(pictures: Pictures, options: SourceOptions) -> Schema:
    name = pictures.y.name
    means = pictures.x.reshape(len(pictures.x), -1).mean(axis=1, dtype=np.float64)
    inferred = infer_schema(pl.DataFrame({"brightness": means, name: pictures.y}), name, task=options.task)
    columns = [
        Column(IMAGE, "image", "feature", note=str(pictures.form)),
        *(column for column in inferred.columns if column.role == "target"),
    ]
    if pictures.parts is not None:
        columns.append(Column(SPLIT_COLUMN, "categorical", "split", distinct=len(set(pictures.parts.tolist()))))
    return Schema(tuple(columns), inferred.target, len(pictures.x), ())


def _profile(schema: Schema, pictures: Pictures) -> Profile:
    form, target = pictures.form, schema.target
    found: list[tuple[str, Any, str]] = [
        ("architecture", "convolutional", "The plain architecture for pictures; say another if you want one."),
        (
            "features",
            form.height * form.width * form.channels,
            f"Each picture has {form.height} x {form.width} pixels of {form.channels} value{'s'[: form.channels > 1]}.",
        ),
        ("image_height", form.height, pictures.how),
        ("image_width", form.width, pictures.how),
        ("image_channels", form.channels, "One value a pixel is grey, three are a colour."),
        ("labeled_rows", target.labeled_rows, f"{target.labeled_rows:,} pictures have a label."),
        *target_facts(schema),
    ]
    facts = {name: value for name, value, _ in found}
    how = {name: sentence for name, _, sentence in found}
    return Profile(KIND, schema, facts, how, (pictures.how, *pictures.notes))
