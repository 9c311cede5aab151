"""When a training counts as overfitted: evidence for "regularization if needed"."""

from __future__ import annotations

import math

from advisor.artifacts import Event, TrainingReport


def overfits(report: TrainingReport, *, largest_gap: float, largest_rise: float) -> Event | None:
    """Say whether a training overfitted.

    It did if, at the best epoch, the validation loss exceeded the training loss by more than the factor
    ``largest_gap``; or if, after the best epoch, the validation loss rose by more than the share ``largest_rise`` while
    the training loss went on falling. Both losses are means over an epoch; the training loss holds dropout and
    penalties, which makes the gap look smaller, never larger.

    Args:
        report: What training did.
        largest_gap: Allowed validation loss over training loss at the best epoch, such as 2.
        largest_rise: Allowed rise of the validation loss after the best epoch, as a fraction, such as 0.2.

    Returns:
        An event of kind ``overfitting`` with the numbers behind it, or None.
    """
    if not report.epochs or not 1 <= report.best_epoch <= len(report.epochs):
        return None
    best, last = report.epochs[report.best_epoch - 1], report.epochs[-1]
    gap = best.val_loss / best.loss if best.loss > 0 else math.inf
    rise = last.val_loss / best.val_loss - 1 if best.val_loss > 0 else 0.0
    facts = {"gap": gap, "rise": rise, "best_epoch": best.number, "last_epoch": last.number}
    if rise > largest_rise and last.loss < best.loss:
        message = (
            f"After epoch {best.number} the validation loss rose by {rise:.0%} while the training loss still fell: "
            "the network overfits."
        )
        return Event("overfitting", message, facts)
    if gap > largest_gap:
        message = (
            f"At its best epoch, {best.number}, the validation loss was {gap:.1f} times the training loss: "
            "the network overfits."
        )
        return Event("overfitting", message, facts)
    return None
