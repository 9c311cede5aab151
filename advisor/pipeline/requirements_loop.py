"""While a requirement is missed, the recommendation's ladder says what to try next; every step is measured."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from advisor.artifacts import Event, Rung
from advisor.builder import build_core
from advisor.compression import fold
from advisor.errors import AdvisorError
from advisor.evaluation import measure_sparsity
from advisor.export.preparation import EMBEDDINGS
from advisor.pipeline.candidates import LOOPED
from advisor.pipeline.compressing import Descent, settle
from advisor.pipeline.device import WIDE
from advisor.pipeline.fitting import fit
from advisor.pipeline.preparation import limited
from advisor.pipeline.progress import Progress
from advisor.pipeline.sparsifying import folded, prune
from advisor.recommendation import Recommendation, recommend_again

NARROWEST = 4
"""Neurons of the narrowest network that is tried: with fewer, a layer can hardly pass anything on."""
_SMALL = 0.05
"""Size of the weights that an untrained network gets where it would begin at zero; any size that training reaches."""
WIDTH_SLOTS = {"convolutional": "filters", "recurrent": "recurrent_units"}
"""Architecture → the slot that the fact ``units`` sets there; ``units`` itself in the others."""


@dataclass(frozen=True)
class Context:
    """What every step of the ladder is given besides the descent."""

    checkpoints: Path
    progress: Progress
    resume: bool


Step = Callable[[Descent, Context], None]


def descend(descent: Descent, checkpoints: Path, progress: Progress, resume: bool) -> str:
    """Go down the ladder until every requirement is met.

    Returns:
        An empty text when every requirement is met; else why not, and what came closest.
    """
    context = Context(checkpoints, progress, resume)
    for name in descent.fitted.recommendation.values["compression_ladder"]:
        if descent.is_met:
            break
        try:
            STEPS[name](descent, context)
        except AdvisorError as error:
            descent.skip(name, error.findings[0].message, "failed")
    if descent.is_met or descent.current is None:
        return ""
    text = closest(descent)
    descent.tell(Event("infeasible", text))
    return text


def closest(descent: Descent) -> str:
    """Say which requirements nothing meets, with what came closest to each."""
    parts = []
    for index, requirement in enumerate(descent.requirements):
        measured = [(each.verdicts(descent.requirements)[index], each) for each in descent.candidates]
        at_most = requirement["comparison"] == "at_most"
        verdict, best = min(measured, key=lambda pair: pair[0].measured if at_most else -pair[0].measured)
        words = "at most" if at_most else "at least"
        state = "was met by" if verdict.met else "is met by nothing; closest came"
        parts.append(
            f"{verdict.name} of {words} {verdict.required:g} {verdict.unit} {state} {best.name.replace('_', ' ')} "
            f"with {verdict.measured:.4g} {verdict.unit}"
        )
    tried = sum(rung.artifact is not None for rung in descent.rungs)
    return f"Not every requirement can be met together ({tried} files measured): " + "; ".join(parts) + "."


# ------------------------------------------------------------------------------------------------- the steps


def _fold(descent: Descent, context: Context) -> None:
    fitted, why_not = folded(descent.bench.prepared, descent.fitted, descent.tell)
    if why_not:
        descent.skip("fold_batch_normalization", why_not)
        return
    descent.fitted = fitted
    assert descent.current is not None
    candidate = descent.make(fitted.chosen.core, descent.current.name)
    descent.weigh("fold_batch_normalization", candidate, before=(descent.val, descent.test))


def _loop_steps(descent: Descent, context: Context) -> None:
    name = _kind_of(descent)
    if name.startswith(LOOPED):
        descent.skip("looped_steps", "the steps are a loop already.")
        return
    candidate = descent.make(descent.fitted.chosen.core, f"{LOOPED}{name}")
    descent.weigh("looped_steps", candidate, before=(descent.val, descent.test))


def _precision(name: str) -> Step:
    def step(descent: Descent, context: Context) -> None:
        throughout = name in ("full_int8", WIDE)
        made = f"{name}_integers" if descent.integers_only and throughout else f"{_form(descent)}{name}"
        if any(rung.name in (name, made) for rung in descent.rungs):
            descent.skip(name, "this was measured before.")
            return
        if throughout and made.startswith(LOOPED):
            descent.skip(name, "a loop over steps can't be in integers throughout, and without it the file is larger.")
            return
        why_not = _suffices(descent) if name == WIDE else ""
        if why_not:
            descent.skip(name, why_not)
            return
        candidate = descent.make(descent.fitted.chosen.core, made)
        descent.weigh(name, candidate, before=(descent.val, descent.test))

    return step


def _disappoints(rung: Rung) -> bool:
    """Tell whether 8 bits throughout could not be made, or cost more of the metric than allowed."""
    if rung.cost is None or rung.allowed is None:
        return rung.outcome == "failed"
    return not rung.cost <= rung.allowed


def _suffices(descent: Descent) -> str:
    """Say why what 8 bits throughout cost needs no mending; empty where it does."""
    before = [rung for rung in descent.rungs if rung.name in ("full_int8", "full_int8_integers")]
    if any(_disappoints(rung) for rung in before):
        return ""
    why = before[-1].why if before else "they were not tried."
    return f"8 bits throughout were not too costly: {why}"


def _quantization_aware(descent: Descent, context: Context) -> None:
    from advisor.compression.quantization_aware import train_in_int8

    name = "quantization_aware_int8"
    why_not = _suffices(descent)
    if why_not:
        descent.skip(name, why_not)
        return
    prepared, values = descent.bench.prepared, descent.fitted.recommendation.values
    core = descent.fitted.chosen.core
    preparation, rest = descent.bench.cut(core)
    if EMBEDDINGS in {layer.name for layer in core.layers}:
        descent.skip(name, "networks with embeddings of categories can't be trained in 8 bits.")
        return
    content = train_in_int8(
        rest,
        preparation.compile(),
        prepared.bundle,
        prepared.statistics,
        seed=prepared.request.seed,
        epochs=int(values["quantization_epochs"]),
        rate=float(values["quantization_learning_rate"]),
        batch=int(values["batch_size"]),
        integers=descent.integers_only,
        seconds=prepared.request.time_budget,
    )
    candidate = descent.bench.from_bytes(content, preparation, core, name)
    descent.weigh(name, candidate, before=(descent.val, descent.test))


def _sparse_execution(descent: Descent, context: Context) -> None:
    core = descent.fitted.chosen.core
    zeros = measure_sparsity(core).fraction
    if zeros == 0:
        descent.skip("sparse_execution", "no weight is zero.")
        return
    descent.weigh(
        "sparse_execution",
        descent.bench.make(core, f"{_form(descent)}sparse_float32"),
        before=(descent.val, descent.test),
    )


def _magnitude_pruning(descent: Descent, context: Context) -> None:
    prepared, values = descent.bench.prepared, descent.fitted.recommendation.values
    if values["sparsification"] == "magnitude_pruning":
        pruned = descent.fitted
    else:
        pruned = prune(
            prepared,
            descent.fitted,
            float(values["ladder_sparsity_target"]),
            context.progress,
            descent.tell,
            checkpoints=context.checkpoints / "ladder",
            resume=context.resume,
        )
    candidate = descent.bench.make(pruned.chosen.core, f"{_form(descent)}sparse_float32")
    if descent.weigh("magnitude_pruning", candidate, before=(descent.val, descent.test)):
        descent.fitted = pruned
        descent.val, descent.test = descent.bench.metrics(pruned.chosen.core)


def _no_use_of_smaller(descent: Descent) -> str:
    """Say why a smaller network brings nothing; empty where latency or size is missed."""
    if descent.current is None:
        return "no file of the full size could be made."
    limits = [each for each in descent.requirements if each["name"] in ("latency", "size")]
    if all(verdict.met for verdict in descent.current.verdicts(limits)):
        return "neither latency nor size is missed."
    return ""


def _fewer_units(descent: Descent, context: Context) -> None:
    why_not = _no_use_of_smaller(descent)
    if why_not:
        descent.skip("fewer_units", why_not)
        return
    values = descent.fitted.recommendation.values
    layers = int(values["hidden_layers"])
    floor, found = _search(descent, [layers])
    if found is None:
        descent.skip("fewer_units", f"no width is enough with {layers} hidden layers: {floor}", "no_gain")
        return
    _train_smaller(descent, context, "fewer_units", *found)


def _fewer_layers(descent: Descent, context: Context) -> None:
    why_not = _no_use_of_smaller(descent)
    if why_not:
        descent.skip("fewer_layers", why_not)
        return
    layers = int(descent.fitted.recommendation.values["hidden_layers"])
    if layers <= 1:
        descent.skip("fewer_layers", "there is one hidden layer.")
        return
    floor, found = _search(descent, list(range(layers - 1, 0, -1)))
    if found is None:
        descent.skip("fewer_layers", f"no network is small enough: {floor}", "no_gain")
        return
    _train_smaller(descent, context, "fewer_layers", *found)


STEPS: Mapping[str, Step] = {
    "fold_batch_normalization": _fold,
    "looped_steps": _loop_steps,
    "float16": _precision("float16"),
    "dynamic_int8": _precision("dynamic_int8"),
    "full_int8": _precision("full_int8"),
    WIDE: _precision(WIDE),
    "quantization_aware_int8": _quantization_aware,
    "sparse_execution": _sparse_execution,
    "magnitude_pruning": _magnitude_pruning,
    "fewer_units": _fewer_units,
    "fewer_layers": _fewer_layers,
}
"""Rung of the slot ``compression_ladder`` → the function that tries it."""


# --------------------------------------------------------------------------------------- smaller networks


def _search(descent: Descent, depths: list[int]) -> tuple[str, tuple[int, int] | None]:
    """Find the largest untrained network that keeps latency and size; weights change neither.

    Returns:
        What the smallest one measured, in words; and (hidden layers, units) of the largest that fits, or None.
    """
    values = descent.fitted.recommendation.values
    widest = int(values[WIDTH_SLOTS.get(descent.fitted.recommendation.problem.architecture, "units")])
    widths = [widest // 2**k for k in range(1, 1 + math.ceil(math.log2(max(widest / NARROWEST, 1))))]
    widths = [width for width in widths if width > NARROWEST] + ([NARROWEST] if widest > NARROWEST else [])
    if len(depths) == 0 or not widths:
        return f"a network of {widest} neurons can't be made narrower.", None
    fits, floor = _try(descent, depths[-1], widths[-1])
    if not fits:
        return floor, None
    full = [widest, *widths] if depths[0] < int(values["hidden_layers"]) else widths
    for depth in depths:
        for width in full:
            if (depth, width) == (depths[-1], widths[-1]) or _try(descent, depth, width)[0]:
                return floor, (depth, width)
    return floor, None


def _smaller(descent: Descent, layers: int, units: int) -> Recommendation:
    """Let inference decide again with the size as a fact."""
    request = descent.bench.prepared.request
    size = {"hidden_layers": layers, "units": units}
    how = "a size tried to keep the budgets"
    return limited(recommend_again(descent.fitted.recommendation, size, request.rulebook, how=how), request)


def _try(descent: Descent, layers: int, units: int) -> tuple[bool, str]:
    """Measure an untrained network of a size in the current precision."""
    prepared = descent.bench.prepared
    recommendation = _smaller(descent, layers, units)
    core = build_core(
        recommendation.values,
        prepared.encoder.inputs,
        prepared.statistics,
        task=prepared.bundle.task,
        outputs=prepared.outputs,
        seed=prepared.request.seed,
        architecture=recommendation.problem.architecture,
    )
    _move_from_zero(core)
    core = fold(core).model
    candidate = descent.bench.make(core, _kind_of(descent))
    Path(descent.bench.folder / candidate.artifact.path).unlink(missing_ok=True)
    limits = [each for each in descent.requirements if each["name"] in ("latency", "size")]
    room = float(prepared.values["smaller_network_latency_share"])
    fits = all(
        verdict.measured <= verdict.required * (room if verdict.name == "latency" else 1.0)
        for verdict in candidate.verdicts(limits)
    )
    took = f"{candidate.latency.p99_ms:.4g} ms and {candidate.artifact.bytes / 1000:.4g} kB"
    return fits, f"{layers} layers of {units} neurons take {took}."


def _move_from_zero(core: Any) -> None:
    """Give what begins at zero small values: what is zero for every row has no scale that 8 bits could be run with."""
    generator = np.random.default_rng(0)
    for variable in core.trainable_variables:
        if not np.any(variable):
            variable.assign(_SMALL * generator.normal(size=variable.shape))


def _form(descent: Descent) -> str:
    """Return what begins the name of a file that is made like the best one so far."""
    return LOOPED if descent.current is not None and descent.current.name.startswith(LOOPED) else ""


def _kind_of(descent: Descent) -> str:
    """Return the kind of the best file so far, as one that is exported without training."""
    name = "float32" if descent.current is None else descent.current.name
    if name != "quantization_aware_int8":
        return name
    return "full_int8_integers" if descent.integers_only else "full_int8"


def _train_smaller(descent: Descent, context: Context, rung: str, layers: int, units: int) -> None:
    """Train the network of a size, compress it like the one before, and take it if it comes nearer."""
    prepared = descent.bench.prepared
    recommendation = _smaller(descent, layers, units)
    before = descent.val, descent.test
    descent.tell(
        Event(
            "smaller",
            f"A network of {layers} layers of {units} neurons fits; it is trained.",
            {"layers": layers, "units": units},
        )
    )
    smaller = replace(prepared, recommendation=recommendation)
    checkpoints = context.checkpoints / f"smaller-{layers}x{units}"
    fitted = fit(
        smaller,
        checkpoints=checkpoints,
        logs=context.checkpoints.parent / "logs" / f"smaller-{layers}x{units}",
        resume=context.resume,
        progress=context.progress,
    )
    fitted = settle(smaller, fitted, context.progress, descent.tell, checkpoints=checkpoints, resume=context.resume)
    old = descent.fitted
    if any(type(layer).__name__ == "BatchNormalization" for layer in fitted.chosen.core.layers):
        fitted, _ = folded(smaller, fitted, descent.tell)
    descent.fitted = replace(fitted, trials=(*old.trials, *fitted.trials), events=(*old.events, *fitted.events))
    descent.val, descent.test = descent.bench.metrics(fitted.chosen.core)
    assert descent.current is not None
    try:
        candidate = descent.make(fitted.chosen.core, _kind_of(descent))
        taken = descent.weigh(rung, candidate, before=before, gated=False, network_val=descent.val)
    except AdvisorError as error:
        descent.skip(rung, error.findings[0].message, "failed")
        taken = False
    if not taken:
        descent.fitted, (descent.val, descent.test) = old, before
