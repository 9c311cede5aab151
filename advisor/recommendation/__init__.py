"""The recommendation: what is advised for a problem, why, in which steps, at what cost."""

from advisor.recommendation.recommend import recommend
from advisor.recommendation.recommendation import Decision, Recommendation

__all__ = ["Decision", "Recommendation", "recommend"]
