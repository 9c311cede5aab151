"""What this version carries out, slot by slot; everything else becomes a visible step of the plan.

A test compares this list with the registries of the executing stages.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

ANY_NUMBER = "any number"
"""Stands for every number, list of numbers, and null."""

CARRIED_OUT: Mapping[str, tuple[Any, ...] | str] = {
    "kernel_initializer": ("he_normal", "lecun_normal", "glorot_uniform"),
    "activation": ("elu", "selu", "relu", "leaky_relu", "tanh", "silu"),
    "normalization": ("none", "batch_normalization", "layer_normalization"),
    "normalization_position": ("none", "before_activation", "after_activation"),
    "batch_normalization_momentum": ANY_NUMBER,
    "hidden_layers": ANY_NUMBER,
    "units": ANY_NUMBER,
    "wide_path": (False, True),
    "skip_connections": (False, True),
    "convolution": ("none", "standard", "separable"),
    "filters": ANY_NUMBER,
    "kernel_size": ANY_NUMBER,
    "pooling": ("none", "flatten", "global_average"),
    "recurrent_cell": ("none", "gru", "lstm"),
    "recurrent_units": ANY_NUMBER,
    "embedding_size": ANY_NUMBER,
    "cross_buckets": ANY_NUMBER,
    "augmentation": ("none", "light"),
    "output_activation": ("linear", "softplus", "sigmoid", "tanh", "softmax"),
    "loss": ("mse", "huber", "mae", "binary_crossentropy", "sparse_categorical_crossentropy"),
    "input_normalization": ("standardize",),
    "categorical_encoding_limit": ANY_NUMBER,
    "vocabulary_limit": ANY_NUMBER,
    "token_minimum": ANY_NUMBER,
    "longest_text": ANY_NUMBER,
    "beginning_letters": ANY_NUMBER,
    "token_votes": ("none", "naive_bayes"),
    "longest_series": ANY_NUMBER,
    "window_seasons": ANY_NUMBER,
    "window_horizons": ANY_NUMBER,
    "target_scaling": ("standardize", "scale", "interval", "none"),
    "class_weighting": ("none", "balanced"),
    "regularization": ("none", "l1", "l2", "l1_l2", "group_l1_on_inputs", "weight_decay"),
    "regularization_strengths": ANY_NUMBER,
    "dropout": ("none", "dropout", "alpha_dropout"),
    "dropout_rates": ANY_NUMBER,
    "overfitting_ratio": ANY_NUMBER,
    "overfitting_rise": ANY_NUMBER,
    "evidence_rounds": ANY_NUMBER,
    "optimizer": ("sgd_momentum", "sgd_nesterov", "rmsprop", "nadam", "adamw"),
    "momentum": ANY_NUMBER,
    "weight_decay": ANY_NUMBER,
    "learning_rate_schedule": ("one_cycle", "performance"),
    "maximum_learning_rate": ("range_test", "fixed"),
    "fixed_learning_rate": ANY_NUMBER,
    "range_test_steps": ANY_NUMBER,
    "range_test_repeats": ANY_NUMBER,
    "batch_size": ANY_NUMBER,
    "max_epochs": ANY_NUMBER,
    "early_stopping": ("restore_best", "restore_most_accurate", "none"),
    "patience_epochs": ANY_NUMBER,
    "gradient_clipping": ANY_NUMBER,
    "weight_averaging": ("none", "ema"),
    "pretraining": ("reuse", "unsupervised", "auxiliary"),
    "dropped_layers": ("none", "drop", "replace"),
    "reused_dropout": ("none", "all"),
    "pruned_after": ("training", "fine_tuning"),
    "frozen_epoch_share": ANY_NUMBER,
    "unsupervised_method": ("none", "denoising_autoencoder", "next_step", "masked_step"),
    "damage_rate": ANY_NUMBER,
    "patch_size": ANY_NUMBER,
    "unsupervised_optimizer": ("none", "nadam"),
    "unsupervised_rate": ANY_NUMBER,
    "unsupervised_batch_size": ANY_NUMBER,
    "unsupervised_epochs": ANY_NUMBER,
    "unsupervised_patience": ANY_NUMBER,
    "unsupervised_held_out": ANY_NUMBER,
    "unsupervised_frozen_share": ANY_NUMBER,
    "unsupervised_rate_fractions": ANY_NUMBER,
    "compression_ladder": (
        "fold_batch_normalization",
        "looped_steps",
        "float16",
        "dynamic_int8",
        "full_int8",
        "int16_activations",
        "quantization_aware_int8",
        "sparse_execution",
        "magnitude_pruning",
        "fewer_units",
        "fewer_layers",
    ),
    "quantization_scales": ("per_layer", "per_neuron"),
    "sampling_artifact": ("none", "sampling_signature", "masks_as_inputs"),
    "pruning_optimizer": ("sgd_momentum", "sgd_nesterov", "rmsprop", "nadam", "adamw"),
    "pruning_schedule": ("one_cycle", "constant"),
    "pruning_folds_normalization": (False, True),
    "pruning_spares_output": (False, True),
    "sparsification": ("none", "l1_then_zero", "magnitude_pruning"),
    "fold_batch_normalization": (False, True),
    "precision": ("float32", "float16", "int8"),
    "mc_dropout": (False, True),
    "dropout_rate_search": ("all", "until_worse"),
    "calibration": ("none", "temperature", "conformal"),
}
"""Slot → the values that are carried out; a list is carried out when each of its elements is."""

DESCRIPTIVE = frozenset(
    {
        "allowed_metric_cost",
        "augmentation_shift",
        "calibration_share",
        "fine_tuning_rate_fraction",
        "highest_sparsity",
        "ladder_sparsity_target",
        "leverage_margin_errors",
        "mc_minimum_samples",
        "mc_samples",
        "noise_degrees_of_freedom",
        "pretraining_time_share",
        "pruning_begin_share",
        "pruning_end_share",
        "pruning_epoch_share",
        "pruning_every_epochs",
        "pruning_fewest_epochs",
        "pruning_learning_rate",
        "pruning_time_share",
        "quantization_epochs",
        "quantization_learning_rate",
        "reuse_tries",
        "smaller_network_latency_share",
        "smallest_pruned_layer",
        "sparsity_pattern",
        "sparsity_target",
        "token_vote_share",
        "uncertainty_ladder",
    }
)
"""Slots that only qualify another slot: their step is judged by that one."""

ARCHITECTURES: Mapping[str, tuple[str, ...]] = {
    "dense_stack": ("table", "image"),
    "wide_and_deep": ("table", "image"),
    "residual": ("table", "image"),
    "convolutional": ("image",),
    "recurrent": ("text", "series"),
}
"""Architecture → the kinds of data that it is carried out for."""

TASKS = ("regression", "binary", "multiclass", "multilabel", "forecasting")


def is_carried_out(slot: str, value: Any) -> bool:
    """Tell whether this version carries out a slot's value."""
    if slot in DESCRIPTIVE:
        return True
    allowed = CARRIED_OUT.get(slot)
    if allowed is None:
        return False
    if isinstance(allowed, str):
        return True
    if isinstance(value, list | tuple):
        return all(_is_among(element, allowed) for element in value)
    return _is_among(value, allowed)


def _is_among(value: Any, allowed: tuple[Any, ...]) -> bool:
    return any(type(value) is type(each) and value == each for each in allowed)
