"""The steps in which a recommendation is carried out, each with whether this version carries it out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from advisor.recommendation.capabilities import ARCHITECTURES, TASKS, is_carried_out
from advisor.recommendation.requirements import requirements_of

Status = Literal["carried_out", "not_carried_out_yet", "not_needed"]


@dataclass(frozen=True)
class Step:
    """One step of the plan.

    Attributes:
        step: Its stable name.
        does: What it does, in one sentence.
        slots: The decided slots that it carries out.
        status: Whether this version carries it out, or it isn't needed.
    """

    step: str
    does: str
    slots: tuple[str, ...]
    status: Status

    def as_dict(self) -> dict[str, Any]:
        """Return the step as a JSON-ready dictionary."""
        return {"step": self.step, "does": self.does, "slots": list(self.slots), "status": self.status}


_PRETRAINING = {
    "reuse": "Reuse the lower layers of the pretrained network: train the new layers first, then all at a lower rate.",
    "unsupervised": "Pretrain the lower layers on the rows without labels, then go on with the labels.",
    "auxiliary": "Train on the similar task first, then go on from its lower layers as in reuse.",
}
_BEFORE = {
    "unsupervised": "a training on the rows without labels and ",
    "auxiliary": "a training on the similar task and ",
}
NETWORK_SLOTS = (
    "hidden_layers",
    "units",
    "kernel_initializer",
    "activation",
    "normalization",
    "normalization_position",
    "batch_normalization_momentum",
    "wide_path",
    "skip_connections",
    "convolution",
    "filters",
    "kernel_size",
    "pooling",
    "recurrent_cell",
    "recurrent_units",
    "embedding_size",
    "cross_buckets",
    "token_votes",
    "token_vote_share",
    "output_activation",
)
_READING = (
    "vocabulary_limit",
    "token_minimum",
    "longest_text",
    "beginning_letters",
    "longest_series",
    "window_seasons",
    "window_horizons",
)
_TRAINING = (
    "loss",
    "optimizer",
    "momentum",
    "weight_decay",
    "learning_rate_schedule",
    "batch_size",
    "max_epochs",
    "early_stopping",
    "patience_epochs",
    "gradient_clipping",
    "weight_averaging",
)
PRETRAINING_SLOTS = (
    "pretraining",
    "unsupervised_method",
    "damage_rate",
    "patch_size",
    "unsupervised_optimizer",
    "unsupervised_rate",
    "unsupervised_batch_size",
    "unsupervised_epochs",
    "unsupervised_patience",
    "unsupervised_held_out",
    "unsupervised_frozen_share",
    "unsupervised_rate_fractions",
    "fine_tuning_rate_fraction",
    "reuse_tries",
    "frozen_epoch_share",
    "dropped_layers",
    "reused_dropout",
    "leverage_margin_errors",
    "pretraining_time_share",
)
"""The slot that says how to start from other data, and those that say more about it; likewise the next two."""
PRUNING_SLOTS = (
    "sparsification",
    "sparsity_target",
    "sparsity_pattern",
    "pruned_after",
    "pruning_optimizer",
    "pruning_schedule",
    "pruning_learning_rate",
    "pruning_epoch_share",
    "pruning_fewest_epochs",
    "pruning_begin_share",
    "pruning_end_share",
    "pruning_every_epochs",
    "pruning_time_share",
    "pruning_folds_normalization",
    "pruning_spares_output",
    "smallest_pruned_layer",
    "highest_sparsity",
)
SAMPLING_SLOTS = (
    "mc_dropout",
    "mc_samples",
    "mc_minimum_samples",
    "uncertainty_ladder",
    "noise_degrees_of_freedom",
    "sampling_artifact",
)
_REGULARIZATION = (
    "regularization",
    "regularization_strengths",
    "dropout",
    "dropout_rates",
    "dropout_rate_search",
    "overfitting_ratio",
    "overfitting_rise",
    "evidence_rounds",
)
_QUANTIZED = {"float16": "16-bit floats", "int8": "8-bit integers"}


def plan_of(facts: Mapping[str, Any], values: Mapping[str, Any]) -> tuple[Step, ...]:
    """Return the ordered steps for a problem and what was decided for it."""
    return _plan(
        tuple((name, facts[name]) for name in ("architecture", "task", "data_kind", "overfitting_observed")),
        tuple((slot, tuple(value) if isinstance(value, list) else value) for slot, value in values.items()),
        bool(requirements_of(facts, values)),
    )


@lru_cache(maxsize=1024)
def _plan(
    known: tuple[tuple[str, Any], ...], decided: tuple[tuple[str, Any], ...], has_requirements: bool
) -> tuple[Step, ...]:
    facts, values = dict(known), dict(decided)
    draft = _Draft(facts, values)
    normalizes = values.get("input_normalization", "none") != "none"
    draft.step(
        "prepare_inputs",
        "Standardize the inputs with the training rows' mean and deviation, and encode categories."
        if normalizes
        else "Encode categories.",
        ("input_normalization", "categorical_encoding_limit", *_READING),
    )
    draft.step(
        "scale_target",
        "Scale the target for training; predictions come back in its own unit.",
        ("target_scaling",),
        needed=values.get("target_scaling", "none") != "none",
    )
    draft.step(
        "weigh_classes",
        "Give the rows of rare classes more weight in training.",
        ("class_weighting",),
        needed=values.get("class_weighting", "none") != "none",
    )
    for kind in values.get("pretraining") or ():
        draft.pretrain(kind)
    if not values.get("pretraining"):
        draft.step("pretrain", "Start from other data.", PRETRAINING_SLOTS, needed=False)
    draft.step(
        "augment",
        "Vary the training images a little in each epoch.",
        ("augmentation", "augmentation_shift"),
        needed=values.get("augmentation", "none") != "none",
    )
    draft.step("build_network", "Build the network.", NETWORK_SLOTS)
    draft.step(
        "find_learning_rate",
        "Find the highest usable learning rate with a range test.",
        ("maximum_learning_rate", "fixed_learning_rate", "range_test_steps", "range_test_repeats"),
        needed=values.get("maximum_learning_rate") == "range_test",
    )
    draft.step("train", "Train, and keep the weights of the best validation epoch.", _TRAINING)
    draft.step("regularize", _regularizing(facts, values), _REGULARIZATION)
    draft.step(
        "sparsify",
        "Set the least important weights of kernels to zero.",
        PRUNING_SLOTS,
        needed=values.get("sparsification", "none") != "none",
    )
    draft.step(
        "fold_batch_normalization",
        "Fold Batch Normalization into the layer before it.",
        ("fold_batch_normalization",),
        needed=bool(values.get("fold_batch_normalization")),
    )
    precision = values.get("precision", "float32")
    draft.step(
        "quantize",
        f"Store the weights as {_QUANTIZED.get(precision, precision)}.",
        ("precision",),
        needed=precision != "float32",
    )
    ladder = values.get("compression_ladder") or ()
    draft.step(
        "meet_budgets",
        f"If a budget is missed, try in turn and measure: {', '.join(ladder).replace('_', ' ')}.",
        (
            "compression_ladder",
            "smaller_network_latency_share",
            "allowed_metric_cost",
            "ladder_sparsity_target",
            "quantization_scales",
            "quantization_epochs",
            "quantization_learning_rate",
        ),
        needed=bool(ladder) and has_requirements,
    )
    draft.step(
        "mc_dropout",
        "Predict with several random dropout masks, and give the mean and the spread.",
        SAMPLING_SLOTS,
        needed=bool(values.get("mc_dropout")),
    )
    draft.step(
        "calibrate",
        "Correct the stated confidence on the validation rows.",
        ("calibration", "calibration_share"),
        needed=values.get("calibration", "none") != "none",
    )
    draft.step("export", "Export the model, reload each file in its own runtime, and compare.", ())
    draft.step("measure", "Measure the delivered model against the requirements and two baselines.", ())
    return tuple(draft.steps)


def _regularizing(facts: Mapping[str, Any], values: Mapping[str, Any]) -> str:
    if values.get("regularization", "none") != "none" or values.get("dropout", "none") != "none":
        return "Regularize as decided; where several strengths are listed, keep the best on the validation rows."
    if facts["overfitting_observed"]:
        return "Train without a regularizer."
    return "If the run overfits, decide again with that evidence, train again, and keep the better on validation."


class _Draft:
    def __init__(self, facts: Mapping[str, Any], values: Mapping[str, Any]) -> None:
        self.values = values
        self.steps: list[Step] = []
        kinds = ARCHITECTURES.get(facts["architecture"], ())
        self.family_is_carried_out = facts["data_kind"] in kinds and facts["task"] in TASKS

    def pretrain(self, kind: str) -> None:
        """Add one way of starting from other data; each is judged by itself."""
        does = _PRETRAINING.get(kind, f"Pretrain: {kind}.")
        tries = 1 if kind == "unsupervised" else max(1, int(self.values.get("reuse_tries") or 1))
        further = f"{'up to ' if tries > 1 else ''}{tries} further training{'s'[: tries > 1]}"
        does += f" It costs {_BEFORE.get(kind, '')}{further}, and is kept if it beats training from scratch."
        able = is_carried_out("pretraining", kind)
        if able and kind == "unsupervised":
            able = is_carried_out("unsupervised_method", self.values.get("unsupervised_method"))
        decided = tuple(slot for slot in PRETRAINING_SLOTS if slot in self.values)
        status: Status = "carried_out" if able and self.family_is_carried_out else "not_carried_out_yet"
        self.steps.append(Step(f"pretrain_{kind}", does, decided, status))

    def step(self, name: str, does: str, slots: tuple[str, ...], *, needed: bool = True) -> None:
        decided = tuple(slot for slot in slots if slot in self.values)
        status: Status = "not_needed"
        if needed:
            able = self.family_is_carried_out and all(is_carried_out(slot, self.values[slot]) for slot in decided)
            status = "carried_out" if able else "not_carried_out_yet"
        self.steps.append(Step(name, does, decided, status))
