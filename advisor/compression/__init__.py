"""Makes a trained model sparser, faster and smaller, and says what it did."""

from advisor.compression.folding import Folding, difference, fold
from advisor.compression.masking import GradualPruning, Target, mask_of, plan_pruning
from advisor.compression.rounding import round_kernels
from advisor.compression.zeroing import Zeroed, zero_tiny_weights

__all__ = [
    "Folding",
    "GradualPruning",
    "Target",
    "Zeroed",
    "difference",
    "fold",
    "mask_of",
    "plan_pruning",
    "round_kernels",
    "zero_tiny_weights",
]
