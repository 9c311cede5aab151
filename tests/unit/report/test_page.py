import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from advisor.report import MAXIMUM_BYTES, ReportInputs, render_report
from tests.unit.report.sample import decision, sample_inputs

VOID = {"meta", "link", "br", "hr", "img", "input"}


class Page(HTMLParser):
    """What a browser would find in the page: elements, addresses, ids, text by element."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.ids: list[str] = []
        self.open: list[str] = []
        self.texts: dict[str, list[str]] = {}
        self.visible: list[str] = []
        self.headers: list[dict[str, str | None]] = []
        self.html = html
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name in {"src", "href", "xlink:href", "srcset", "action", "data", "poster"}:
                self.addresses.append(value or "")
            if name == "id":
                self.ids.append(value or "")
            assert not name.startswith("on"), f"an event handler: {name}"
        if tag == "th":
            self.headers.append(dict(attrs))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"{tag} is closed but never opened"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open and "svg" not in self.open:
            self.visible.append(data)
        self.texts.setdefault(self.open[-1] if self.open else "", []).append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.visible).split())


@pytest.fixture(scope="module")
def page(inputs: ReportInputs) -> Page:
    return Page(render_report(inputs))


def test_the_page_makes_no_request(page: Page) -> None:
    assert page.addresses
    assert all(address.startswith(("#", "data:,")) for address in page.addresses)  # links are no requests; see below
    assert "script" not in page.tags
    assert "iframe" not in page.tags
    style = "".join(page.texts["style"])
    assert "url(" not in style
    assert "@import" not in style
    assert not re.findall(r"https?://(?!www\.w3\.org/2000/svg)", page.html)


def test_every_link_in_the_page_has_its_place(page: Page) -> None:
    links = [address[1:] for address in page.addresses if address.startswith("#")]
    assert set(links) <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))


def test_every_decision_stands_in_the_page_with_its_reason(page: Page, inputs: ReportInputs) -> None:
    for slot, made in inputs.recommendation["decisions"].items():
        assert f"slot-{slot.replace('_', '-')}" in page.ids
        assert str(made["value"]) in page.text
        assert made["because"] in page.text
        assert made["rule"] in page.text
        for alternative in made["alternatives"]:
            assert alternative in page.text


def test_a_decision_without_group_is_not_lost() -> None:
    inputs = sample_inputs(epochs=2)
    bare: dict[str, Any] = {
        "rulebook": {},
        "decisions": {"momentum": {"value": 0.9, "rule": "r", "because": "It is usual."}},
    }
    text = Page(render_report(ReportInputs(**{**vars(inputs), "recommendation": bare}))).text
    assert "Momentum 0.9 It is usual." in text


def test_what_was_decided_against_is_there_on_demand() -> None:
    inputs = sample_inputs(epochs=2)
    document = {**inputs.recommendation, "decisions": dict(inputs.recommendation["decisions"])}
    document["decisions"]["wide_path"] = decision(False, "plain", "Nothing asks for one.", "network")
    page = Page(render_report(replace(inputs, recommendation=document)))
    assert "Not used here: wide path" in page.text
    assert "Nothing asks for one." in page.text


def test_sources_are_cited_and_linked() -> None:
    inputs = sample_inputs(epochs=2)
    works = {"HOML2": {"citation": "Géron 2019", "link": "https://example.org/?a=1&b=2"}}
    page = Page(render_report(replace(inputs, recommendation={**inputs.recommendation, "works": works})))
    assert "Géron 2019, ch. 11, Table 11-4" in page.text
    assert "https://example.org/?a=1&b=2" in page.addresses
    assert page.tags.count("a") > 10


def test_the_evaluation_s_own_conclusion_takes_the_place_of_the_page_s() -> None:
    said = ("Better than the mean.", "Better than a line.", "Worse than trees.", "Take the trees.")
    page = Page(render_report(replace(sample_inputs(epochs=2), comparison=said)))
    assert page.text.index("Take the trees.") < page.text.index("Requirements")
    assert "wrong tool" not in page.text
    assert page.text.count("Better than a line.") == 1


def test_what_is_not_carried_out_is_said_at_the_decision(page: Page) -> None:
    assert "int8 (not carried out yet)" in page.text


def test_the_verdict_comes_first_and_says_when_another_tool_is_better(page: Page) -> None:
    assert page.text.index("its RMSE is 5.31 MPa") < page.text.index("Decisions Each box")
    assert "Better here: gradient-boosted trees. A deep net is the wrong tool for these data" in page.text


def test_requirements_are_judged_in_words_and_not_by_colour_alone(page: Page) -> None:
    assert "Latency ✓ met at most 0.2 ms 0.0123 ms" in page.text
    assert "Size ✗ missed at most 40 kB 88.4 kB" in page.text


def test_tables_have_captions_and_scoped_headers(page: Page) -> None:
    assert page.tags.count("table") == page.tags.count("caption") > 5
    assert all(header.get("scope") in ("row", "col") for header in page.headers)


def test_figures_are_images_with_names_and_descriptions(page: Page) -> None:
    assert page.tags.count("svg") == page.tags.count("title") - 1 == page.tags.count("desc") == 14
    assert page.html.count('role="img"') == 14


def test_the_page_has_nothing_to_run_and_says_so_to_the_browser(page: Page) -> None:
    assert "default-src 'none'" in page.html


MARKUP = st.text(max_size=40) | st.sampled_from(
    [
        "<script>alert(1)</script>",
        "</style><b>",
        '"><img src=x onerror=y>',
        "{{ 7 * 7 }}",
        "a&amp;b",
        "]]>",
        "\x00\x1b[31m",
        "\ud800",
    ]
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(column=MARKUP, target=MARKUP, label=MARKUP, name=MARKUP, message=MARKUP)
def test_whatever_the_user_calls_things_the_page_stays_whole(
    column: str, target: str, label: str, name: str, message: str
) -> None:
    plain = Page(render_report(sample_inputs(epochs=0, figures=False, columns=("a",), classes={"b": 3})))
    html = render_report(
        sample_inputs(
            name=name, columns=(column,), target=target, classes={label: 3}, epochs=0, figures=False, message=message
        )
    )
    html.encode("utf-8")
    page = Page(html)
    assert page.tags == plain.tags
    assert not page.open
    assert page.ids == plain.ids


def test_a_name_with_markup_is_shown_as_it_was_written() -> None:
    page = Page(render_report(sample_inputs(columns=("<b>price</b> & more",), epochs=1)))
    assert "<b>price</b> & more" in page.text


def test_a_huge_table_still_makes_a_small_page() -> None:
    columns = tuple(f"{number}-{'<&' * 3000}" for number in range(5000))
    classes = {f"class {number} {'&' * 1000}": number for number in range(5000)}
    html = render_report(sample_inputs(columns=columns, classes=classes, epochs=10_000, message="<" * 1_000_000))
    assert len(html.encode()) < MAXIMUM_BYTES
    assert "4502 more are not shown" in html.replace(",", "")


def test_an_interrupted_run_without_an_epoch_has_a_page() -> None:
    page = Page(render_report(sample_inputs(epochs=0)))
    assert "No epoch was finished." in page.text


def test_losses_that_are_not_finite_do_not_break_the_figures() -> None:
    inputs = sample_inputs(epochs=5)
    broken = tuple(replace(epoch, loss=float("nan"), val_loss=float("inf")) for epoch in inputs.training.epochs[:3])
    training = replace(
        inputs.training,
        epochs=broken + inputs.training.epochs[3:],
        range_test=((1e-3, float("nan")), (1e-2, 1.0), (1e-1, 2.0)),
    )
    assert "not a number" in Page(render_report(replace(inputs, training=training))).text


def test_the_same_run_gives_the_same_page(inputs: ReportInputs, page: Page) -> None:
    assert render_report(inputs) == page.html
