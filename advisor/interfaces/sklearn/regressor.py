"""``AdvisedRegressor``: values, predicted by a network that the rules advise."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import RegressorMixin
from sklearn.utils import column_or_1d
from sklearn.utils.validation import _check_y  # as scikit-learn's own estimators check a target

from advisor.interfaces.sklearn.base import Advised
from advisor.interfaces.sklearn.frames import checked_rows


class AdvisedRegressor(RegressorMixin, Advised):
    """A regressor that is advised, trained and measured by Advisor.

    Parameters and attributes are those of :class:`advisor.AdvisedClassifier`, without ``classes_``.
    """

    def fit(self, X: Any, y: Any, *, groups: Any = None) -> AdvisedRegressor:
        """Advise, train and choose a network.

        Args:
            X: (rows, features): a dataframe (text, dates and missing values allowed) or an array of numbers.
            y: (rows,): numbers.
            groups: (rows,): rows of one group, such as a patient, stay in one part of the split. It can be routed as
                metadata with ``set_fit_request(groups=True)``.

        Raises:
            ValueError: If the rows, the target or a parameter can't be used.
        """
        frame = checked_rows(self, X, reset=True)
        values = _check_y(column_or_1d(y, warn=True), y_numeric=True, estimator=self).astype(np.float64)
        self._fit(frame, values, "regression", groups, None)
        return self

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the predicted value of each row, (rows,), in the unit of the target."""
        return np.asarray(self._outputs(X)[:, 0])
