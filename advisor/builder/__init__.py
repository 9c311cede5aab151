"""From a recommendation and a data schema to a Keras model, with preprocessing inside."""

from advisor.builder.blueprint import Blueprint, draw_up
from advisor.builder.columns import EncodedColumn, Layout, lay_out, usual_embedding_size
from advisor.builder.core import build_core, logits_model, split_core, with_target_units
from advisor.builder.cost import Cost, compiles_well, count_cost
from advisor.builder.describing import describe_steps
from advisor.builder.grafting import Cut, Graft, Trunk
from advisor.builder.layers import register_layers
from advisor.builder.matching import (
    carried_statistics,
    carried_tables,
    carried_weights,
    end_of_preparation,
    put_in,
    table_inputs,
)
from advisor.builder.recurrent import StepForm, recurrent
from advisor.builder.recurrent_steps import laid_out
from advisor.builder.registry import NUMBERS, REGISTRY
from advisor.builder.series_inputs import STANDARDIZED as STANDARDIZED_STEPS
from advisor.builder.series_start import start_forecast
from advisor.builder.serving import Serving, build_serving, input_names
from advisor.builder.statistics import fit_statistics, initial_output_bias, target_scaling
from advisor.builder.text_inputs import EMBEDDED as EMBEDDED_TOKENS
from advisor.builder.text_inputs import kinds_of as token_kinds
from advisor.builder.text_start import start_votes

__all__ = [
    "EMBEDDED_TOKENS",
    "NUMBERS",
    "REGISTRY",
    "STANDARDIZED_STEPS",
    "Blueprint",
    "Cost",
    "Cut",
    "EncodedColumn",
    "Graft",
    "Layout",
    "Serving",
    "StepForm",
    "Trunk",
    "build_core",
    "build_serving",
    "carried_statistics",
    "carried_tables",
    "carried_weights",
    "compiles_well",
    "count_cost",
    "describe_steps",
    "draw_up",
    "end_of_preparation",
    "fit_statistics",
    "initial_output_bias",
    "input_names",
    "laid_out",
    "lay_out",
    "logits_model",
    "put_in",
    "recurrent",
    "register_layers",
    "split_core",
    "start_forecast",
    "start_votes",
    "table_inputs",
    "target_scaling",
    "token_kinds",
    "usual_embedding_size",
    "with_target_units",
]
