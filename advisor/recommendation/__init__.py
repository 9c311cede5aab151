"""The recommendation: what is advised for a problem, why, in which steps, at what cost."""

from advisor.recommendation.recommend import recommend, recommend_again
from advisor.recommendation.recommendation import Decision, Recommendation

__all__ = ["Decision", "Recommendation", "recommend", "recommend_again"]
