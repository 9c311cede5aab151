"""Every kind of data by its name: recognized, opened, and taken up again from a contract.

A kind is a module with three functions: ``recognize(data, options)`` returns in a sentence why the data are of that
kind, or None; ``open_source(data, options)`` returns a :class:`advisor.data.protocols.Source`;
``encoder_from_contract(document)`` returns the encoder that wrote a contract.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from importlib import import_module
from typing import Any

from advisor.data.profiling import Profile
from advisor.data.protocols import DATA_KINDS, DataEncoder, Source, SourceOptions
from advisor.data.training_share import count_for_training
from advisor.errors import DataError, Finding

MODULES: Mapping[str, str] = {
    "image": "advisor.data.image_source",
    "series": "advisor.data.series_source",
    "text": "advisor.data.text_source",
    "table": "advisor.data.table_source",
}
"""Kinds that are carried out, in the order in which data are recognized; a table is what is left."""
USUAL_SEED = 0
"""The seed of a run that isn't given one."""


def recognize_kind(data: Any, options: SourceOptions) -> tuple[str, str]:
    """Return the kind of the data and, in a sentence, how it is known."""
    for kind, module in MODULES.items():
        sentence = import_module(module).recognize(data, options)
        if sentence is not None:
            return kind, sentence
    return "table", "Nothing says that the data are anything else than a table."


def open_source(
    data: Any,
    target: str | None = None,
    *,
    kind: str | None = None,
    **options: Any,
) -> Source:
    """Read data of any kind.

    Args:
        data: A path, or data in memory.
        target: Name of the target column; None leaves it to inference.
        kind: ``table``, ``image``, ``series`` or ``text``; None recognizes it.
        options: Fields of :class:`advisor.data.protocols.SourceOptions`.

    Returns:
        The data, understood; the facts of its profile say the kind and how it was known.

    Raises:
        DataError: If the data can't be read or used as that kind.
    """
    asked = SourceOptions(target=target, **{name: value for name, value in options.items() if value is not None})
    how = "You said so."
    if kind is None:
        kind, how = recognize_kind(data, asked)
    if kind not in MODULES:
        known = "not carried out yet" if kind in DATA_KINDS else "unknown"
        raise DataError(
            Finding("D102", "--data-kind", f"the kind of data {kind!r} is {known}.", f"Allowed: {', '.join(MODULES)}.")
        )
    source: Source = import_module(MODULES[kind]).open_source(data, asked)
    facts = {**source.profile.facts, "data_kind": kind}
    explained = replace(source.profile, facts=facts, how={**source.profile.how, "data_kind": how})
    source.profile = explained
    return source


def encoder_from_contract(document: Mapping[str, Any]) -> DataEncoder:
    """Make the encoder that wrote a contract.

    Raises:
        DataError: If the document isn't a contract of a kind that this version knows.
    """
    kind = document.get("kind", "table") if isinstance(document, Mapping) else "table"
    if kind not in MODULES:
        raise DataError(
            Finding(
                "D190",
                "contract",
                f"it encodes data of the kind {kind!r}, which this version doesn't know.",
                "Use the version of advisor that wrote the run.",
            )
        )
    encoder: DataEncoder = import_module(MODULES[kind]).encoder_from_contract(document)
    return encoder


def profile(
    data: Any,
    target: str | None = None,
    *,
    split_column: str | None = None,
    task: str | None = None,
    kinds: Mapping[str, str] | None = None,
    kind: str | None = None,
    **options: Any,
) -> Profile:
    """Find out what data say about a problem.

    Args:
        data: The path of the data, or data in memory.
        target: See :func:`infer_schema`, as for the other arguments.
        split_column: The column that holds the split.
        task: The task, when it is known better than inferred.
        kinds: Kinds of columns, likewise.
        kind: The kind of the data; None recognizes it.
        options: Other fields of :class:`advisor.data.protocols.SourceOptions`.

    Returns:
        The profile. ``features`` counts the columns that a model reads, before dates and categories are spread out.

    Raises:
        DataError: If the data can't be read or used.
    """
    source = open_source(data, target, kind=kind, split_column=split_column, task=task, kinds=kinds, **options)
    is_divided = any(column.role == "split" for column in getattr(source.schema, "columns", ()))
    if source.kind == "text" or is_divided:
        split = source.split(USUAL_SEED)  # only training rows say which words there are
        return count_for_training(source.profile, split)
    return source.profile
