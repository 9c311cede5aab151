"""Estimators for scikit-learn: the whole expert system behind ``fit`` and ``predict``."""

from advisor.interfaces.sklearn.classifier import AdvisedClassifier
from advisor.interfaces.sklearn.regressor import AdvisedRegressor

__all__ = ["AdvisedClassifier", "AdvisedRegressor"]
