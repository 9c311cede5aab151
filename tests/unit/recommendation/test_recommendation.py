"""The recommendation: complete, frozen, deterministic, readable without rules."""

import json
import pickle

import pytest

from advisor.errors import ArtifactError, KnowledgeError, ProblemError, RequestError
from advisor.problem import Problem
from advisor.recommendation import Recommendation, recommend, recommend_again
from advisor.recommendation.document import RecommendationDocument

SMALLEST = {"task": "multiclass", "architecture": "dense_stack"}
EVERYTHING = {
    **SMALLEST,
    "features": 20,
    "outputs": 3,
    "labeled_rows": 5000,
    "sparsity": "very_sparse",
    "latency_budget_ms": 1.0,
    "size_budget_kb": 10.0,
    "risk_sensitive": True,
    "unlabeled_rows": 10**6,
}


def test_the_same_problem_gives_the_same_bytes_however_it_is_given():
    problem = Problem.from_facts(EVERYTHING)
    expected = recommend(problem).to_json()
    assert recommend(EVERYTHING).to_json() == expected
    assert recommend(json.dumps(EVERYTHING)).to_json() == expected
    assert recommend(json.dumps(EVERYTHING).encode()).to_json() == expected


def test_it_survives_json_without_the_rules():
    found = recommend(EVERYTHING)
    again = Recommendation.from_json(found.to_json())
    assert again == found
    assert again.values == found.values
    assert again.problem.facts() == found.problem.facts()
    assert again.decisions == found.decisions
    assert again.to_json() == found.to_json()


def test_it_survives_pickling():
    found = recommend(SMALLEST)
    assert pickle.loads(pickle.dumps(found)) == found


def test_its_json_has_the_promised_parts():
    document = json.loads(recommend(EVERYTHING).to_json())
    promised = {"schema_version", "problem", "rulebook", "decisions", "requirements", "plan", "warnings", "trace"}
    assert promised <= set(document)
    assert {"name", "version", "sha256"} <= set(document["rulebook"])
    for decision in document["decisions"].values():
        assert {"value", "rule", "because", "source", "overrides", "alternatives"} <= set(decision)
        assert decision["because"]
        assert all(source["work"] in document["works"] for source in decision["source"])


def test_its_json_follows_its_schema():
    RecommendationDocument.model_validate_json(recommend(EVERYTHING).to_json())


def test_the_promised_slots_are_decided():
    promised = """kernel_initializer activation normalization normalization_position regularization dropout optimizer
        learning_rate_schedule early_stopping hidden_layers units output_activation loss input_normalization pretraining
        sparsification fold_batch_normalization precision mc_dropout"""
    assert set(promised.split()) <= set(recommend(SMALLEST).values)


def test_values_are_read_like_a_mapping():
    found = recommend(SMALLEST)
    assert found["activation"] == "selu"
    assert "activation" in found
    assert list(found) == list(found.values)


def test_an_unknown_slot_is_refused_with_a_suggestion():
    with pytest.raises(RequestError, match="did you mean 'activation'"):
        recommend(SMALLEST)["activaton"]


def test_it_is_frozen():
    found = recommend(SMALLEST)
    with pytest.raises(AttributeError):
        found.values = {}
    with pytest.raises(AttributeError):
        del found.values
    with pytest.raises(TypeError):
        found.values["activation"] = "relu"


def test_changing_a_copy_changes_nothing():
    found = recommend(SMALLEST)
    before = found.to_json()
    found.to_dict()["decisions"].clear()
    found.plan.clear()
    found.requirements.clear()
    assert found.to_json() == before


def test_it_remembers_what_was_stated_and_measured():
    found = recommend({**SMALLEST, "features": 4}, measured={"features": "There are 4 columns."})
    facts = found.trace["facts"]
    assert facts["task"] == {"origin": "given", "how": ""}
    assert facts["features"] == {"origin": "measured", "how": "There are 4 columns."}
    assert facts["outliers"]["origin"] == "default"
    assert found.problem.given == {"task", "architecture", "features"}


def test_every_decision_is_justified_down_to_input_facts():
    found = recommend(EVERYTHING)
    trace, facts = found.trace, found.problem.facts()

    def check(name: str, seen: tuple[str, ...] = ()) -> None:
        assert name not in seen
        if name in facts:
            return
        if name in trace["computed"]:
            reads = trace["computed"][name]["facts"]
        elif name.startswith("decided."):
            reads = found.decisions[name.removeprefix("decided.")].facts
        else:
            reads = trace["derived"][name]["facts"]
        for each in reads:
            check(each, (*seen, name))

    for decision in found.decisions.values():
        assert decision.rule in trace["rules"]
        assert trace["rules"][decision.rule]["status"] == "stands"
        for name in decision.facts:
            check(name)


def test_overridden_values_are_kept():
    decision = recommend(SMALLEST).decisions["activation"]
    assert {
        "rule": "default-configuration",
        "value": "elu",
        "how": "rebutted",
        "by": decision.rule,
    } in decision.overrides


def test_a_withdrawn_rule_says_what_withdrew_it():
    found = recommend({**SMALLEST, "sparsity": "sparse"})
    withdrawn = found.trace["rules"]["self-normalizing-dense-stack"]
    assert withdrawn["status"] == "withdrawn"
    assert withdrawn["withdrawn_by"] == ["sparse-breaks-self-normalization"]
    undercut = [each for each in found.decisions["activation"].overrides if each["how"] == "undercut"]
    assert undercut[0]["value"] == "selu"
    assert any(each["code"] == "W101" for each in found.warnings)


@pytest.mark.parametrize(
    ("facts", "name", "required", "comparison"),
    [
        ({"latency_budget_ms": 2.0}, "latency", 2.0, "at_most"),
        ({"size_budget_kb": 100.0}, "size", 100.0, "at_most"),
        ({"sparsity": "sparse", "sparsity_target": 0.8}, "sparsity", 0.8, "at_least"),
    ],
)
def test_budgets_become_requirements(facts, name, required, comparison):
    (found,) = recommend({**SMALLEST, **facts}).requirements
    assert (found["name"], found["required"], found["comparison"]) == (name, required, comparison)
    assert found["stated_by"] == "problem"


def test_without_budgets_there_are_no_requirements():
    assert recommend(SMALLEST).requirements == []


def test_a_missing_rulebook_is_named():
    with pytest.raises(KnowledgeError, match="homl2"):
        recommend(SMALLEST, "hml2")


def test_a_wrong_problem_is_refused():
    with pytest.raises(ProblemError):
        recommend({"task": "multiclass"})
    with pytest.raises(ProblemError):
        recommend([])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda document: document.update(schema_version="0.9"), "A122"),
        (lambda document: document.pop("plan"), "A123"),
        (lambda document: document.update(extra=1), "A123"),
        (lambda document: document["decisions"]["activation"].pop("rule"), "A123"),
        (lambda document: document.pop("decisions"), "A121"),
    ],
)
def test_a_damaged_document_is_refused(change, code):
    document = recommend(SMALLEST).to_dict()
    change(document)
    with pytest.raises(ArtifactError) as caught:
        Recommendation.from_json(json.dumps(document))
    assert caught.value.findings[0].code == code


def test_a_document_with_a_wrong_problem_is_refused():
    document = recommend(SMALLEST).to_dict()
    document["problem"]["task"] = "guessing"
    with pytest.raises(ProblemError):
        Recommendation.from_json(json.dumps(document))


def test_what_is_no_json_is_refused():
    with pytest.raises(ArtifactError):
        Recommendation.from_json("not json")
    with pytest.raises(ArtifactError):
        Recommendation.from_json("[]")


def test_equality_and_repr():
    found = recommend(SMALLEST)
    assert found == recommend(SMALLEST)
    assert hash(found) == hash(recommend(SMALLEST))
    assert found != recommend({**SMALLEST, "task": "binary"})
    assert found != 1
    assert repr(found) == "Recommendation(task='multiclass', architecture='dense_stack')"


def test_deciding_again_keeps_where_every_other_fact_came_from():
    before = recommend({**SMALLEST, "labeled_rows": 600}, measured={"labeled_rows": "600 rows have a target."})
    for known in (before, Recommendation.from_json(before.to_json())):
        again = recommend_again(known, {"overfitting_observed": True}, "homl2", how="seen in training")
        origins = {name: each["origin"] for name, each in again.trace["facts"].items()}
        assert origins["task"] == "given"
        assert origins["outliers"] == "default"
        assert again.trace["facts"]["labeled_rows"] == {"origin": "measured", "how": "600 rows have a target."}
        assert again.trace["facts"]["overfitting_observed"] == {"origin": "measured", "how": "seen in training"}
        assert again["dropout"] != before["dropout"]
