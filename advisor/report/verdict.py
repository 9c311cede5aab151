"""The sentence that a report opens with: what was delivered, and how good it is beside simple models."""

from __future__ import annotations

from advisor.artifacts import Verdict
from advisor.report.inputs import NETWORK, Metrics, ReportInputs, Score
from advisor.report.wording import counted, in_sentence, joined, number, words

EVEN = 0.01
"""Relative difference of the primary metric up to which two models count as equally good in words."""


def metric_title(metrics: Metrics, name: str) -> str:
    """Return a metric's name for people."""
    return metrics.titles.get(name) or words(name)


def network_score(metrics: Metrics) -> Score | None:
    """Return the delivered network's score."""
    return next((score for score in metrics.scores if score.name == NETWORK), None)


def baselines(metrics: Metrics) -> list[Score]:
    """Return the scores of the other models that have the primary metric."""
    return [score for score in metrics.scores if score.name != NETWORK and metrics.primary in score.values]


def advantage(metrics: Metrics, score: Score, other: Score) -> float:
    """Return by which fraction ``score`` is better than ``other`` in the primary metric; negative when it is worse."""
    mine, theirs = score.values[metrics.primary], other.values[metrics.primary]
    gain = mine - theirs if metrics.greater_is_better else theirs - mine
    return gain / max(abs(theirs), 1e-12)


def quality_sentences(metrics: Metrics, rows: int | None, comparison: tuple[str, ...] = ()) -> list[str]:
    """Return how good the network is, beside each baseline, and whether a deep net is the right tool.

    Args:
        metrics: The comparison.
        rows: Number of rows it was made on; None when unknown.
        comparison: One sentence for each baseline, then a conclusion, which takes the place of this function's own.

    Returns:
        One to three sentences.
    """
    mine = network_score(metrics)
    if mine is None or metrics.primary not in mine.values:
        return ["The delivered network's quality was not measured."]
    unit = f" {metrics.unit}" if metrics.unit else ""
    place = f"On {counted(rows, 'row')} that neither training nor choosing read" if rows else "On the test rows"
    title = in_sentence(metric_title(metrics, metrics.primary))
    text = f"{place}, its {title} is {number(mine.values[metrics.primary])}{unit}"
    others = baselines(metrics)
    if others:
        text += "; for comparison: " + joined(
            f"{other.title} {number(other.values[metrics.primary])}" for other in others
        )
    sentences = [text + "."]
    if comparison:
        return sentences + list(comparison[len(others) :])
    better = [other for other in others if advantage(metrics, mine, other) < -EVEN]
    if better:
        if any(other.name in ("mean", "majority") for other in better):
            sentences.append(
                "That is worse than not looking at the columns at all: this network has learned nothing of use."
            )
        else:
            sentences.append(
                f"Better here: {joined(other.title for other in better)}. A deep net is the wrong tool for these data, "
                "unless you need what only it gives you (its formats, its uncertainty, further training)."
            )
    elif others:
        level = [other for other in others if abs(advantage(metrics, mine, other)) <= EVEN]
        if level:
            sentences.append(
                f"As good, within {EVEN:.0%}: {joined(other.title for other in level)}. The simpler model may do."
            )
        else:
            sentences.append("It is better than every model that it was compared with.")
    return sentences


def requirement_sentence(verdicts: tuple[Verdict, ...]) -> str:
    """Return how many requirements are met, and which are missed."""
    if not verdicts:
        return "No requirement was stated beforehand."
    missed = [words(verdict.name).lower() for verdict in verdicts if not verdict.met]
    if not missed:
        return "The one requirement is met." if len(verdicts) == 1 else f"All {len(verdicts)} requirements are met."
    met = len(verdicts) - len(missed)
    return f"{met} of {counted(len(verdicts), 'requirement')} met; missed: {joined(missed)}."


def comparison_sign(inputs: ReportInputs, name: str) -> str:
    """Return ``at most`` or ``at least`` for a requirement, from the recommendation that states it."""
    for requirement in inputs.recommendation.get("requirements", ()):
        if requirement.get("name") == name and requirement.get("comparison"):
            return str(requirement["comparison"]).replace("_", " ")
    return "at least" if name == "sparsity" else "at most"
