"""A readable script that trains the recommended network without this program: plain Keras, or an explicit loop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from advisor.artifacts import TrainingReport
from advisor.data import Schema
from advisor.errors import ExportError, Finding
from advisor.export.script_constants import constants_of
from advisor.export.script_sources import PictureScript, SeriesScript, describe_pictures, describe_series
from advisor.export.source_text import assignment, literal, prose, quoted, tidy
from advisor.export.table_source import TableSource, describe_table

if TYPE_CHECKING:
    import polars as pl

    from advisor.data import Source

Style = Literal["fit", "loop"]
STYLES = ("fit", "loop")
TEMPLATES = Path(__file__).parent / "templates" / "script"
TASKS = ("regression", "binary", "multiclass", "multilabel", "forecasting")
ARCHITECTURES = {
    "table": ("dense_stack", "wide_and_deep", "residual"),
    "image": ("dense_stack", "wide_and_deep", "residual", "convolutional"),
    "series": ("recurrent",),
    "forecast": ("recurrent",),
    "text": ("recurrent",),
}
"""Kind of data (forecasts apart from labeled series) → the architectures that a script is written for: all of them."""
CALIBRATION_SALT = 6061
"""How validation rows are set aside for calibration; the same as in a run (tested)."""
INITIALIZERS = {"he_normal": "HeNormal", "lecun_normal": "LecunNormal", "glorot_uniform": "GlorotUniform"}
INPUT_REGULARIZERS = ("group_l1_on_inputs",)
REGULARIZERS = {"l1": "L1(STRENGTH)", "l2": "L2(STRENGTH)", "l1_l2": "L1L2(STRENGTH, STRENGTH)"}
LOSSES = {
    "mse": ("mean_squared_error", "MeanSquaredError()"),
    "mae": ("mean_absolute_error", "MeanAbsoluteError()"),
    "huber": ("huber", "Huber(HUBER_DELTA)"),
    "binary_crossentropy": ("binary_crossentropy", "BinaryCrossentropy()"),
    "sparse_categorical_crossentropy": ("sparse_categorical_crossentropy", "SparseCategoricalCrossentropy()"),
}
RANGE_DIVISORS = {"sgd_momentum": 3.0, "sgd_nesterov": 3.0, "rmsprop": 10.0, "nadam": 10.0, "adamw": 10.0}
"""Optimizer → how far below the rate at which the loss shoots up 1cycle's maximum stays, where the recipe doesn't say;
the same as in training (tested). A rate that stays keeps ``STEADY_DIVISOR`` below it."""
STEADY_DIVISOR = 10.0
LEFT_OUT = {
    "weigh_classes": "",
    "sparsify": "zeroing of weights",
    "fold_batch_normalization": "folding of Batch Normalization",
    "quantize": "smaller number formats",
    "meet_budgets": "compression to meet the budgets",
    "mc_dropout": "sampling with MC Dropout",
    "calibrate": "calibration",
}
"""Steps of a plan that the script doesn't take, and what to call them."""
COLOURS = 3


@dataclass(frozen=True)
class ScriptData:
    """The data that a script is written for.

    Attributes:
        path: Path of the data, as the script shall name it.
        schema: What is known about them.
        frame: A table, if it is in memory; the file is read otherwise.
        validation: Path of separate data for validation.
        test: Path of separate data for the final measurement.
        source: The data as the run opened them; a table needs none.
        data: What they were opened from, where that isn't the path.
    """

    path: str
    schema: Schema
    frame: pl.DataFrame | None = field(default=None, repr=False)
    validation: str | None = None
    test: str | None = None
    source: Source | None = field(default=None, repr=False)
    data: Any = field(default=None, repr=False)

    @property
    def kind(self) -> str:
        """The kind of data: ``table``, ``image``, ``series``, ``forecast`` or ``text``."""
        kind = "table" if self.source is None else self.source.kind
        return "forecast" if self.schema.target.task == "forecasting" else kind


@dataclass(frozen=True)
class ScriptFacts:
    """What a run found out and a script repeats.

    Attributes:
        seed: Decides split, first weights and order of the rows.
        maximum_learning_rate: The rate that was used; None leaves finding it to the script.
        epochs: Length of the schedule; None takes the recommended one.
        stop_after: Epoch after which the time budget was used up; None when it wasn't.
        regularization_strength: The strength that was chosen; None takes the first recommended one.
        dropout_rate: The rate that was chosen; None takes the first recommended one.
    """

    seed: int = 0
    maximum_learning_rate: float | None = None
    epochs: int | None = None
    stop_after: int | None = None
    regularization_strength: float | None = None
    dropout_rate: float | None = None

    @classmethod
    def from_training(
        cls,
        report: TrainingReport,
        *,
        seed: int,
        regularization_strength: float | None = None,
        dropout_rate: float | None = None,
    ) -> ScriptFacts:
        """Return the facts of a training that was done.

        Args:
            report: What training did.
            seed: The run's seed.
            regularization_strength: The strength that it was done with.
            dropout_rate: The rate that it was done with.
        """
        epochs = stop_after = None
        for event in report.events:
            if event.kind == "shortened":
                epochs = int(event.facts["epochs"])
            elif event.kind == "stopped" and event.facts.get("reason") == "time_budget":
                stop_after = int(event.facts["epoch"])
        return cls(seed, report.maximum_learning_rate, epochs, stop_after, regularization_strength, dropout_rate)


def generate_script(
    recommendation: Mapping[str, Any],
    recipe: Mapping[str, Any],
    *,
    style: Style = "fit",
    data: ScriptData | None = None,
    facts: ScriptFacts | None = None,
) -> str:
    """Return a standalone Python script that builds and trains what was recommended.

    The style ``loop`` repeats a run's arithmetic step by step: with the run's data and facts its weights equal the
    run's bit for bit. The style ``fit`` is plain ``compile`` and ``fit``: the same network and recipe, equal in quality
    but not in bits. Only numpy, polars and Keras on TensorFlow are imported.

    Args:
        recommendation: The recommendation as its JSON document.
        recipe: The training recipe as a dictionary, see :meth:`advisor.training.Recipe.as_dict`.
        style: ``fit`` or ``loop``.
        data: The table to write it for; None makes a script that takes ``--data`` and ``--target`` and finds out
            itself what the columns are.
        facts: What a run found out.

    Returns:
        Python source, formatted.

    Raises:
        ExportError: If the style is unknown, or the recommendation is for something else than dense stacks on tables.
        DataError: If the table can't be read.
    """
    facts = facts or ScriptFacts()
    decisions: Mapping[str, Any] = recommendation["decisions"]
    values = {slot: decision["value"] for slot, decision in decisions.items()}
    problem: Mapping[str, Any] = recommendation["problem"]
    kind = _kind(problem) if data is None else data.kind
    _check(style, kind, problem, values, recipe)
    recipe = {**recipe, "range_test_divisor": recipe["range_test_divisor"] or RANGE_DIVISORS[recipe["optimizer"]]}
    found = _Described() if data is None else _describe(data)
    task = data.schema.target.task if data is not None else str(problem["task"])
    size = data.schema.target.size if data is not None else problem.get("outputs") or 1
    several = task == "multilabel" or (task == "regression" and size > 1)
    normalized = values["normalization"] == "batch_normalization"
    scaled = task in ("regression", "forecasting") and values["target_scaling"] != "none"
    context: dict[str, Any] = {
        "style": style,
        "kind": kind,
        "architecture": problem["architecture"],
        "task": task,
        "several": several,
        "has_classes": task in ("binary", "multiclass"),
        "values": values,
        "recipe": recipe,
        "table": found.table,
        "pictures": found.pictures,
        "series": found.series,
        "wide": getattr(data.source, "wide", None) if data is not None else None,
        "kinds_of_columns": _kinds_of_columns(found.table, several, task),
        "extra_columns": _extra_columns(found.table, found.series),
        "facts": facts,
        "finds_rate": facts.maximum_learning_rate is None and recipe["maximum_rate"] == "range_test",
        "scaled": scaled,
        "y_are": _targets_in_words(task, scaled, several),
        "balanced": task not in ("regression", "forecasting") and recipe["class_weighting"] == "balanced",
        "averaged": recipe["weight_averaging"] == "ema",
        "augments": kind == "image" and values.get("augmentation", "none") != "none",
        "mirrors": found.pictures is None or found.pictures.form[2] == COLOURS,
        "calibrates": values.get("calibration", "none") != "none",
        "calibration_salt": CALIBRATION_SALT,
        "calibration_share": values.get("calibration_share"),
        "initializer": INITIALIZERS[values["kernel_initializer"]],
        "regularizer": REGULARIZERS.get(values["regularization"]),
        "lets_columns_go": values["regularization"] in INPUT_REGULARIZERS,
        "batch_normalized": normalized,
        "no_bias": normalized and values["normalization_position"] == "before_activation",
        "loss_function": LOSSES[recipe["loss"]][0],
        "loss_class": LOSSES[recipe["loss"]][1],
        "optimizer": recipe["optimizer"],
        "restores": recipe["early_stopping"] != "none",
        "most_accurate": recipe["early_stopping"] == "restore_most_accurate",
        "title": _title(recommendation, kind, found, style),
        "constants": constants_of(
            decisions,
            recipe,
            kind=kind,
            architecture=problem["architecture"],
            has_categories=found.table is None or found.table.has_categories,
            loop=style == "loop",
            maximum_rate=facts.maximum_learning_rate,
            epochs=facts.epochs,
            stop_after=facts.stop_after,
            strength=facts.regularization_strength,
            rate=facts.dropout_rate,
            crosses=bool(data is not None and (getattr(data.source, "wide", None) or {}).get("crosses")),
        ),
    }
    return tidy(_environment().get_template("train.py.j2").render(**context))


@dataclass(frozen=True)
class _Described:
    """What the templates know of the data: a table (of series too), pictures, or nothing yet."""

    table: TableSource | None = None
    pictures: PictureScript | None = None
    series: SeriesScript | None = None

    @property
    def name(self) -> str | None:
        """Name of the file or folder."""
        found = self.table or self.pictures
        return None if found is None else found.name


def _describe(data: ScriptData) -> _Described:
    raw = data.path if data.data is None else data.data
    source: Any = data.source
    if data.kind == "image":
        return _Described(pictures=describe_pictures(data.path, raw, source, data.validation, data.test))
    if data.kind in ("series", "forecast"):
        table, series = describe_series(data.path, raw, source)
        return _Described(table=table, series=series)
    whole = getattr(source, "frame", None)
    return _Described(describe_table(data.path, data.schema, data.frame, data.validation, data.test, whole))


def _kind(problem: Mapping[str, Any]) -> str:
    """Return the kind of data of a problem; its words may leave it to the architecture."""
    if problem.get("task") == "forecasting":
        return "forecast"
    kind = str(problem.get("data_kind") or "table")
    usual = {"convolutional": "image", "recurrent": "series"}.get(str(problem.get("architecture")), "table")
    return usual if kind == "table" else kind


def _kinds_of_columns(table: TableSource | None, several: bool, task: str) -> str:
    """Return the expression for what is read: features and targets, each with its kind."""
    if table is None or task == "forecasting":
        return "FEATURES"
    if several:
        return "{**FEATURES, **TARGETS}"
    is_number = not table.keys or not isinstance(table.keys[0], str)
    return f'{{**FEATURES, TARGET: "{"numeric" if is_number else "categorical"}"}}'


def _extra_columns(table: TableSource | None, series: SeriesScript | None) -> str:
    """Return the expressions for columns that are passed on as they are."""
    found = ["frame[SPLIT_COLUMN]"] if table is not None and table.split_column else []
    if series is not None:
        found += ["frame[SERIES_ID]"] if series.series_id else []
        found += ["frame[TIME]"] if series.uses_time else []
    return ", ".join(found)


def _targets_in_words(task: str, scaled: bool, several: bool) -> str:
    if task == "multiclass":
        return "class numbers (rows,)"
    shape = {"forecasting": "(rows, steps * channels)"}.get(task, "(rows, targets)" if several else "(rows, 1)")
    if task in ("binary", "multilabel"):
        return f"0 and 1 {shape}"
    return f"targets {shape}" + (", standardized" if scaled else "")


def _check(
    style: str, kind: str, problem: Mapping[str, Any], values: Mapping[str, Any], recipe: Mapping[str, Any]
) -> None:
    allowed: dict[str, tuple[Any, tuple[Any, ...]]] = {
        "style": (style, STYLES),
        "task": (problem.get("task"), TASKS),
        "architecture": (problem.get("architecture"), ARCHITECTURES[kind]),
        "kernel_initializer": (values.get("kernel_initializer"), tuple(INITIALIZERS)),
        "regularization": (values.get("regularization"), ("none", "weight_decay", *REGULARIZERS, *INPUT_REGULARIZERS)),
        "dropout": (values.get("dropout"), ("none", "dropout", "alpha_dropout")),
        "normalization": (values.get("normalization"), ("none", "batch_normalization", "layer_normalization")),
        "loss": (recipe.get("loss"), tuple(LOSSES)),
        "optimizer": (recipe.get("optimizer"), tuple(RANGE_DIVISORS)),
        "learning_rate_schedule": (recipe.get("schedule"), ("one_cycle", "constant", "performance")),
    }
    wrong = [
        Finding(
            "E110",
            name,
            f"no script can be generated for {name} {value!r}"
            + (f" and data of the kind {kind}." if name == "architecture" else "."),
            f"Scripts are generated for: {', '.join(choices)}.",
        )
        for name, (value, choices) in allowed.items()
        if value not in choices
    ]
    if wrong:
        raise ExportError(*wrong)


def _title(recommendation: Mapping[str, Any], kind: str, found: _Described, style: Style) -> str:
    rulebook = recommendation.get("rulebook", {})
    what = {"image": "pictures", "forecast": "forecasts", "table": "the target column"}.get(kind, f"a {kind}")
    if found.table is not None and kind != "forecast":
        what = f"`{found.table.target}` in {found.table.name}"
    elif found.name is not None:
        what = f"{'forecasts of' if kind == 'forecast' else 'the pictures in'} {found.name}"
    first = f"Train the network that Advisor configured for {what}."
    first = first if len(first) <= 80 else "Train the network that Advisor configured."
    lines = [prose(first), ""]
    told = f"Every choice was made by a rule of the rulebook {rulebook.get('name', '')}; the constants name it."
    if style == "loop":
        told += (
            " Training is an explicit loop: change `row_losses` to train on a loss of your own, or `train_step` to "
            "change the algorithm."
        )
    lines.append(prose(told))
    missing = [
        LEFT_OUT.get(str(step["step"]), "pretraining" if str(step["step"]).startswith("pretrain") else "")
        for step in recommendation.get("plan", ())
        if step.get("status") != "not_needed"
    ]
    if missing := [name for name in dict.fromkeys(missing) if name]:
        lines += ["", prose(f"Not in this script: {', '.join(missing)}.")]
    needs = ["tensorflow", "keras", "numpy"]
    if kind != "image":
        needs.append("polars")
    elif found.pictures is None or found.pictures.format != "npz":
        needs.append("pillow")
    lines += ["", f"Needs: pip install {' '.join(needs)}"]
    return "\n".join(lines)


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(literal=literal, quoted=quoted)
    environment.globals["assignment"] = assignment
    return environment
