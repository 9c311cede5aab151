"""Says in sentences how a deep net compares with the baselines, and plainly when it is the wrong tool."""

from __future__ import annotations

import math
from collections.abc import Sequence

from advisor.artifacts import Array
from advisor.evaluation.baselines import CONSTANT, Baseline
from advisor.evaluation.metrics import Metrics, primary_metric

CLEAR_CONFIDENCE = 0.95
"""A difference counts as clear where zero lies outside its interval of this confidence (Student's t). It is taken row
by row, for rows that are hard for one model are mostly hard for the other; of the overlapping windows of forecasts by
stretches as long as their horizon. Source: Diebold & Mariano 1995, "Comparing Predictive Accuracy"."""

CLEAR_GAIN = 0.01
"""And from this part of the other's error on: RMSE, or the share of wrong answers (a judgement)."""

CLEAR_BALANCED_GAIN = 0.05
"""From this gain in balanced accuracy over the majority class on, a net has learned something (a judgement)."""


UNLEARNED = (*CONSTANT, "naive", "seasonal_naive")
"""Names of the baselines that have learned nothing from the columns or from the past before the last season."""

LINEAR = ("linear", "ridge")
"""Names of the linear models."""


def compare_with_baselines(
    metrics: Metrics,
    baselines: Sequence[Baseline],
    *,
    overlapping: int = 1,
    cut_short: bool = False,
    required: bool = False,
) -> tuple[str, ...]:
    """Return what a reader should make of the deep net beside the baselines, the conclusion last.

    Args:
        metrics: The deep net's metrics on the test rows.
        baselines: The baselines', on the same rows.
        overlapping: Rows one after the other that share targets: the steps of a forecast, else 1.
        cut_short: Whether a time budget ended the training before its time.
        required: Whether the deep net had to keep requirements, which the baselines are not held to.

    Returns:
        One sentence for each baseline, then one to four that conclude.
    """
    verdicts = {each.name: _verdict(metrics, each.metrics, overlapping) for each in baselines}
    sentences = [_sentence(metrics, each, verdicts[each.name]) for each in baselines]
    unlearned = [each for each in baselines if each.name in UNLEARNED and verdicts[each.name] <= 0]
    rare = _rare_classes_sentence(metrics, baselines) if unlearned else None
    if rare:
        sentences.append(rare)
    elif unlearned:
        doing = "answering the same for every row" if unlearned[0].name in CONSTANT else unlearned[-1].title
        sentences.append(f"The deep net has learned nothing here that {doing} doesn't give: don't use it as it is.")
    models = [each for each in baselines if each.name not in UNLEARNED]
    better = [_with_article(each) for each in models if verdicts[each.name] < 0]
    equal = [each for each in models if verdicts[each.name] == 0]
    linear = next((each for each in equal if each.name in LINEAR), None)
    if better:
        sentences.append(
            f"A deep net is the wrong tool for these data: {' and '.join(better)} did clearly better on the same rows."
        )
    elif linear is not None:
        sentences.append(
            f"The deep net is not clearly better than a linear model here: prefer {_with_article(linear)}, "
            "which is simpler, faster and easier to explain."
        )
    elif equal:
        sentences.append(
            "The deep net and gradient boosting are about equal here: boosting is quicker to train, "
            "so the net needs another reason to be chosen."
        )
    elif baselines and not unlearned:
        sentences.append("A deep net is a good choice for these data: it is clearly better than every baseline.")
    if required and (better or equal):
        sentences.append("Whether the simpler models keep what is required here was not measured.")
    if cut_short and (better or equal or unlearned):
        sentences.append("The time budget cut its training short: with more time it may do better.")
    return tuple(sentences)


def _rare_classes_sentence(metrics: Metrics, baselines: Sequence[Baseline]) -> str | None:
    """Return why accuracy hides what the net has learned, where rare classes weigh too little in it; None elsewhere."""
    mine = metrics.values.get("balanced_accuracy")
    for baseline in baselines:
        theirs = baseline.metrics.values.get("balanced_accuracy")
        if (
            baseline.name in CONSTANT
            and mine is not None
            and theirs is not None
            and mine > theirs + CLEAR_BALANCED_GAIN
        ):
            return (
                "Rare classes weigh little in accuracy: judged by balanced accuracy, the deep net reaches "
                f"{_number(mine)} against the {_number(theirs)} of {baseline.title}."
            )
    return None


def _verdict(net: Metrics, other: Metrics, overlapping: int) -> int:
    """Return 1 if the net is clearly better, -1 if clearly worse, 0 if neither can be said."""
    if net.primary is None or other.primary is None:
        return 0
    higher = primary_metric(net.task).higher_is_better
    gain = net.primary - other.primary if higher else other.primary - net.primary
    error = 1 - other.primary if higher else other.primary
    if abs(gain) <= max(_noise(net.contributions - other.contributions, overlapping), CLEAR_GAIN * error):
        return 0
    return 1 if gain > 0 else -1


def _noise(differences: Array, overlapping: int) -> float:
    """Return half the width of the interval of a mean difference, infinite for fewer than two stretches of rows."""
    from scipy.special import stdtrit

    stretches = len(differences) // overlapping
    if stretches < 2:
        return math.inf
    means = differences[: stretches * overlapping].reshape(stretches, overlapping).mean(axis=1)
    error = means.std(ddof=1) / math.sqrt(stretches)
    return float(stdtrit(stretches - 1, (1 + CLEAR_CONFIDENCE) / 2) * error)


def _sentence(net: Metrics, baseline: Baseline, verdict: int) -> str:
    primary = primary_metric(net.task)
    words = {1: "clearly better than", 0: "not clearly different from", -1: "clearly worse than"}
    mine, theirs = _number(net.primary), _number(baseline.metrics.primary)
    return (
        f"On {net.rows} test rows the deep net's {primary.title} is {mine}, {words[verdict]} the {theirs} of "
        f"{_with_article(baseline)}."
    )


def _with_article(baseline: Baseline) -> str:
    return f"the {baseline.title}" if baseline.name == "linear" else baseline.title


def _number(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.4g}"
