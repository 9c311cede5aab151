"""The search for a smaller network narrows what is wide in its architecture, from the width that it has."""

from types import SimpleNamespace

import pytest

from advisor.pipeline import requirements_loop
from advisor.pipeline.requirements_loop import WIDTH_SLOTS, _search
from advisor.recommendation import recommend

WIDTHS = {"convolutional": 32, "recurrent": 64, "dense_stack": 100}


@pytest.mark.parametrize("architecture", WIDTHS)
def test_the_search_begins_below_the_width_of_the_network(architecture, monkeypatch):
    kind = {"convolutional": "image", "recurrent": "series"}.get(architecture, "table")
    given = {"task": "multiclass", "architecture": architecture, "data_kind": kind}
    recommendation = recommend(given)
    tried = []

    def try_size(descent, layers, units):
        narrowed = recommend({**given, "hidden_layers": layers, "units": units}).values
        tried.append(narrowed[WIDTH_SLOTS.get(architecture, "units")])
        return len(tried) == 1 or units <= WIDTHS[architecture] // 4, "small"

    monkeypatch.setattr(requirements_loop, "_try", try_size)
    descent = SimpleNamespace(fitted=SimpleNamespace(recommendation=recommendation))
    layers = recommendation.values["hidden_layers"]
    assert _search(descent, [layers]) == ("small", (layers, WIDTHS[architecture] // 4))
    assert tried == [4, WIDTHS[architecture] // 2, WIDTHS[architecture] // 4]
