"""How many labeled rows there are to learn from, where a split that was given leaves few of them for training."""

from __future__ import annotations

from dataclasses import replace

from advisor.data.conventions import CONVENTIONS
from advisor.data.profiling import Profile
from advisor.data.splitting import FRACTIONS, Split


def count_for_training(profile: Profile, split: Split) -> Profile:
    """Count labeled rows by those for training, where a given split has far fewer of them than an ordinary one.

    Rules count labeled rows to say how long to train, in which batches, and against how much overfitting, and they
    mean data that are split as usual. Of a hundred rows for training beside thousands for testing they would say too
    much otherwise: a single step an epoch.

    Args:
        profile: What the data say.
        split: How they are divided.

    Returns:
        The same profile, or one whose ``labeled_rows`` are those of an ordinary split with as many training rows. It is
        the same where no row is for training, which is an error of its own.
    """
    labeled = len(split.train) + len(split.val) + len(split.test)
    usual = round(len(split.train) / FRACTIONS[0])
    counts_rows = profile.facts.get("labeled_rows") == labeled and profile.facts.get("task") != "forecasting"
    if not usual or not counts_rows or usual >= CONVENTIONS.least_share_of_usual * labeled:
        return profile
    how = (
        f"{len(split.train):,} of {labeled:,} labeled rows are for training: as many as an ordinary split leaves of "
        f"{usual:,}."
    )
    return replace(profile, facts={**profile.facts, "labeled_rows": usual}, how={**profile.how, "labeled_rows": how})
