"""Data: tables read, understood, split and encoded, with one clear error for each thing that is wrong."""

from advisor.data.bundling import load_bundle
from advisor.data.conventions import CONVENTIONS, Conventions
from advisor.data.dates import date_parts, part_names
from advisor.data.encoding import Encoded, EncodedColumn, Encoder
from advisor.data.frames import to_frame
from advisor.data.inferring import infer_schema
from advisor.data.profiling import Profile, profile_schema
from advisor.data.protocols import DATA_KINDS, DataEncoder, DataSchema, Source, SourceOptions
from advisor.data.reading import FORMATS, read_table
from advisor.data.schema import Column, Schema, Target
from advisor.data.sources import encoder_from_contract, open_source, profile
from advisor.data.splitting import FRACTIONS, Split, make_split, stack_frames
from advisor.data.training_share import count_for_training

__all__ = [
    "CONVENTIONS",
    "DATA_KINDS",
    "FORMATS",
    "FRACTIONS",
    "Column",
    "Conventions",
    "DataEncoder",
    "DataSchema",
    "Encoded",
    "EncodedColumn",
    "Encoder",
    "Profile",
    "Schema",
    "Source",
    "SourceOptions",
    "Split",
    "Target",
    "count_for_training",
    "date_parts",
    "encoder_from_contract",
    "infer_schema",
    "load_bundle",
    "make_split",
    "open_source",
    "part_names",
    "profile",
    "profile_schema",
    "read_table",
    "stack_frames",
    "to_frame",
]
