"""The chain of stages and its bounded loop."""

from advisor.pipeline.chain import carry_out, train_network
from advisor.pipeline.fitting import Interrupted
from advisor.pipeline.preparation import Prepared, Request
from advisor.pipeline.progress import Progress, Silent

__all__ = ["Interrupted", "Prepared", "Progress", "Request", "Silent", "carry_out", "train_network"]
