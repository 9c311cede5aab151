from __future__ import annotations

import numpy as np
import pytest

from advisor.artifacts import Statistics
from advisor.builder.blueprint import draw_up
from advisor.builder.columns import lay_out, usual_embedding_size
from advisor.builder.registry import REGISTRY
from advisor.builder.statistics import fit_statistics
from advisor.errors import BuildError

from .conftest import COLUMNS, DEFAULT, Column, table


def draw(change, **others):
    given = {"task": "regression", "outputs": 1, "seed": 0, **others}
    return draw_up({**DEFAULT, **change}, **given)


@pytest.mark.parametrize("slot", sorted(set(REGISTRY) - {"architecture"}))
def test_a_value_that_is_not_registered_is_refused_with_what_is_allowed(slot):
    base = {"normalization": "layer_normalization", "normalization_position": "after_activation"}
    with pytest.raises(BuildError) as caught:
        draw({**base, slot: "witchcraft"})
    finding = next(each for each in caught.value.findings if each.code == "B102")
    assert finding.place == slot
    assert ", ".join(REGISTRY[slot]) in finding.message


@pytest.mark.parametrize("slot", ["activation", "hidden_layers", "units", "categorical_encoding_limit"])
def test_a_slot_that_is_not_decided_is_refused(slot):
    values = {name: value for name, value in DEFAULT.items() if name != slot}
    with pytest.raises(BuildError, match=slot):
        draw_up(values, task="regression", outputs=1, seed=0)


@pytest.mark.parametrize(
    ("slot", "value"), [("hidden_layers", -1), ("units", 0), ("units", True), ("units", 3.5), ("hidden_layers", None)]
)
def test_numbers_out_of_range_are_refused(slot, value):
    with pytest.raises(BuildError, match=f"{slot}.*B103"):
        draw({slot: value})


def test_all_mistakes_are_reported_together():
    with pytest.raises(BuildError) as caught:
        draw({"activation": "sine", "units": 0, "regularization": "l1"}, outputs=0)
    assert {each.place for each in caught.value.findings} == {
        "activation",
        "units",
        "regularization_strengths",
        "outputs",
    }


@pytest.mark.parametrize(
    ("task", "outputs", "activation"),
    [("binary", 2, "sigmoid"), ("multiclass", 1, "softmax"), ("binary", 1, "linear"), ("guess", 1, "linear")],
)
def test_outputs_that_do_not_fit_the_task_are_refused(task, outputs, activation):
    with pytest.raises(BuildError, match="B106"):
        draw({"output_activation": activation}, task=task, outputs=outputs)


def test_a_normalization_without_a_position_is_a_contradiction():
    with pytest.raises(BuildError, match="contradicts"):
        draw({"normalization": "batch_normalization"})


def test_a_given_strength_and_rate_win_over_the_first_ones_listed():
    change = {"regularization": "l2", "regularization_strengths": [0.1], "dropout": "dropout", "dropout_rates": [0.2]}
    listed, given = draw(change), draw(change, regularization_strength=0.3, dropout_rate=0.4)
    assert (listed.regularization_strength, listed.dropout_rate) == (0.1, 0.2)
    assert (given.regularization_strength, given.dropout_rate) == (0.3, 0.4)


def test_seeds_of_layers_differ_and_depend_on_seed_and_name_alone():
    one, other = draw({}), draw({"units": 99, "hidden_layers": 7})
    assert one.seed_of("dense_1") == other.seed_of("dense_1")
    assert len({one.seed_of("dense_1"), one.seed_of("dense_2"), draw({}, seed=1).seed_of("dense_1")}) == 3


def test_the_layout_gives_each_column_its_place():
    statistics = fit_statistics(table(), COLUMNS, None, "binary", "none")
    layout = lay_out(COLUMNS, statistics, 4)
    assert layout.numbers == (0, 1, 2, 4, 6)
    assert layout.flags == (0, 2, 6)
    assert layout.slots == ((3, 0), (3, 2), (3, 3), (3, 4))
    assert [(each.column, each.codes, each.size) for each in layout.embedded] == [(5, 9, 3)]
    assert layout.width == 5 + 3 + 4 + 3
    assert layout.embedding_parameters == 27


def test_the_parts_of_a_date_share_one_flag_and_only_its_days_are_scaled():
    columns = (Column("when:days", "date", part="days"), Column("when:year_sin", "date", part="year_sin"))
    x = np.array([[1000, 0.5], [1010, 0.501], [np.nan, np.nan]], np.float32)
    statistics = fit_statistics(x, columns, None, "binary", "none")
    assert lay_out(columns, statistics, 4).flags == (0,)
    assert statistics.scale.tolist() == [5.0, 1.0]


def test_a_recommended_embedding_size_is_carried_out_exactly():
    statistics = fit_statistics(table(), COLUMNS, None, "binary", "none")
    assert lay_out(COLUMNS, statistics, 4, 8).embedded[0].size == 8
    assert draw({"embedding_size": 8}).embedding_size == 8
    with pytest.raises(BuildError, match=r"embedding_size.*B103"):
        draw({"embedding_size": 0})


def test_an_undecided_size_of_embeddings_grows_with_the_root_of_the_categories():
    assert [usual_embedding_size(n) for n in (1, 4, 5, 9, 10, 2500, 1_000_000)] == [1, 2, 3, 3, 4, 50, 50]


def test_columns_that_cannot_be_built_are_refused():
    statistics = Statistics(np.zeros(2), np.ones(2), np.zeros(2, bool))
    with pytest.raises(BuildError, match="'picture' can't be built"):
        lay_out((Column("a", "picture"), Column("b", "numeric")), statistics, 4)
    with pytest.raises(BuildError, match="statistics describe"):
        lay_out((Column("a", "numeric"),), statistics, 4)
    with pytest.raises(BuildError, match="no input columns"):
        lay_out((), statistics, 4)
    with pytest.raises(BuildError, match="at least 2 codes"):
        lay_out((Column("a", "code", 1), Column("b", "numeric")), statistics, 4)


def test_a_bounded_target_is_mapped_on_what_its_output_reaches():
    assert draw({"target_scaling": "interval", "output_activation": "sigmoid"}).output_activation == "sigmoid"
