"""From data to the facts of a problem, each with a sentence on how it is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from advisor.data.protocols import DataSchema
from advisor.data.schema import Schema


@dataclass(frozen=True)
class Profile:
    """What data say about a problem.

    Attributes:
        kind: The kind of data: ``table``, ``image``, ``series`` or ``text``.
        schema: What is known about the data.
        facts: Fields of a ``Problem`` and their values.
        how: For each fact, in a sentence, how it is known.
        notes: What else a person should know.
    """

    kind: str
    schema: DataSchema
    facts: Mapping[str, Any]
    how: Mapping[str, str]
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready document."""
        return {
            "kind": self.kind,
            "schema": self.schema.to_dict(),
            "facts": dict(self.facts),
            "how": dict(self.how),
            "notes": list(self.notes),
        }


def profile_schema(schema: Schema) -> Profile:
    """Return the profile of a table whose schema is known; see :func:`advisor.data.profile`."""
    found = [*_table_facts(schema), *target_facts(schema)]
    facts = {name: value for name, value, _ in found}
    how = {name: sentence for name, _, sentence in found}
    return Profile("table", schema, facts, how, _notes(schema))


def _table_facts(schema: Schema) -> list[tuple[str, Any, str]]:
    target = schema.target
    categorical = [column for column in schema.features if column.kind == "categorical"]
    largest = max(categorical, key=lambda column: len(column.categories), default=None)
    ignored = sum(column.role == "ignored" for column in schema.columns)
    facts: list[tuple[str, Any, str]] = [
        ("data_kind", "table", "The data are rows of named columns."),
        ("architecture", "dense_stack", "The plain architecture for a table; say another if you want one."),
        (
            "features",
            len(schema.features),
            f"{len(schema.features):,} of {len(schema.columns):,} columns are read by the model"
            + (f"; {ignored:,} are ignored for the reasons in the schema." if ignored else "."),
        ),
        ("labeled_rows", target.labeled_rows, f"{target.labeled_rows:,} of {schema.rows:,} rows have a target."),
    ]
    if target.missing:
        facts.append(("unlabeled_rows", target.missing, f"{target.missing:,} rows have no target."))
    facts.append(("categorical_columns", len(categorical), f"{len(categorical):,} of the features are categorical."))
    if largest is not None:
        most = len(largest.categories)
        facts.append(("max_categories", most, f"{largest.name!r} has the most categories that occur often enough."))
    else:
        facts.append(("max_categories", 0, "There are no categorical features."))
    return facts


def target_facts(schema: DataSchema) -> list[tuple[str, Any, str]]:
    """Return the facts that a target says, each with its value and how it is known."""
    target = schema.target
    facts: list[tuple[str, Any, str]] = [("task", target.task, f"Target {target.name!r}: {target.how}.")]
    if target.task == "regression":
        advice = "only you know whether a prediction must stay positive or within bounds."
        if target.range == "positive":
            advice = "say target_range=positive if every prediction must be above 0 as well."
        facts += [
            ("outputs", target.outputs, "A regression has one output a target column."),
            (
                "target_range",
                "unbounded",
                f"The targets lie between {target.minimum:.6g} and {target.maximum:.6g}; {advice}",
            ),
            (
                "outliers",
                target.outliers,
                "The farthest hundredth of the targets carries "
                + ("more than half" if target.outliers else "no more than half")
                + " of the squared deviation from the median.",
            ),
        ]
        return facts
    if target.task == "multilabel":
        shares = {name: min(each, 1 - each) for name, each in zip(target.classes, target.class_shares, strict=True)}
        rarest = min(shares, key=lambda name: shares[name])
        facts += [
            ("outputs", target.outputs, f"There are {target.outputs:,} labels."),
            ("class_imbalance", shares[rarest], f"The label {rarest!r} divides the rows most unequally."),
        ]
        return facts
    share, rarest = min(zip(target.class_shares, target.classes, strict=True))
    outputs = "A binary task has one output." if target.task == "binary" else f"There are {target.outputs:,} classes."
    facts += [
        ("outputs", target.outputs, outputs),
        ("class_imbalance", share, f"The rarest class, {rarest!r}, has {share:.1%} of the labeled rows."),
    ]
    return facts


def _notes(schema: Schema) -> tuple[str, ...]:
    notes = list(schema.notes)
    notes += [f"{column.name}: {column.note}." for column in schema.columns if column.note]
    return tuple(notes)
