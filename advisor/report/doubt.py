"""What the report says of stated uncertainty: how it was made, whether it comes true, and what abstaining buys."""

from __future__ import annotations

from typing import Any

from advisor.report.figures import HEIGHT, INK, MUTED, NARROW, SERIES, render_figure
from advisor.report.inputs import Calibration, Doubt
from advisor.report.svg import Figure
from advisor.report.wording import ACRONYMS, number

METHODS = {
    "sample_whole_network": "sampling all dropout layers",
    "sample_last_layers": "sampling the last dropout layer",
    "single_pass": "a single calibrated pass",
}


def calibration_sentence(calibration: Calibration | None) -> str:
    """Return the calibration error with its band, before and after, as one sentence; empty without them."""
    if calibration is None or calibration.error_before is None:
        return ""
    what = "expected calibration error" if calibration.band else "mean gap"
    parts = []
    for when, error, band in (
        ("before", calibration.error_before, calibration.band_before),
        ("after", calibration.error, calibration.band),
    ):
        within = f" (90 % band {band[0]:.1%} to {band[1]:.1%})" if band else ""
        parts.append(f"{error:.1%}{within} {when} calibration")
    return f"On the test rows the {what} is {' and '.join(parts)}."


def doubt_lines(doubt: Doubt | None) -> list[dict[str, str]]:
    """Return label and value of everything measured about stated uncertainty."""
    if doubt is None:
        return []
    lines = [
        (
            "Stated by",
            METHODS.get(doubt.method, doubt.method) + (f", {doubt.samples} samples" if doubt.samples > 1 else ""),
        ),
        ("Calibrated on", f"{doubt.calibration_rows} validation rows that nothing else has read"),
    ]
    lines += [(title, number(value)) for title, value in doubt.numbers]
    lines += [
        (f"Intervals for {level:.0%}", f"cover {covered:.1%} of the test rows; {gaussian:.1%} before calibration")
        for level, covered, gaussian in doubt.intervals
    ]
    return [{"title": title, "value": value} for title, value in lines]


def abstaining(doubt: Doubt | None) -> Figure | None:
    """Draw the quality on the surest rows against the share of rows that are decided; None without points."""
    if doubt is None or not doubt.quality_by_coverage:
        return None
    title = ACRONYMS.get(doubt.quality, doubt.quality)
    rows = [{"share": share, "quality": quality} for share, quality in doubt.quality_by_coverage]

    def draw(width: int, alt: Any) -> Any:
        base = alt.Chart(alt.Data(values=rows), width=width - (60 if width == NARROW else 40), height=HEIGHT)
        return base.mark_line(color=SERIES[0], point=alt.OverlayMarkDef(color=SERIES[0], size=60, opacity=1)).encode(
            x=alt.X(
                "share:Q",
                title="share of the rows that are decided, the surest first",
                scale=alt.Scale(domain=[0, 1]),
                axis=alt.Axis(format="%", titleColor=INK, labelColor=MUTED),
            ),
            y=alt.Y("quality:Q", title=f"{title} on them", scale=alt.Scale(zero=False)),
        )

    half = min(doubt.quality_by_coverage, key=lambda point: abs(point[0] - 0.5))
    whole = doubt.quality_by_coverage[-1]
    text = (
        f"On all test rows the {title} is {number(whole[1])}; on the surest {half[0]:.0%} of them, "
        f"the others left open, it is {number(half[1])}."
    )
    return render_figure(draw, identifier="abstaining", title="What abstaining from doubtful rows buys", text=text)
