"""Tables as a kind of data: read, understood, split and encoded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from os import PathLike
from typing import Any

import polars as pl
from numpy.typing import NDArray

from advisor.artifacts import DataBundle
from advisor.data.bundling import load_bundle
from advisor.data.encoding import Encoder
from advisor.data.frames import to_frame
from advisor.data.inferring import infer_schema
from advisor.data.profiling import Profile, profile_schema
from advisor.data.protocols import SourceOptions
from advisor.data.raw import raw_columns
from advisor.data.reading import read_to_learn
from advisor.data.schema import Schema
from advisor.data.splitting import Split, make_split, stack_frames
from advisor.data.wide_choice import choose_wide

KIND = "table"


class TableSource:
    """A table, with separate tables for validation and test where they were given.

    Attributes:
        kind: ``table``.
        profile: Its schema and what it says about the problem.
        schema: Its schema.
        encoder: The contract from raw rows to numbers.
        wide: What the wide path reads, where that was chosen; see :func:`advisor.data.wide_choice.choose_wide`.
        main: The table as it was read, without separate validation and test rows.
        frame: The whole table, separate validation and test rows appended.
    """

    kind = KIND

    def __init__(self, data: Any, options: SourceOptions) -> None:
        """Read the tables and infer their schema.

        Raises:
            DataError: If the data can't be read or used.
        """
        self._options = options
        self.main, sampled = _table(data)
        self._validation = None if options.validation is None else _table(options.validation)[0]
        self._test = None if options.test is None else _table(options.test)[0]
        self.schema: Schema = infer_schema(
            self.main,
            options.target,
            split_column=options.split_column,
            task=options.task,
            kinds=options.kinds or None,
            allow_missing_target=options.allow_missing_target,
        )
        self.wide = choose_wide(self.schema, options.wide_columns, options.crosses)
        self.profile: Profile = profile_schema(self.schema)
        if sampled:
            self.profile = replace(self.profile, notes=(*self.profile.notes, sampled))
        if self.wide:
            self.profile = _with_wide_path(self.profile, self.wide)

    @cached_property
    def encoder(self) -> Encoder:
        """The contract from raw rows to numbers."""
        return Encoder(self.schema, self.wide)

    @cached_property
    def frame(self) -> pl.DataFrame:
        """The whole table, separate validation and test rows appended."""
        return stack_frames(self.main, self.schema, self._validation, self._test)

    def split(self, seed: int) -> Split:
        """Divide the labeled rows; see :func:`advisor.data.make_split`."""
        return make_split(
            self.main,
            self.schema,
            seed=seed,
            split_column=self._options.split_column,
            validation=self._validation,
            test=self._test,
        )

    def bundle(self, split: Split) -> DataBundle:
        """Encode the parts; see :func:`advisor.data.load_bundle`."""
        return load_bundle(self.main, self.schema, split, self.encoder, validation=self._validation, test=self._test)

    def raw_inputs(self, rows: NDArray[Any]) -> Mapping[str, NDArray[Any]]:
        """Return rows as the exported model for raw rows takes them; see :func:`advisor.data.raw.raw_columns`."""
        return raw_columns(self.frame[rows], self.schema)

    def flat(self, x: NDArray[Any]) -> tuple[NDArray[Any], tuple[Any, ...]]:
        """Return the encoded rows, which are a table already, and their columns."""
        return x, self.encoder.columns


def _table(data: Any) -> tuple[pl.DataFrame, str]:
    return read_to_learn(data) if isinstance(data, str | PathLike) else (to_frame(data), "")


def _with_wide_path(profile: Profile, wide: Mapping[str, Any]) -> Profile:
    """Return a profile that asks for the network with a wide path, whose columns were chosen."""
    told = "You chose what the wide path reads."
    facts = {**profile.facts, "architecture": "wide_and_deep"}
    if wide["columns"] is not None:
        facts["wide_features"] = len(wide["columns"])
    how = {**profile.how, **dict.fromkeys(facts.keys() - profile.facts.keys(), told), "architecture": told}
    return replace(profile, facts=facts, how=how)


def recognize(data: Any, options: SourceOptions) -> str | None:
    """Take everything that no other kind has taken."""
    return "The data are rows of named columns."


def open_source(data: Any, options: SourceOptions) -> TableSource:
    """Read a table."""
    return TableSource(data, options)


def encoder_from_contract(document: Mapping[str, Any]) -> Encoder:
    """Make the encoder that wrote a contract."""
    return Encoder.from_contract(document)
