"""Numbers, names and lists as a person writes them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

DASH = "\N{EN DASH}"
"""Stands where there is no number."""
ACRONYMS = {
    "rmse": "RMSE",
    "mae": "MAE",
    "mse": "MSE",
    "r2": "R²",
    "auc": "AUC",
    "mc": "MC",
    "l1": "\N{SCRIPT SMALL L}1",
    "l2": "\N{SCRIPT SMALL L}2",
    "ema": "EMA",
    "ms": "ms",
    "kb": "kB",
    "litert": "LiteRT",
    "keras": "Keras",
    "onnx": "ONNX",
}
FORMATS = {"keras": "Keras", "saved_model": "SavedModel", "litert": "LiteRT", "onnx": "ONNX"}


def number(value: float | None, digits: int = 4) -> str:
    """Return a number with so many significant digits, without an exponent where that stays readable."""
    if value is None:
        return DASH
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not math.isfinite(value):
        return "not a number" if math.isnan(value) else ("∞" if value > 0 else "\N{MINUS SIGN}∞")
    if isinstance(value, int) or (float(value).is_integer() and abs(value) < 1e15):
        return f"{int(value):,}"
    if abs(value) >= 10**digits:
        return f"{value:,.0f}"
    if abs(value) < 1e-4:
        digits_of, exponent = f"{value:.{max(digits - 2, 0)}e}".split("e")
        return f"{digits_of.rstrip('0').rstrip('.') if '.' in digits_of else digits_of}e{exponent}"
    text = f"{value:.{max(digits - 1 - math.floor(math.log10(abs(value))), 0)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def size(count: int) -> str:
    """Return a number of bytes in the unit that suits it."""
    amount = float(count)
    for unit in ("B", "kB", "MB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "B" or amount >= 100 else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} GB"


def duration(seconds: float) -> str:
    """Return seconds as seconds, minutes or hours."""
    if seconds < 90:
        return f"{seconds:.1f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 90 else f"{minutes / 60:.1f} h"


def words(name: str) -> str:
    """Return an identifier as words: ``early_stopping`` becomes ``Early stopping``."""
    parts = [ACRONYMS.get(part, part) for part in name.replace("-", "_").split("_") if part]
    text = " ".join(parts)
    return text[:1].upper() + text[1:] if text and parts[0] not in ACRONYMS.values() else text


def in_sentence(title: str) -> str:
    """Return a title as it stands inside a sentence: in lower case, unless it begins with an acronym."""
    return title if title[1:2].isupper() else title[:1].lower() + title[1:]


def shown(value: Any) -> str:
    """Return a decided value or a fact for a person; identifiers stay as they are."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return number(value)
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {shown(item)}" for key, item in value.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(map(shown, value)) if value else "none"
    return str(value)


def joined(items: Iterable[str], last: str = "and") -> str:
    """Return items as a list inside a sentence."""
    each = list(items)
    if len(each) < 2:
        return "".join(each)
    return f"{', '.join(each[:-1])} {last} {each[-1]}"


def counted(count: int, noun: str, plural: str = "") -> str:
    """Return ``1 row`` or ``2 rows``."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"
