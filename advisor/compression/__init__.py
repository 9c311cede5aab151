"""Makes a trained model sparser, faster and smaller, and says what it did."""

from advisor.compression.folding import Folding, fold

__all__ = [
    "Folding",
    "fold",
]
