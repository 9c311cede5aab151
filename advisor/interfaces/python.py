"""The whole way from Python: ``advisor.train``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from advisor.problem import Problem
from advisor.recommendation import Recommendation

if TYPE_CHECKING:
    from advisor.pipeline import Progress
    from advisor.run import Run


def train(
    recommendation: Recommendation | Problem | Mapping[str, Any] | None,
    data: Any,
    *,
    target: str | None = None,
    out: str | Path,
    rulebook: str = "homl2",
    split_column: str | None = None,
    validation: Any = None,
    test: Any = None,
    seed: int = 0,
    time_budget: float | None = None,
    data_kind: str | None = None,
    data_options: Mapping[str, Any] | None = None,
    export: Sequence[str] = ("keras", "saved_model", "litert"),
    device_profile: str | Path | None = None,
    pretrained: Any = None,
    unlabeled: Any = None,
    auxiliary: Any = None,
    auxiliary_target: str | None = None,
    resume: bool = False,
    force: bool = False,
    max_epochs: int | None = None,
    single_network: bool = False,
    mlflow: str | bool | None = None,
    progress: Progress | None = None,
) -> Run:
    """Carry out a recommendation on data, and deliver a measured model.

    Args:
        recommendation: A recommendation to carry out as it is; or a problem (or some of its fields) that the data
            complete and the rulebook decides; None leaves everything to the data.
        data: Path of a table, or any dataframe.
        target: Name of the target column; None infers it.
        out: The run folder; it must be new or empty unless ``resume`` or ``force`` say otherwise.
        rulebook: Name or folder of the rulebook, where there is something left to decide.
        split_column: Column with train, val and test.
        validation: Separate rows for validation.
        test: Separate rows for the final measurement.
        seed: Decides split, first weights and order of the rows; from 0 to 2**32 - 1.
        time_budget: Seconds that training may take in all.
        data_kind: ``table``, ``image``, ``series`` or ``text``; None recognizes it.
        data_options: What else there is to say about the data; see :class:`advisor.data.SourceOptions`.
        export: Formats to deliver: ``keras`` and ``litert`` always are, ``saved_model`` and ``onnx`` where named.
        device_profile: Measured latencies of another device as JSON; the latency budget is then for that device.
        pretrained: A run folder, or a ``.keras`` file, whose lower layers are tried as a beginning.
        unlabeled: Rows without labels to pretrain on, in the form of ``data``.
        auxiliary: Labeled data of a similar task to train for first.
        auxiliary_target: Their target column; None infers it.
        resume: Go on with an unfinished run.
        force: Replace an earlier run once the new one is finished.
        max_epochs: Longest training of one network; None leaves it to the rulebook.
        single_network: Train one network only: try no other strengths, and don't train again against overfitting.
        mlflow: Tracking URI of an MLflow store that takes the finished run; True for that of the environment.
        progress: Is told of everything that happens; None shows nothing.

    Returns:
        The finished run, ready to predict.

    Raises:
        AdvisorError: If the request, the data or the disk does not allow it; an earlier run is left as it was.
    """
    from advisor.pipeline import Request, carry_out

    request = Request.of(
        recommendation,
        data,
        target=target,
        rulebook=rulebook,
        split_column=split_column,
        validation=validation,
        test=test,
        seed=seed,
        time_budget=time_budget,
        data_kind=data_kind,
        data_options=data_options or {},
        exports=tuple(export),
        device_profile=None if device_profile is None else Path(device_profile),
        pretrained=pretrained,
        unlabeled=unlabeled,
        auxiliary=auxiliary,
        auxiliary_target=auxiliary_target,
        max_epochs=max_epochs,
        single_network=single_network,
    )
    if not mlflow and mlflow != "":
        return carry_out(request, out, resume=resume, force=force, progress=progress)
    from advisor.interfaces.tracking import open_tracker

    tracker = open_tracker(mlflow if isinstance(mlflow, str) else None)
    run = carry_out(request, out, resume=resume, force=force, progress=progress)
    tracker.log(run)
    return run
