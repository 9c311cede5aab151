"""The way ``auxiliary``: the recommended network is trained for a similar task first, and its lower layers go on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from advisor.artifacts import Epoch, PretrainedBody
from advisor.builder import Trunk, build_core, end_of_preparation, fit_statistics
from advisor.pipeline.fitting import Interrupted, start_paths
from advisor.pipeline.recipes import recipe_for
from advisor.pipeline.reusing import carry_over, categories_of
from advisor.pipeline.reusing_steps import carry_over_steps
from advisor.pipeline.step_network import STEP_KINDS, steps_of
from advisor.pipeline.work import Work
from advisor.problem.merging import complete_facts
from advisor.recommendation import recommend
from advisor.recommendation.plan import NETWORK_SLOTS
from advisor.training import tensorboard_writer, train

SHARED_SLOTS = frozenset(NETWORK_SLOTS) - {"output_activation", "token_votes", "token_vote_share"} | {
    "categorical_encoding_limit",
    "augmentation",
}
"""What both networks have in common; loss, output and everything about training fit the similar task."""


def pretrained_body(work: Work) -> PretrainedBody:
    """Train the recommended network for the similar task, and match its layers to the user's own inputs.

    Raises:
        TrainingError: If it diverges at every rate.
        Interrupted: If the user stopped it.
    """
    prepared, other = work.prepared, work.prepared.others.auxiliary
    assert other is not None  # the stage asks only for what is there
    values, problem = auxiliary_values(work)
    encoder, bundle, task = other.source.encoder, other.bundle, other.bundle.task
    statistics = fit_statistics(
        bundle.train.x,
        encoder.inputs,
        bundle.train.y,
        task,
        values["target_scaling"],
        output_activation=values["output_activation"],
    )
    core = build_core(
        values,
        encoder.inputs,
        statistics,
        task=task,
        outputs=other.source.schema.target.outputs,
        seed=prepared.request.seed,
        architecture=problem.architecture,
    )
    start_paths(core, encoder.inputs, statistics, bundle, values)
    recipe = recipe_for(core, values, task)
    title = f"the similar task, {other.source.schema.target.name} in {other.title}"
    work.progress.fit_begins(title, recipe.max_epochs)
    log = tensorboard_writer(work.logs / "auxiliary", task)

    def told(epoch: Epoch, planned: int) -> None:
        log(epoch, planned)
        work.progress.epoch(epoch)

    report = train(
        core,
        bundle,
        recipe,
        seed=prepared.request.seed,
        statistics=statistics,
        checkpoints=work.checkpoints / "training",
        resume=work.resume,
        on_epoch=told,
        time_budget=work.seconds,
    )
    work.progress.fit_ends()
    if report.interrupted:
        raise Interrupted
    if encoder.inputs.kind in STEP_KINDS:
        body = carry_over_steps(work, "auxiliary", title, steps_of(core, encoder.inputs))
    else:
        trunk = Trunk(core, end_of_preparation(core), place=title)
        categories = categories_of(encoder) if encoder.inputs.kind == "table" else {}
        body = carry_over(work, "auxiliary", title, core, trunk, encoder.inputs, categories)
    word = "accuracy" if task not in ("regression", "forecasting") else "error"
    best = next((each for each in report.epochs if each.number == report.best_epoch), None)
    learned = "" if best is None else f" It reached a validation {word} of {best.val_metric:.4g} there."
    return replace(body, notes=(body.notes[0] + learned,), events=report.events, seconds=report.seconds)


def auxiliary_values(work: Work) -> tuple[dict[str, Any], Any]:
    """Return the slots for the similar task: the network of the user's own, everything else as the rules say for it."""
    other = work.prepared.others.auxiliary
    assert other is not None
    main = work.candidate.recommendation.problem
    profile = other.source.profile
    facts, how = complete_facts({"architecture": main.architecture}, profile.facts, profile.how)
    recommendation = recommend(facts, work.prepared.request.rulebook, measured=how)
    own = {slot: work.values[slot] for slot in SHARED_SLOTS if slot in work.values}
    return {**recommendation.values, **own}, recommendation.problem
