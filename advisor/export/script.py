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
from advisor.export.source_text import assignment, comment, first_sentences, literal, prose, quoted, tidy
from advisor.export.table_source import TableSource, describe_table

if TYPE_CHECKING:
    import polars as pl

Style = Literal["fit", "loop"]
STYLES = ("fit", "loop")
TEMPLATES = Path(__file__).parent / "templates" / "script"
TASKS = ("regression", "binary", "multiclass")
ARCHITECTURES = ("dense_stack", "wide_and_deep", "residual")
INITIALIZERS = {"he_normal": "HeNormal", "lecun_normal": "LecunNormal", "glorot_uniform": "GlorotUniform"}
REGULARIZERS = {"l1": "L1(STRENGTH)", "l2": "L2(STRENGTH)", "l1_l2": "L1L2(STRENGTH, STRENGTH)"}
LOSSES = {
    "mse": ("mean_squared_error", "MeanSquaredError()"),
    "mae": ("mean_absolute_error", "MeanAbsoluteError()"),
    "huber": ("huber", "Huber(HUBER_DELTA)"),
    "binary_crossentropy": ("binary_crossentropy", "BinaryCrossentropy()"),
    "sparse_categorical_crossentropy": ("sparse_categorical_crossentropy", "SparseCategoricalCrossentropy()"),
}
RANGE_DIVISORS = {"sgd_momentum": 3.0, "sgd_nesterov": 3.0, "rmsprop": 10.0, "nadam": 10.0, "adamw": 10.0}
"""Optimizer → how far below the rate at which the loss shoots up the maximum stays, where the recipe doesn't say; the
same as in training (tested)."""
LEFT_OUT = {
    "weigh_classes": "",
    "augment": "augmentation",
    "sparsify": "zeroing of weights",
    "fold_batch_normalization": "folding of Batch Normalization",
    "quantize": "smaller number formats",
    "meet_budgets": "compression to meet the budgets",
    "mc_dropout": "sampling with MC Dropout",
    "calibrate": "calibration",
}
"""Steps of a plan that the script doesn't take, and what to call them."""


@dataclass(frozen=True)
class ScriptData:
    """The table that a script is written for.

    Attributes:
        path: Path of the file, as the script shall name it.
        schema: What is known about the table.
        frame: The table, if it is in memory; the file is read otherwise.
        validation: Path of a separate table for validation.
        test: Path of a separate table for the final measurement.
    """

    path: str
    schema: Schema
    frame: pl.DataFrame | None = field(default=None, repr=False)
    validation: str | None = None
    test: str | None = None


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
    _check(style, problem, values, recipe)
    recipe = {**recipe, "range_test_divisor": recipe["range_test_divisor"] or RANGE_DIVISORS[recipe["optimizer"]]}
    table = None if data is None else describe_table(data.path, data.schema, data.frame, data.validation, data.test)
    task = data.schema.target.task if data is not None else str(problem["task"])
    context: dict[str, Any] = {
        "style": style,
        "task": task,
        "values": values,
        "recipe": recipe,
        "table": table,
        "facts": facts,
        "finds_rate": facts.maximum_learning_rate is None and recipe["maximum_rate"] == "range_test",
        "scaled": task == "regression" and values["target_scaling"] != "none",
        "balanced": task != "regression" and recipe["class_weighting"] == "balanced",
        "averaged": recipe["weight_averaging"] == "ema",
        "initializer": INITIALIZERS[values["kernel_initializer"]],
        "regularizer": REGULARIZERS.get(values["regularization"]),
        "batch_normalized": values["normalization"] == "batch_normalization",
        "loss_function": LOSSES[recipe["loss"]][0],
        "loss_class": LOSSES[recipe["loss"]][1],
        "optimizer": recipe["optimizer"],
        "restores": recipe["early_stopping"] == "restore_best",
        "title": _title(recommendation, table, style),
        "constants": _constants(decisions, values, recipe, facts, table, task, style),
    }
    return tidy(_environment().get_template("train.py.j2").render(**context))


def _check(style: str, problem: Mapping[str, Any], values: Mapping[str, Any], recipe: Mapping[str, Any]) -> None:
    allowed: dict[str, tuple[Any, tuple[Any, ...]]] = {
        "style": (style, STYLES),
        "task": (problem.get("task"), TASKS),
        "architecture": (problem.get("architecture"), ARCHITECTURES),
        "kernel_initializer": (values.get("kernel_initializer"), tuple(INITIALIZERS)),
        "regularization": (values.get("regularization"), ("none", *REGULARIZERS)),
        "dropout": (values.get("dropout"), ("none", "dropout", "alpha_dropout")),
        "normalization": (values.get("normalization"), ("none", "batch_normalization", "layer_normalization")),
        "loss": (recipe.get("loss"), tuple(LOSSES)),
        "optimizer": (recipe.get("optimizer"), tuple(RANGE_DIVISORS)),
        "learning_rate_schedule": (recipe.get("schedule"), ("one_cycle", "constant")),
    }
    wrong = [
        Finding(
            "E110",
            name,
            f"no script can be generated for {name} {value!r}.",
            f"Scripts are generated for: {', '.join(choices)}.",
        )
        for name, (value, choices) in allowed.items()
        if value not in choices
    ]
    if wrong:
        raise ExportError(*wrong)


def _title(recommendation: Mapping[str, Any], table: TableSource | None, style: Style) -> str:
    rulebook = recommendation.get("rulebook", {})
    what = "the target column" if table is None else f"`{table.target}` in {table.name}"
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
    lines += ["", "Needs: pip install tensorflow keras numpy polars"]
    return "\n".join(lines)


@dataclass(frozen=True)
class _Constant:
    name: str
    value: Any
    slot: str = ""
    why: str = ""


def _constants(
    decisions: Mapping[str, Any],
    values: Mapping[str, Any],
    recipe: Mapping[str, Any],
    facts: ScriptFacts,
    table: TableSource | None,
    task: str,
    style: Style,
) -> str:
    """Return the block of constants: what the rules decided first, each with its rule, then details of the methods."""
    decided = [
        *_network(values, facts),
        *_training(values, recipe, facts, style),
    ]
    if table is None or table.has_categories:
        decided.append(_Constant("ONE_HOT_UP_TO", values["categorical_encoding_limit"], "categorical_encoding_limit"))
        size = values.get("embedding_size")
        if size is not None:
            decided.append(_Constant("EMBEDDING_SIZE", size, "embedding_size"))
    blocks: dict[str, list[str]] = {}
    for constant in decided:
        decision = decisions.get(constant.slot, {})
        why = constant.why or f"Rule {decision.get('rule', '')}: {first_sentences(str(decision.get('because', '')))}"
        blocks.setdefault(why, []).append(assignment(constant.name, constant.value))
    lines = [f"{comment(why)}\n" + "\n".join(names) for why, names in blocks.items()]
    return "\n\n".join(lines)


def _network(values: Mapping[str, Any], facts: ScriptFacts) -> list[_Constant]:
    found = [
        _Constant("HIDDEN_LAYERS", values["hidden_layers"], "hidden_layers"),
        _Constant("UNITS", values["units"], "units"),
        _Constant("ACTIVATION", values["activation"], "activation"),
        _Constant("OUTPUT_ACTIVATION", values["output_activation"], "output_activation"),
    ]
    if values["normalization"] == "batch_normalization":
        momentum = values.get("batch_normalization_momentum", 0.99)
        found.append(_Constant("NORMALIZATION_MOMENTUM", momentum, "batch_normalization_momentum"))
    if values["regularization"] != "none":
        strength = facts.regularization_strength
        strength = values["regularization_strengths"][0] if strength is None else strength
        found.append(_Constant("STRENGTH", strength, "regularization"))
    if values["dropout"] != "none":
        rate = facts.dropout_rate
        found.append(_Constant("DROPOUT_RATE", values["dropout_rates"][0] if rate is None else rate, "dropout"))
    return found


def _training(
    values: Mapping[str, Any], recipe: Mapping[str, Any], facts: ScriptFacts, style: Style
) -> list[_Constant]:
    found = [
        _Constant("BATCH_SIZE", recipe["batch_size"], "batch_size"),
        _Constant("MAX_EPOCHS", recipe["max_epochs"] if facts.epochs is None else facts.epochs, "max_epochs"),
    ]
    if facts.stop_after is not None:
        found.append(_Constant("STOP_AFTER", facts.stop_after, why="The run's time budget was used up here."))
    if recipe["early_stopping"] == "restore_best" and recipe["patience_epochs"] is not None:
        found.append(_Constant("PATIENCE_EPOCHS", recipe["patience_epochs"], "patience_epochs"))
    if recipe["gradient_clipping"] is not None:
        found.append(_Constant("LARGEST_GRADIENT", recipe["gradient_clipping"], "gradient_clipping"))
    if facts.maximum_learning_rate is not None:
        why = "Found by the run's range test: the rate at which the loss shoots up, divided by a margin."
        found.append(_Constant("MAXIMUM_LEARNING_RATE", facts.maximum_learning_rate, why=why))
    elif recipe["maximum_rate"] != "range_test":
        found.append(_Constant("MAXIMUM_LEARNING_RATE", recipe["maximum_rate"], "maximum_learning_rate"))
    else:
        why = "The range test, which finds the maximum learning rate: from which rate to which, and what counts."
        names = ("first", "last", "steps", "repeats", "smoothing", "blow_up", "divisor")
        found += [_Constant(f"RANGE_TEST_{name.upper()}", recipe[f"range_test_{name}"], why=why) for name in names]
    if recipe["schedule"] == "one_cycle":
        why = "1cycle: start far below the maximum rate, rise, fall, and end at nearly nothing."
        details = ("start_divisor", "annihilation_fraction", "annihilation_divisor")
        found += [_Constant(name.upper(), recipe[name], why=why) for name in details]
    if facts.maximum_learning_rate is None and recipe["maximum_rate"] == "range_test":
        why = "A training whose loss diverges starts anew with a lower rate."
        retries = ("max_retries", "retry_factor") + (
            ("divergence_factor", "collapse_factor") if style == "loop" else ()
        )
        found += [_Constant(name.upper(), recipe[name], why=why) for name in retries]
    return found + _optimizer(recipe)


def _optimizer(recipe: Mapping[str, Any]) -> list[_Constant]:
    optimizer = recipe["optimizer"]
    found = []
    if optimizer.startswith("sgd"):
        found.append(_Constant("MOMENTUM", recipe["momentum"], "momentum"))
        if recipe["schedule"] == "one_cycle":
            found.append(_Constant("MOMENTUM_DROP", recipe["momentum_drop"], "momentum"))
    else:
        names = {"rmsprop": ("rho",), "nadam": ("beta_1", "beta_2"), "adamw": ("beta_1", "beta_2", "weight_decay")}
        found += [_Constant(name.upper(), recipe[name], "optimizer") for name in (*names[optimizer], "epsilon")]
    if recipe["loss"] == "huber":
        found.append(_Constant("HUBER_DELTA", recipe["huber_delta"], "loss"))
    if recipe["weight_averaging"] == "ema":
        found.append(_Constant("AVERAGING_DECAY", recipe["averaging_decay"], "weight_averaging"))
    if recipe["min_delta"]:
        found.append(_Constant("SMALLEST_GAIN", recipe["min_delta"], "early_stopping"))
    return found


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update(literal=literal, quoted=quoted)
    environment.globals["assignment"] = assignment
    return environment
