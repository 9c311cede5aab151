"""The constants of a generated script: what the rules decided, each with its rule, and details of the methods."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from advisor.export.source_text import assignment, comment, first_sentences

DENSE = ("dense_stack", "wide_and_deep", "residual")


@dataclass(frozen=True)
class _Constant:
    name: str
    value: Any
    slot: str = ""
    why: str = ""


def constants_of(
    decisions: Mapping[str, Any],
    recipe: Mapping[str, Any],
    *,
    kind: str,
    architecture: str,
    has_categories: bool,
    loop: bool,
    maximum_rate: float | None = None,
    epochs: int | None = None,
    stop_after: int | None = None,
    strength: float | None = None,
    rate: float | None = None,
    crosses: bool = False,
) -> str:
    """Return the block of constants: what the rules decided first, each with its rule, then details of the methods.

    Args:
        decisions: Slot → its decision, as in the recommendation's document.
        recipe: The training recipe as a dictionary.
        kind: Kind of data.
        architecture: Family of the network.
        has_categories: Whether a table has categories.
        loop: Whether training is an explicit loop.
        maximum_rate: The rate that a run used; None leaves finding it to the script.
        epochs: Length of a run's schedule; None takes the recommended one.
        stop_after: Epoch after which a run's time budget was used up.
        strength: The strength of the penalty that a run chose.
        rate: The dropout rate that a run chose.
        crosses: Whether the wide path reads crosses of columns.
    """
    values = {slot: decision["value"] for slot, decision in decisions.items()}
    decided = [
        *_network(values, kind, architecture, strength, rate),
        *_training(values, recipe, maximum_rate, epochs, stop_after, loop),
    ]
    if kind == "table" and has_categories:
        decided.append(_Constant("ONE_HOT_UP_TO", values["categorical_encoding_limit"], "categorical_encoding_limit"))
    if (kind == "table" and has_categories) or kind == "text":
        size = values.get("embedding_size")
        if size is not None:
            decided.append(_Constant("EMBEDDING_SIZE", size, "embedding_size"))
    if crosses:
        decided.append(_Constant("CROSS_BUCKETS", values["cross_buckets"], "cross_buckets"))
    if kind == "text":
        # All kinds of tokens alike: at most so many codes, for what occurs so often, of so many words of a text.
        names = {"MOST_TOKENS": "vocabulary_limit", "FEWEST_TIMES": "token_minimum", "LONGEST_TEXT": "longest_text"}
        if values.get("beginning_letters"):
            names["BEGINNING_LETTERS"] = "beginning_letters"
        if values.get("token_votes", "none") != "none":
            names["VOTE_SHARE"] = "token_vote_share"
        decided += [_Constant(name, values[slot], slot) for name, slot in names.items()]
    blocks: dict[str, list[str]] = {}
    for constant in decided:
        decision = decisions.get(constant.slot, {})
        why = constant.why or f"Rule {decision.get('rule', '')}: {first_sentences(str(decision.get('because', '')))}"
        blocks.setdefault(why, []).append(assignment(constant.name, constant.value))
    lines = [f"{comment(why)}\n" + "\n".join(names) for why, names in blocks.items()]
    return "\n\n".join(lines)


def _network(
    values: Mapping[str, Any], kind: str, architecture: str, strength: float | None, rate: float | None
) -> list[_Constant]:
    names = ["hidden_layers"]
    if architecture in DENSE:
        names += ["units", "activation"]
    elif architecture == "convolutional":
        names += ["filters", "kernel_size", *(["units"] if values["pooling"] == "flatten" else []), "activation"]
    else:
        names += ["recurrent_units"]
    names.append("output_activation")
    found = [_Constant(name.upper(), values[name], name) for name in names]
    if values["normalization"] == "batch_normalization":
        momentum = values.get("batch_normalization_momentum", 0.99)
        found.append(_Constant("NORMALIZATION_MOMENTUM", momentum, "batch_normalization_momentum"))
    if values["regularization"] != "none":
        strength = values["regularization_strengths"][0] if strength is None else strength
        found.append(_Constant("STRENGTH", strength, "regularization"))
    if values["dropout"] != "none":
        found.append(_Constant("DROPOUT_RATE", values["dropout_rates"][0] if rate is None else rate, "dropout"))
    return found


def _training(
    values: Mapping[str, Any],
    recipe: Mapping[str, Any],
    maximum_rate: float | None,
    epochs: int | None,
    stop_after: int | None,
    loop: bool,
) -> list[_Constant]:
    found = [
        _Constant("BATCH_SIZE", recipe["batch_size"], "batch_size"),
        _Constant("MAX_EPOCHS", recipe["max_epochs"] if epochs is None else epochs, "max_epochs"),
    ]
    if stop_after is not None:
        found.append(_Constant("STOP_AFTER", stop_after, why="The run's time budget was used up here."))
    if recipe["early_stopping"] != "none" and recipe["patience_epochs"] is not None:
        found.append(_Constant("PATIENCE_EPOCHS", recipe["patience_epochs"], "patience_epochs"))
    if recipe["gradient_clipping"] is not None:
        found.append(_Constant("LARGEST_GRADIENT", recipe["gradient_clipping"], "gradient_clipping"))
    if maximum_rate is not None:
        why = "Found by the run's range test: the rate at which the loss shoots up, divided by a margin."
        found.append(_Constant("MAXIMUM_LEARNING_RATE", maximum_rate, why=why))
    elif recipe["maximum_rate"] != "range_test":
        found.append(_Constant("MAXIMUM_LEARNING_RATE", recipe["maximum_rate"], "maximum_learning_rate"))
    else:
        why = "The range test, which finds the maximum learning rate: from which rate to which, and what counts."
        names = ("first", "last", "steps", "repeats", "smoothing", "blow_up", "learned", "divisor")
        found += [_Constant(f"RANGE_TEST_{name.upper()}", recipe[f"range_test_{name}"], why=why) for name in names]
    if recipe["schedule"] == "one_cycle":
        why = "1cycle: start far below the maximum rate, rise, fall, and end at nearly nothing."
        details = ("start_divisor", "annihilation_fraction", "annihilation_divisor")
        found += [_Constant(name.upper(), recipe[name], why=why) for name in details]
    if maximum_rate is None and recipe["maximum_rate"] == "range_test":
        why = "A training whose loss diverges starts anew with a lower rate."
        retries = ("max_retries", "retry_factor") + (("divergence_factor", "collapse_factor") if loop else ())
        found += [_Constant(name.upper(), recipe[name], why=why) for name in retries]
    if recipe["schedule"] == "performance":
        why = "Performance scheduling: lower the rate whenever the validation loss has not improved for some epochs."
        found += [_Constant(name.upper(), recipe[name], why=why) for name in ("plateau_factor", "plateau_epochs")]
    found += _optimizer(recipe)
    if recipe["weight_decay"]:
        slot = "regularization" if values["regularization"] == "weight_decay" else "weight_decay"
        found.append(_Constant("WEIGHT_DECAY", recipe["weight_decay"], slot))
    return found


def _optimizer(recipe: Mapping[str, Any]) -> list[_Constant]:
    optimizer = recipe["optimizer"]
    found = []
    if optimizer.startswith("sgd"):
        found.append(_Constant("MOMENTUM", recipe["momentum"], "momentum"))
        if recipe["schedule"] == "one_cycle":
            found.append(_Constant("MOMENTUM_DROP", recipe["momentum_drop"], "momentum"))
    else:
        names = {"rmsprop": ("rho",), "nadam": ("beta_1", "beta_2"), "adamw": ("beta_1", "beta_2")}
        found += [_Constant(name.upper(), recipe[name], "optimizer") for name in (*names[optimizer], "epsilon")]
    if recipe["loss"] == "huber":
        found.append(_Constant("HUBER_DELTA", recipe["huber_delta"], "loss"))
    if recipe["weight_averaging"] == "ema":
        found.append(_Constant("AVERAGING_DECAY", recipe["averaging_decay"], "weight_averaging"))
    if recipe["min_delta"]:
        found.append(_Constant("SMALLEST_GAIN", recipe["min_delta"], "early_stopping"))
    return found
