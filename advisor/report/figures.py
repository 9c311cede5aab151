"""The figures of a report, drawn twice: for a wide window and for a narrow one."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from advisor.artifacts import Epoch
from advisor.report.inputs import NETWORK, Calibration, LayerSparsity, Metrics, ParetoPoint
from advisor.report.svg import Figure, adapt
from advisor.report.verdict import metric_title
from advisor.report.wording import counted, number

WIDE, NARROW = 640, 270
HEIGHT = 260
POINTS = 240
SERIES = ("#1f6fb2", "#b35309")
INK, MUTED, GRID = "#202124", "#5f6368", "#dadce0"
"""Each colour stands for a role; the page's style sheet replaces it, for light and for dark."""
LOG_RATIO = 30
_NAMES = 30
"""Room beside names on an axis: a reader's font may be wider than the one that the drawing was measured with."""
Draw = Callable[[int], Any]


def _altair() -> Any:
    import altair

    return altair


def _render(draw: Draw, *, identifier: str, title: str, text: str, has_names: bool = False) -> Figure:
    import vl_convert
    from altair.utils import schemapi

    alt = _altair()

    def drawn(width: int, suffix: str) -> str:
        with schemapi.debug_mode(False):  # checking each part of a fixed drawing takes longer than drawing it
            chart = draw(width).configure(
                background="transparent",
                font="sans-serif",
                padding={"left": _NAMES if has_names else 4, "right": 12, "top": 8, "bottom": 4},
                view=alt.ViewConfig(stroke=None),
                axis=alt.AxisConfig(
                    labelColor=MUTED,
                    titleColor=INK,
                    labelFontSize=12,
                    titleFontSize=13,
                    titleFontWeight="normal",
                    gridColor=GRID,
                    domainColor=MUTED,
                    tickColor=MUTED,
                    titlePadding=8,
                    labelOverlap=True,
                    labelLimit=NARROW // 2 if width == NARROW else WIDE // 3,
                    tickCount=5 if width == NARROW else 8,
                ),
                legend=alt.LegendConfig(
                    orient="top",
                    title=None,
                    labelColor=INK,
                    labelFontSize=13,
                    symbolSize=220,
                    symbolStrokeWidth=2.5,
                    offset=4,
                ),
            )
        svg = vl_convert.vegalite_to_svg(chart.to_dict(validate=False))
        return adapt(svg, identifier=f"{identifier}-{suffix}", title=title, text=text)

    return Figure(drawn(WIDE, "wide"), drawn(NARROW, "narrow"), title, text)


def _finite(values: Sequence[float | None]) -> list[float]:
    return [value for value in values if value is not None and math.isfinite(value)]


def _scale(values: Sequence[float]) -> str:
    """Return ``log`` where the numbers are positive and span so much that a linear axis would flatten them."""
    return "log" if values and min(values) > 0 and max(values) / min(values) > LOG_RATIO else "linear"


def thinned(epochs: Sequence[Epoch], best: int, limit: int = POINTS) -> list[Epoch]:
    """Return at most about ``limit`` epochs, evenly spread, with the first, the best and the last."""
    step = max(1, math.ceil(len(epochs) / limit))
    return [
        epoch
        for position, epoch in enumerate(epochs)
        if position % step == 0 or epoch.number == best or position == len(epochs) - 1
    ]


def learning_curves(epochs: Sequence[Epoch], best: int) -> Figure | None:
    """Draw training and validation loss over the epochs, with the chosen epoch; None without a finite loss."""
    rows = [
        {"epoch": epoch.number, "loss": loss, "rows": part}
        for epoch in thinned(epochs, best)
        for part, loss in (("training", epoch.loss), ("validation", epoch.val_loss))
        if math.isfinite(loss)
    ]
    chosen = next((epoch for epoch in epochs if epoch.number == best and math.isfinite(epoch.val_loss)), None)
    if not rows:
        return None
    scale = _scale([loss for epoch in epochs for loss in (epoch.loss, epoch.val_loss) if math.isfinite(loss)])
    alt = _altair()

    def draw(width: int) -> Any:
        parts = ["training", "validation"]
        x = alt.X(
            "epoch:Q", title="epoch", axis=alt.Axis(tickMinStep=1, grid=False), scale=alt.Scale(zero=False, nice=False)
        )
        y = alt.Y(
            "loss:Q",
            title="loss (logarithmic)" if scale == "log" else "loss",
            scale=alt.Scale(type=scale, zero=False) if scale == "log" else alt.Scale(zero=False),
        )
        lines = (
            alt.Chart(alt.Data(values=rows), width=width, height=HEIGHT)
            .mark_line(strokeWidth=2, point=len(epochs) == 1)
            .encode(
                x=x,
                y=y,
                color=alt.Color("rows:N", scale=alt.Scale(domain=parts, range=list(SERIES))),
                strokeDash=alt.StrokeDash("rows:N", scale=alt.Scale(domain=parts, range=[[1, 0], [6, 3]])),
            )
        )
        if chosen is None:
            return lines
        data = alt.Data(values=[{"epoch": best, "loss": chosen.val_loss, "label": f"epoch {best} kept"}])
        base = alt.Chart(data).encode(x="epoch:Q")
        late = best > (epochs[0].number + epochs[-1].number) / 2
        label = base.mark_text(
            align="right" if late else "left", dx=-7 if late else 7, baseline="top", color=INK, fontSize=13
        )
        return (
            lines
            + base.mark_rule(color=MUTED, strokeDash=[2, 3])
            + base.mark_point(color=INK, size=70, filled=True, opacity=1).encode(y="loss:Q")
            + label.encode(y=alt.value(2), text="label:N")
        )

    last = epochs[-1]
    text = (
        f"Over {counted(len(epochs), 'epoch')} the training loss goes from {number(epochs[0].loss)} to "
        f"{number(last.loss)}, the validation loss from {number(epochs[0].val_loss)} to {number(last.val_loss)}."
    )
    if chosen is not None:
        text += f" The weights of epoch {best} were kept, with validation loss {number(chosen.val_loss)}."
    return _render(draw, identifier="curves", title="Training and validation loss over the epochs", text=text)


def rate_curve(epochs: Sequence[Epoch]) -> Figure | None:
    """Draw the learning rate over the epochs; None when there are fewer than two."""
    rows = [
        {"epoch": epoch.number, "rate": epoch.learning_rate}
        for epoch in thinned(epochs, 0)
        if math.isfinite(epoch.learning_rate)
    ]
    if len(rows) < 2:
        return None
    alt = _altair()
    rates = [float(row["rate"]) for row in rows]

    def draw(width: int) -> Any:
        return (
            alt.Chart(alt.Data(values=rows), width=width, height=HEIGHT * 2 // 3)
            .mark_line(strokeWidth=2, color=SERIES[0])
            .encode(
                x=alt.X(
                    "epoch:Q",
                    title="epoch",
                    axis=alt.Axis(tickMinStep=1, grid=False),
                    scale=alt.Scale(zero=False, nice=False),
                ),
                y=alt.Y("rate:Q", title="learning rate", axis=alt.Axis(format="~g")),
            )
        )

    text = (
        f"The learning rate starts at {number(rates[0])}, reaches {number(max(rates))} and ends at {number(rates[-1])}."
    )
    return _render(draw, identifier="rate", title="Learning rate at the end of each epoch", text=text)


def range_test_curve(pairs: Sequence[tuple[float, float]], chosen: float) -> Figure | None:
    """Draw the range test's loss over the rate, with the rate that was chosen; None without a range test."""
    clean = [(rate, loss) for rate, loss in pairs if math.isfinite(loss) and rate > 0]
    if len(clean) < 2:
        return None
    lowest = min(loss for _, loss in clean)
    start = clean[0][1]
    ceiling = max(start, lowest) + 2 * max(start - lowest, abs(start) * 0.05)
    rows = [{"rate": rate, "loss": min(loss, ceiling)} for rate, loss in clean]
    alt = _altair()

    def draw(width: int) -> Any:
        lines = (
            alt.Chart(alt.Data(values=rows), width=width, height=HEIGHT * 4 // 5)
            .mark_line(strokeWidth=2, color=SERIES[0])
            .encode(
                x=alt.X(
                    "rate:Q",
                    title="learning rate (logarithmic)",
                    scale=alt.Scale(type="log", nice=False),
                    axis=alt.Axis(format="~g", grid=False, tickCount=5),
                ),
                y=alt.Y("loss:Q", title="smoothed loss", scale=alt.Scale(zero=False)),
            )
        )
        if not clean[0][0] <= chosen <= clean[-1][0]:
            return lines
        base = alt.Chart(alt.Data(values=[{"rate": chosen, "label": f"{number(chosen, 3)} used"}])).encode(x="rate:Q")
        middle = math.sqrt(clean[0][0] * clean[-1][0])
        late = chosen > middle
        text = base.mark_text(
            align="right" if late else "left", dx=-7 if late else 7, baseline="top", color=INK, fontSize=13
        )
        return lines + base.mark_rule(color=INK, strokeDash=[2, 3]) + text.encode(y=alt.value(2), text="label:N")

    text = (
        f"The smoothed loss for rates from {number(clean[0][0], 2)} to {number(clean[-1][0], 2)}; its lowest value is "
        f"{number(lowest)}. The maximum rate used in training is {number(chosen, 3)}."
    )
    return _render(draw, identifier="range", title="Learning-rate range test", text=text)


def comparison(metrics: Metrics) -> Figure | None:
    """Draw the primary metric of the network and the baselines as bars; None when there is nothing to compare."""
    scored = [score for score in metrics.scores if math.isfinite(score.values.get(metrics.primary, math.nan))]
    if len(scored) < 2:
        return None
    scored.sort(key=lambda score: score.values[metrics.primary], reverse=metrics.greater_is_better)
    names = ["this network" if score.name == NETWORK else _bare(score.title) for score in scored]
    rows = [
        {
            "model": name,
            "value": score.values[metrics.primary],
            "mine": score.name == NETWORK,
            "label": number(score.values[metrics.primary]),
        }
        for name, score in zip(names, scored, strict=True)
    ]
    alt = _altair()
    title = metric_title(metrics, metrics.primary) + (f" ({metrics.unit})" if metrics.unit else "")
    direction = "more is better" if metrics.greater_is_better else "less is better"
    values = [score.values[metrics.primary] for score in scored]
    top, bottom = max(0.0, *values), min(0.0, *values)

    def draw(width: int) -> Any:
        inner = width - 60
        y = alt.Y(
            "model:N",
            sort=names,
            title=None,
            axis=alt.Axis(labelColor=INK, labelFontSize=13, domain=False, ticks=False),
        )
        x = alt.X(
            "value:Q",
            title=f"{title}, {direction}",
            scale=alt.Scale(domain=[bottom, (top - bottom) * 1.18 + bottom or 1], nice=False),
            axis=alt.Axis(grid=False, tickCount=4),
        )
        if width == NARROW:
            inner = width - 130
        base = alt.Chart(alt.Data(values=rows), width=inner, height=alt.Step(34)).encode(y=y)
        bars = base.mark_bar(height=20).encode(
            x=x, color=alt.Color("mine:N", scale=alt.Scale(domain=[True, False], range=[SERIES[0], MUTED]), legend=None)
        )
        return bars + base.mark_text(align="left", dx=5, color=INK, fontSize=13).encode(x=x, text="label:N")

    text = f"{title}, {direction}: " + "; ".join(f"{row['model']} {row['label']}" for row in rows) + "."
    return _render(
        draw,
        identifier="comparison",
        title=f"{metric_title(metrics, metrics.primary)} of each model",
        text=text,
        has_names=True,
    )


def _bare(title: str) -> str:
    """Return a model's title without its article, for an axis."""
    return title.removeprefix("a ").removeprefix("an ").removeprefix("the ")


def pareto_plot(points: Sequence[ParetoPoint], metric: str) -> Figure | None:
    """Draw the candidates for delivery by size and metric; None when there are fewer than two."""
    if len(points) < 2:
        return None
    rows = [
        {
            "name": point.name,
            "kb": point.bytes / 1000,
            "metric": point.metric,
            "state": "delivered" if point.delivered else "candidate",
        }
        for point in points
        if math.isfinite(point.metric)
    ]
    alt = _altair()
    scale = _scale([float(str(row["kb"])) for row in rows])

    def draw(width: int) -> Any:
        states = ["delivered", "candidate"]
        base = alt.Chart(alt.Data(values=rows), width=width, height=HEIGHT).encode(
            x=alt.X("kb:Q", title="size (kB)", scale=alt.Scale(type=scale, padding=30, nice=False)),
            y=alt.Y("metric:Q", title=f"validation {metric}", scale=alt.Scale(zero=False, padding=20)),
        )
        marks = base.mark_point(filled=True, size=110, opacity=1).encode(
            color=alt.Color("state:N", scale=alt.Scale(domain=states, range=[SERIES[1], SERIES[0]])),
            shape=alt.Shape("state:N", scale=alt.Scale(domain=states, range=["diamond", "circle"])),
        )
        return marks + base.mark_text(dy=-12, color=INK, fontSize=12).encode(text="name:N")

    text = "; ".join(
        f"{point.name}: {number(point.bytes / 1000)} kB, {metric} {number(point.metric)}"
        + (", delivered" if point.delivered else "")
        for point in points
    )
    return _render(draw, identifier="pareto", title="Size against quality of every candidate", text=text + ".")


def reliability(calibration: Calibration) -> Figure | None:
    """Draw stated probability against observed share, before and after calibration; None without bins."""
    states = [("calibrated" if calibration.bins_before else "delivered", calibration.bins)]
    states += [("before", calibration.bins_before)] if calibration.bins_before else []
    rows = [
        {"stated": stated, "observed": observed, "rows": rows, "state": state}
        for state, bins in states
        for stated, observed, rows in bins
    ]
    if not rows:
        return None
    alt = _altair()
    unit = alt.Scale(domain=[0, 1])
    names = [state for state, _ in states]

    def draw(width: int) -> Any:
        ideal = alt.Chart(alt.Data(values=[{"stated": 0, "observed": 0}, {"stated": 1, "observed": 1}])).mark_line(
            color=MUTED, strokeDash=[3, 3], strokeWidth=1.5
        )
        dots = alt.Chart(alt.Data(values=rows), width=min(width, 380), height=HEIGHT).mark_line(
            point=alt.OverlayMarkDef(size=60, opacity=1)
        )
        x = alt.X("stated:Q", title="stated probability", scale=unit)
        y = alt.Y("observed:Q", title="observed share", scale=unit)
        color = alt.Color(
            "state:N",
            scale=alt.Scale(domain=names, range=list(SERIES[: len(names)])),
            legend=alt.Legend() if len(names) > 1 else None,
        )
        return dots.encode(x=x, y=y, color=color) + ideal.encode(x=x, y=y)

    text = (
        f"In {counted(len(calibration.bins), 'bin')} the stated probabilities differ from the observed shares by "
        f"{calibration.error:.1%} on average; on the dotted line they would agree."
    )
    return _render(draw, identifier="calibration", title="Stated probability against observed share", text=text)


def render_figure(draw: Callable[[int, Any], Any], *, identifier: str, title: str, text: str) -> Figure:
    """Draw a figure of another module in the style of all.

    Args:
        draw: From a width and Altair to a chart.
        identifier: Prefix of the ids, unique in the page.
        title: Its name.
        text: What can be seen in it.
    """
    alt = _altair()
    return _render(lambda width: draw(width, alt), identifier=identifier, title=title, text=text)


def sparsity_bars(layers: Sequence[LayerSparsity]) -> Figure | None:
    """Draw the share of zeros in each kernel; None without layers."""
    rows = [
        {
            "layer": layer.layer,
            "share": layer.zeros / max(layer.weights, 1),
            "label": f"{layer.zeros / max(layer.weights, 1):.0%}",
        }
        for layer in layers
    ]
    if not rows:
        return None
    alt = _altair()

    def draw(width: int) -> Any:
        base = alt.Chart(
            alt.Data(values=rows), width=width - (110 if width == NARROW else 60), height=alt.Step(28)
        ).encode(y=alt.Y("layer:N", sort=None, title=None, axis=alt.Axis(labelColor=INK, domain=False, ticks=False)))
        x = alt.X(
            "share:Q",
            title="zeros in the kernel",
            scale=alt.Scale(domain=[0, 1.15]),
            axis=alt.Axis(format="%", values=[0, 0.5, 1]),
        )
        bars = base.mark_bar(height=16, color=SERIES[0]).encode(x=x)
        return bars + base.mark_text(align="left", dx=5, color=INK, fontSize=12).encode(x=x, text="label:N")

    text = "; ".join(f"{row['layer']} {row['label']}" for row in rows)
    return _render(draw, identifier="sparsity", title="Share of zeros in each kernel", text=text + ".", has_names=True)
