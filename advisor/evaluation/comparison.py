"""Says in sentences how a deep net compares with the baselines, and plainly when it is the wrong tool."""

from __future__ import annotations

import math
from collections.abc import Sequence

from advisor.evaluation.baselines import CONSTANT, Baseline
from advisor.evaluation.metrics import Metrics, primary_metric

CLEAR_ERRORS = 2.0
"""A difference counts as clear from two standard errors on: of the difference, the rows taken as independent. Both
models answer the same rows, so the true error is smaller and the judgement errs towards "no clear difference"."""

CLEAR_BALANCED_GAIN = 0.05
"""From this gain in balanced accuracy over the majority class on, a net has learned something (a judgement)."""


def compare_with_baselines(metrics: Metrics, baselines: Sequence[Baseline]) -> tuple[str, ...]:
    """Return what a reader should make of the deep net beside the baselines, the conclusion last.

    Args:
        metrics: The deep net's metrics on the test rows.
        baselines: The baselines', on the same rows.

    Returns:
        One sentence for each baseline, then one or two that conclude.
    """
    sentences = [_sentence(metrics, baseline) for baseline in baselines]
    verdicts = {baseline.name: _verdict(metrics, baseline.metrics) for baseline in baselines}
    titles = {baseline.name: baseline.title for baseline in baselines}
    constant = min((verdicts[name] for name in CONSTANT if name in verdicts), default=1)
    rare = _rare_classes_sentence(metrics, baselines) if constant <= 0 else None
    if rare:
        sentences.append(rare)
    elif constant <= 0:
        sentences.append(
            "The deep net has learned nothing here that answering the same for every row doesn't give: "
            "don't use it as it is."
        )
    better = [name for name in ("linear", "boosted_trees") if verdicts.get(name, 1) < 0]
    if better:
        names = " and ".join(f"the {titles[name]}" if name == "linear" else titles[name] for name in better)
        sentences.append(f"A deep net is the wrong tool for this table: {names} did clearly better on the same rows.")
    elif verdicts.get("linear", 1) == 0:
        sentences.append(
            "The deep net is not clearly better than a linear model here: prefer the linear model, "
            "which is simpler, faster and easier to explain."
        )
    elif verdicts.get("boosted_trees", 1) == 0:
        sentences.append(
            "The deep net and gradient boosting are about equal here: boosting is quicker to train, "
            "so the net needs another reason to be chosen."
        )
    elif constant > 0 and baselines:
        sentences.append("A deep net is a good choice for this table: it is clearly better than every baseline.")
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


def _verdict(net: Metrics, other: Metrics) -> int:
    """Return 1 if the net is clearly better, -1 if clearly worse, 0 if neither can be said."""
    if net.primary is None or other.primary is None:
        return 0
    gain = net.primary - other.primary
    if not primary_metric(net.task).higher_is_better:
        gain = -gain
    noise = CLEAR_ERRORS * math.hypot(net.standard_error or 0.0, other.standard_error or 0.0)
    if abs(gain) <= noise:
        return 0
    return 1 if gain > 0 else -1


def _sentence(net: Metrics, baseline: Baseline) -> str:
    primary = primary_metric(net.task)
    words = {1: "clearly better than", 0: "not clearly different from", -1: "clearly worse than"}
    mine, theirs = _number(net.primary), _number(baseline.metrics.primary)
    return (
        f"On {net.rows} test rows the deep net's {primary.title} is {mine}, "
        f"{words[_verdict(net, baseline.metrics)]} the {theirs} of {_with_article(baseline)}."
    )


def _with_article(baseline: Baseline) -> str:
    return f"the {baseline.title}" if baseline.name == "linear" else baseline.title


def _number(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.4g}"
