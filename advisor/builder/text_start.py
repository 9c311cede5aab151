"""Where the votes of single tokens start: at how much more often a token occurs with a class than without it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from advisor.artifacts import Array, InputSpec, Part
from advisor.builder.namespace import Model
from advisor.builder.text_inputs import VOTES, codes_of
from advisor.data.text_tokens import FIRST_TOKEN_CODE


def log_count_ratios(x: Array, y: Array, codes: Sequence[int], outputs: int) -> list[Array]:
    """Return the log-count ratio of every token for every output: the weights of a naive Bayes classifier.

    Texts with a token are counted, each once, and one is added everywhere so that nothing is zero.

    Args:
        x: Codes of the training texts, (n, length, kinds of tokens).
        y: Classes (n,), or truth values (n,) or (n, labels).
        codes: How many codes each kind of token has.
        outputs: Number of outputs.

    Returns:
        For each kind of token (codes, outputs); 0 for padding and for unknown tokens.

    Source:
        Wang and Manning 2012, "Baselines and Bigrams: Simple, Good Sentiment and Topic Classification", section 2.1.
    """
    answers = np.asarray(y).reshape(len(y), -1)
    if answers.shape[1] == outputs:
        member = answers > 0.5
    else:
        member = np.asarray(answers.astype(np.int64) == np.arange(outputs))
    counts = [np.ones((2, outputs, each)) for each in codes]
    for row, belongs in zip(x.astype(np.int64), member, strict=True):
        there = row[row[:, 0] > 0]
        for kind, count in enumerate(counts):
            present = np.unique(there[:, kind])
            count[0][np.ix_(belongs, present)] += 1.0
            count[1][np.ix_(~belongs, present)] += 1.0
    for count in counts:
        count[:, :, :FIRST_TOKEN_CODE] = 1.0
    whole = sum(count.sum(axis=2) for count in counts)
    ratios = [np.log(count[0] / count[1]) - np.log(whole[0] / whole[1])[:, np.newaxis] for count in counts]
    for ratio in ratios:
        ratio[:, :FIRST_TOKEN_CODE] = 0.0
    return [ratio.T.astype(np.float32) for ratio in ratios]


STARTS: Mapping[str, Callable[[Array, Array, Sequence[int], int], list[Array]]] = {
    "naive_bayes": log_count_ratios,
}
"""Values of the slot ``token_votes`` but ``none`` → where the votes start."""


def start_votes(core: Model, spec: InputSpec, train: Part, votes: str, share: float) -> bool:
    """Let the votes of single tokens start at a share of what was counted in the training texts.

    Nothing happens to networks without such votes.

    Args:
        core: The untrained network; changed in place.
        spec: What it reads.
        train: Training texts.
        votes: The slot ``token_votes``.
        share: The slot ``token_vote_share``: the part of what was counted that the votes start with.

    Returns:
        Whether there was something to start.
    """
    if votes not in STARTS or VOTES not in {layer.name for layer in core.layers}:
        return False
    layer = core.get_layer(VOTES)
    found = STARTS[votes](train.x, train.y, codes_of(spec), layer.outputs)
    layer.set_weights([np.float32(share) * each for each in found])
    return True
