"""Which decisions of a recommendation mean nothing for its problem, so that readers may be spared them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from advisor.recommendation.plan import PRETRAINING_SLOTS, PRUNING_SLOTS, SAMPLING_SLOTS

QUALIFIES: Mapping[str, tuple[str, Any]] = {
    "normalization_position": ("normalization", "none"),
    "regularization_strengths": ("regularization", "none"),
    "dropout_rates": ("dropout", "none"),
    "dropout_rate_search": ("dropout", "none"),
    **dict.fromkeys(PRETRAINING_SLOTS[1:], (PRETRAINING_SLOTS[0], [])),
    "augmentation_shift": ("augmentation", "none"),
    "calibration_share": ("calibration", "none"),
    "smaller_network_latency_share": ("compression_ladder", []),
    "cross_buckets": ("wide_path", False),
    "token_vote_share": ("token_votes", "none"),
    **dict.fromkeys(("filters", "kernel_size", "pooling"), ("convolution", "none")),
    "recurrent_units": ("recurrent_cell", "none"),
    "fixed_learning_rate": ("maximum_learning_rate", "range_test"),
    **dict.fromkeys(("range_test_steps", "range_test_repeats"), ("maximum_learning_rate", "fixed")),
    **dict.fromkeys(PRUNING_SLOTS[1:], (PRUNING_SLOTS[0], "none")),
    "pruned_after": ("pretraining", []),
    "ladder_sparsity_target": ("compression_ladder", []),
    "quantization_scales": ("precision", "float32"),
    "quantization_epochs": ("compression_ladder", []),
    "quantization_learning_rate": ("compression_ladder", []),
    "allowed_metric_cost": ("compression_ladder", []),
    **dict.fromkeys(SAMPLING_SLOTS[1:], (SAMPLING_SLOTS[0], False)),
}
"""Slots that say more about another slot, and the value of that one with which they mean nothing."""

WITHOUT_UNITS = (("recurrent_cell", "gru"), ("recurrent_cell", "lstm"), ("pooling", "global_average"))
"""Slots and values of networks that have no dense hidden layer."""

KINDS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(
        ("vocabulary_limit", "token_minimum", "longest_text", "beginning_letters", "token_votes"), ("text",)
    ),
    **dict.fromkeys(("longest_series", "window_seasons", "window_horizons"), ("series",)),
    "categorical_encoding_limit": ("table", "series", "text"),
    "embedding_size": ("table", "series", "text"),
}
"""Slots about one side of the data, and the kinds of data that have it."""
CATEGORIES = ("categorical_encoding_limit", "embedding_size")
"""Slots about categories: a table whose columns were seen to be numbers has none."""


def without_effect(document: Mapping[str, Any], slot: str) -> bool:
    """Tell whether a decided slot means nothing here: what it says more about is off, or the data have no such side.

    Args:
        document: The recommendation's JSON document.
        slot: The slot.

    Examples:
        >>> from advisor.recommendation import recommend
        >>> document = recommend({"task": "binary", "architecture": "dense_stack"}).document
        >>> [without_effect(document, slot) for slot in ("vocabulary_limit", "mc_samples", "batch_size")]
        [True, True, False]
    """
    decisions = document["decisions"]
    if slot in QUALIFIES:
        main, off = QUALIFIES[slot]
        return main in decisions and bool(decisions[main]["value"] == off)
    if slot == "batch_normalization_momentum" and "normalization" in decisions:
        return bool(decisions["normalization"]["value"] != "batch_normalization")
    if slot == "momentum" and "optimizer" in decisions:
        return not str(decisions["optimizer"]["value"]).startswith("sgd_")
    if slot == "units":
        return any(each in decisions and decisions[each]["value"] == value for each, value in WITHOUT_UNITS)
    problem = document.get("problem", {})
    kind = problem.get("data_kind", "table")
    if slot in KINDS and kind not in KINDS[slot]:
        return True
    if slot in CATEGORIES and kind == "table" and problem.get("categorical_columns") == 0:
        facts = (document.get("trace") or {}).get("facts", {})
        return bool(facts.get("categorical_columns", {"origin": "default"})["origin"] != "default")
    return False


def is_off(decision: Mapping[str, Any]) -> bool:
    """Tell whether something optional is simply not used: it has no value, and no fact of the problem spoke against it.

    A fraction of 0.0 is a value, such as where the pruning begins.
    """
    value = decision["value"]
    return (value == "none" or (not value and not isinstance(value, float))) and not decision.get("facts")
