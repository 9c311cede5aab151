"""The JSON form of a recommendation, as a strict model: its schema, and the check of what others wrote."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from advisor.errors import ArtifactError, Finding
from advisor.problem import Problem
from advisor.problem.checking import show
from advisor.problem.strict_json import read_strict_json

SCHEMA_VERSION = "1.0"

Scalar = bool | int | float | str | None
Value = Scalar | list[Scalar]
Text = Annotated[str, Field(max_length=10_000)]
Word = Annotated[str, Field(min_length=1, max_length=200)]


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", allow_inf_nan=False)


class SourceDocument(_Strict):
    """Where a claim comes from."""

    work: Word = Field(description="The work: a key of ``works``.", examples=["homl2"])
    at: Text = Field(description="Place in the work.", examples=["ch. 11, Table 11-4"])


class WorkDocument(_Strict):
    """A work that is cited."""

    kind: Word = Field(description="What kind of work it is.", examples=["book", "paper", "judgement"])
    short: Text = Field(description="How it is called in a sentence.", examples=["HOML2", "Klambauer et al. 2017"])
    citation: Text = Field(description="Author, title and year of the work.")
    link: Text = Field("", description="Where to read it; empty when there is no link.")


class OverriddenDocument(_Strict):
    """A value that another rule would have set."""

    rule: Word = Field(description="The rule that would have set it.")
    value: Value = Field(description="The value that it would have set.")
    how: Literal["rebutted", "undercut"] = Field(
        description="rebutted: the deciding rule has a higher layer; undercut: a rule withdrew this one as a whole."
    )
    by: Word = Field(description="The rule that overrode or withdrew it.")


class DecisionDocument(_Strict):
    """One decided slot."""

    value: Value = Field(description="What was decided; a Keras identifier where Keras has one.", examples=["selu"])
    rule: Word = Field(description="The rule that decided it.", examples=["self-normalizing-dense-stack"])
    because: Text = Field(description="Why, in whole sentences.")
    source: list[SourceDocument] = Field(description="Where the claim comes from.")
    overrides: list[OverriddenDocument] = Field(description="Values that it replaced.")
    alternatives: list[Scalar] = Field(description="Other values that the source names as equally good.")
    title: Text = Field(description="The slot's name for people.")
    group: Text = Field(description="The heading under which it is shown.")
    facts: dict[str, Value] = Field(description="The facts that the deciding rule read, with their values.")
    further_rules: list[Word] = Field(
        default_factory=list, description="Further rules that contributed elements to a list that several rules fill."
    )


class RequirementDocument(_Strict):
    """A number that the delivered model must keep."""

    name: Literal["latency", "size", "sparsity", "metric_cost"]
    required: float = Field(description="The number that is required.")
    unit: Word = Field(description="Its unit.", examples=["ms"])
    comparison: Literal["at_most", "at_least"]
    measured_as: Text = Field(description="What is measured on the delivered model.")
    stated_by: Literal["problem", "rulebook"] = Field(description="Who asks for it.")


class StepDocument(_Strict):
    """One step of the plan."""

    step: Word = Field(description="Stable name of the step.", examples=["train"])
    does: Text = Field(description="What it does.")
    slots: list[Word] = Field(description="The decided slots that it carries out.")
    status: Literal["carried_out", "not_carried_out_yet", "not_needed"] = Field(
        description="Whether this version of the program carries the step out."
    )


class WarningDocument(_Strict):
    """Something to know before using the recommendation."""

    code: Word = Field(description="Stable code.", examples=["W103"])
    message: Text = Field(description="What it is, in whole sentences.")
    about: list[Word] = Field(description="The fields and slots that it is about.")


class EstimateDocument(_Strict):
    """What the network costs, counted before anything is built."""

    inputs: int = Field(description="Encoded inputs that it was counted for.")
    outputs: int
    parameters: int
    trainable_parameters: int
    bytes: int = Field(description="Size of the weights at the recommended precision.")
    multiply_adds: int = Field(description="Multiplications with addition for one row.")
    assumes: Text = Field(description="What the numbers rest on.")


class OriginDocument(_Strict):
    """Where an input fact came from."""

    origin: Literal["given", "measured", "default"]
    how: Text = Field("", description="How it was measured, or why it is the default.")


class ConclusionDocument(_Strict):
    """A derived fact."""

    value: Value
    rule: Word | None = Field(description="The rule that concluded it; null when it has its value by default.")
    facts: dict[str, Value] = Field(description="The facts that this rule read.")


class ComputedDocument(_Strict):
    """A number computed from facts and decided slots."""

    value: float | int | None
    unit: Text
    facts: dict[str, Value] = Field(description="What it was computed from.")


class RuleTraceDocument(_Strict):
    """A rule whose condition held."""

    title: Text
    layer: Word
    limits: Text
    facts: dict[str, Value] = Field(description="The facts that satisfied its condition.")
    sets: dict[str, Value]
    concludes: dict[str, Value]
    defeats: list[Word]
    status: Literal["stands", "withdrawn"]
    withdrawn_by: list[Word]
    because: Text = Field("", description="Why; left out for a rule that decides a slot, which says it.")
    source: list[SourceDocument] = Field(default_factory=list, description="Where the claim comes from; likewise.")


class TraceDocument(_Strict):
    """How the decisions came about, down to the input facts."""

    facts: dict[str, OriginDocument]
    derived: dict[str, ConclusionDocument]
    computed: dict[str, ComputedDocument]
    rules: dict[str, RuleTraceDocument]


class RulebookDocument(_Strict):
    """The rulebook that decided."""

    name: Word = Field(examples=["homl2"])
    version: Word = Field(examples=["1.0.0"])
    title: Text
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class RecommendationDocument(_Strict):
    """An explained recommendation: complete, so that it can be carried out without the rules that made it."""

    schema_version: Literal["1.0"] = Field(description="Version of this format.")
    problem: Problem
    rulebook: RulebookDocument
    decisions: dict[str, DecisionDocument] = Field(description="Slot → what was decided and why.")
    requirements: list[RequirementDocument]
    plan: list[StepDocument] = Field(description="The steps in which it is carried out, in order.")
    warnings: list[WarningDocument]
    estimate: EstimateDocument | None = Field(description="Cost of the network; null when it can't be counted yet.")
    trace: TraceDocument
    works: dict[str, WorkDocument] = Field(description="The works that are cited, by key.")


def read_document(text: str | bytes) -> tuple[dict[str, Any], Problem]:
    """Check a recommendation that was written as JSON.

    Returns:
        The document as plain dictionaries and lists, and its problem.

    Raises:
        ArtifactError: If it is no JSON, or no recommendation of a format that this version reads.
        ProblemError: If the problem in it is not valid.
    """
    raw = read_strict_json(text, what="a recommendation", error=ArtifactError)
    if not isinstance(raw, dict) or "schema_version" not in raw or "decisions" not in raw:
        raise ArtifactError(
            Finding("A121", "", "this is no recommendation.", "Make one with: advisor recommend PROBLEM.json --json")
        )
    if raw["schema_version"] != SCHEMA_VERSION:
        message = f"the recommendation has format {show(raw['schema_version'])}; this version reads {SCHEMA_VERSION!r}."
        raise ArtifactError(Finding("A122", "schema_version", message, "Recommend again with this version."))
    try:
        checked = RecommendationDocument.model_validate(raw)
    except ValidationError as error:
        found = [
            Finding("A123", ".".join(map(str, detail["loc"])), f"{detail['msg']}; received {show(detail['input'])}.")
            for detail in error.errors(include_url=False)[:20]
        ]
        raise ArtifactError(*found) from None
    return raw, checked.problem
