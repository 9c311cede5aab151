"""JSON as the standard means it: one value per key, no NaN, no infinities."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from advisor.errors import AdvisorError, Finding, ProblemError


def read_strict_json(text: str | bytes, *, what: str = "a problem", error: type[AdvisorError] = ProblemError) -> Any:
    """Read JSON, refusing what Python's reader lets pass: duplicate keys, NaN and Infinity.

    Args:
        text: The document, as text or UTF-8.
        what: What it should describe, for messages.
        error: Class of the error to raise.

    Raises:
        ProblemError: If the text is not strict JSON; the finding names line and column.
    """
    if isinstance(text, bytes | bytearray):
        try:
            text = text.decode("utf-8-sig")
        except UnicodeDecodeError as failure:
            message = f"the JSON is not UTF-8 text: byte {failure.start} can't be read."
            raise error(Finding("P101", "", message, "Save the file as UTF-8.")) from None
    try:
        return _DECODER.decode(text)
    except json.JSONDecodeError as failure:
        place = f"line {failure.lineno}, column {failure.colno}"
        hint = "The document is empty." if not text.strip() else "Check quotes, commas and brackets there."
        raise error(Finding("P101", place, f"this is not JSON: {failure.msg}.", hint)) from None
    except _Refused as refused:
        raise error(refused.finding) from None
    except RecursionError:
        finding = Finding("P101", "", "the JSON is nested too deeply.", f"{what.capitalize()} is one flat object.")
        raise error(finding) from None
    except ValueError as failure:  # a whole number with thousands of digits
        raise error(Finding("P101", "", f"a number in the JSON can't be read: {failure}.")) from None


class _Refused(Exception):
    def __init__(self, finding: Finding) -> None:
        super().__init__(str(finding))
        self.finding = finding


def _refuse_constant(name: str) -> NoReturn:
    raise _Refused(Finding("P102", "", f"{name} is not a number in JSON.", "Give a finite number, or null."))


def _one_value_per_key(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise _Refused(Finding("P103", key, f"the key {key!r} is given twice.", "Keep one of the two."))
            seen.add(key)
    return document


_DECODER = json.JSONDecoder(object_pairs_hook=_one_value_per_key, parse_constant=_refuse_constant)
