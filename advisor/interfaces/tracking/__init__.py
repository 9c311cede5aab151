"""Finished runs in an MLflow store: parameters, metrics, documents, and a model for raw rows."""

from advisor.interfaces.tracking.store import Tracker, open_tracker

__all__ = ["Tracker", "open_tracker"]
