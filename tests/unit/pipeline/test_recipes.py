"""What a network and a recommendation say of how it is trained."""

import keras
import pytest

from advisor.pipeline.recipes import recipe_for, recipe_of
from advisor.recommendation import recommend


def network(*layers):
    inputs = keras.Input((8, 8, 1))
    tensor = inputs
    for layer in (*layers, keras.layers.Flatten(), keras.layers.Dense(2, activation="softmax")):
        tensor = layer(tensor)
    return keras.Model(inputs, tensor)


@pytest.mark.parametrize("decided", [None, True, False])
def test_xla_compiles_what_it_makes_faster_and_what_the_recommendation_lets_it(decided):
    values = dict(recommend({"task": "multiclass", "architecture": "dense_stack"}).values)
    if decided is not None:
        values["compiled"] = decided
    allowed = decided is not False
    assert recipe_for(network(), values, "multiclass").compiled is allowed
    assert recipe_of(values, "multiclass").compiled is allowed
    assert recipe_for(network(keras.layers.Conv2D(2, 3)), values, "multiclass").compiled is False
    assert recipe_of({**values, "convolution": "standard"}, "multiclass").compiled is False
