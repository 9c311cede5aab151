"""Whole numbers as JSON Schema has them: 20.0 is the whole number 20."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeVar

from advisor.errors import AdvisorError
from advisor.problem.strict_json import read_strict_json

Result = TypeVar("Result")


def with_whole_numbers(body: bytes, work: Callable[[bytes], Result]) -> Result:
    """Do something with a JSON text; where it's refused, once more with whole numbers written without a fraction.

    Only a text that was refused is rewritten: all others cost nothing more and keep every number as it was written.

    Raises:
        AdvisorError: If it is refused again, or has no such numbers.
    """
    try:
        return work(body)
    except AdvisorError:
        if b".0" not in body and b"e" not in body.lower():
            raise
        try:
            document = read_strict_json(body)
        except AdvisorError:
            document = None
        rewritten = _rewritten(document)
        if document is None or json.dumps(rewritten) == json.dumps(document):
            raise
    return work(json.dumps(rewritten).encode())


def _rewritten(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_rewritten(each) for each in value]
    if isinstance(value, dict):
        return {name: _rewritten(each) for name, each in value.items()}
    return value
