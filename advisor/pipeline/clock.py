"""A time budget, shared out among what is left to do."""

from __future__ import annotations

import time


class Clock:
    """Seconds that a run may spend on training, from the moment it is made."""

    def __init__(self, budget: float | None) -> None:
        """Start the clock; a budget of None is unlimited."""
        self._budget = budget
        self._begun = time.monotonic()

    def share(self, parts: int) -> float | None:
        """Return the seconds that one of so many equal parts of what is left may take; None is unlimited."""
        if self._budget is None:
            return None
        return max(1.0, (self._budget - (time.monotonic() - self._begun)) / max(parts, 1))

    def is_over(self) -> bool:
        """Return whether the budget is used up."""
        return self._budget is not None and time.monotonic() - self._begun >= self._budget
