"""Learning from rows without labels: damaged rows restored, next steps said, by the body of the recommended network."""

from advisor.training.unsupervised.pretraining import pretrain
from advisor.training.unsupervised.settings import METHODS_WITHOUT_LABELS, Settings

__all__ = ["METHODS_WITHOUT_LABELS", "Settings", "pretrain"]
