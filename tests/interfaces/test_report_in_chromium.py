"""A report with every section and figure there is, in a real browser; a real one is read where it is trained."""

import re
from dataclasses import replace

import pytest

from advisor.recommendation import recommend
from advisor.report import render_report
from tests.unit.report.sample import sample_inputs

pytestmark = pytest.mark.slow

PROBLEM = {"task": "regression", "architecture": "dense_stack", "sparsity": "sparse", "latency_budget_ms": 2.0}


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "report.html"
    whole = replace(sample_inputs(epochs=40), recommendation=recommend(PROBLEM).to_dict())
    path.write_text(render_report(whole), encoding="utf-8")
    return path


@pytest.mark.parametrize(("width", "dark"), [(360, True), (1280, False)], ids=["narrow and dark", "wide and light"])
def test_a_full_report_has_no_barrier_and_no_scroll_bar_below(watched, report, width, dark):
    one = watched(width=width, dark=dark)
    one.home = report.as_uri()
    page = one.open("")
    one.open_everything()
    assert (one.overflow(), one.violations()) == (0, [])
    for heading in ("Calibration", "Candidates for delivery", "Sparsity", "Tried, kept and dropped", "Requirements"):
        assert page.locator("h2, h3", has_text=heading).first.is_visible(), heading
    figures = page.locator("figure:visible svg:visible")
    boxes = [each.bounding_box() for each in figures.all()]
    assert len(boxes) >= 6
    assert all(box["width"] <= width and box["height"] > 40 for box in boxes)


def test_every_box_of_the_drawing_leads_to_a_text_that_is_shown(watched, report):
    one = watched()
    one.home = report.as_uri()
    page = one.open("")
    links = [each.get_attribute("href") for each in page.locator("svg.dg a").all()]
    assert len(links) > 10
    for link in dict.fromkeys(links):
        page.locator(f"svg.dg a[href='{link}']").first.focus()
        page.keyboard.press("Enter")
        page.wait_for_url(re.compile(f"{re.escape(link)}$"))
        assert page.locator(link).is_visible(), link
        assert 0 <= page.locator(link).bounding_box()["y"] < 800
