"""From a table to a report in a real browser: upload, confirm, train, watch, read; one training for all of it."""

import random
import re
from urllib.parse import parse_qsl, urlsplit

import pytest

pytestmark = pytest.mark.slow

MOST_BYTES = 2_000_000
MOST_MILLISECONDS = 400_000
"""For a training that takes half a minute on an idle machine of two cores."""


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    draw = random.Random(3)
    lines = ["height,width,colour,kind"]
    for _ in range(240):
        height, width, colour = draw.gauss(0, 1), draw.gauss(0, 1), draw.choice(["red", "green"])
        kind = "yes" if height + width + (colour == "red") + draw.gauss(0, 0.4) > 0.3 else "no"
        lines.append(f"{height:.3f},{width:.3f},{colour},{kind}")
    path = tmp_path_factory.mktemp("data") / "flowers.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def uploaded(page, table, target):
    page.set_input_files("#file", table)
    page.fill("#target", target)
    page.click("button:has-text('Upload')")


def test_a_table_answers_most_questions_and_another_target_other_ones(watched, table):
    one = watched(script=False, width=360)
    page = one.open("/data")
    uploaded(page, table, "kind")
    said = page.locator("main").inner_text()
    assert "240 rows and 4 columns; kind is what the network will predict." in said
    assert one.overflow() == 0
    page.select_option("#target", "width")
    page.click("button:has-text('Choose')")
    assert "width is what the network will predict" in page.locator("main").inner_text()
    assert "regression" in page.locator("tr:has-text('Task')").inner_text()
    page.click("text=That is right")
    assert re.search("task=regression&.*features=3&", page.url)
    assert page.locator("input[name=about]").input_value() not in dict(parse_qsl(urlsplit(page.url).query))


def test_a_series_is_forecast_once_its_time_and_steps_are_said(watched, tmp_path):
    days = tmp_path / "days.csv"
    rows = [f"2024-{1 + day // 28:02d}-{1 + day % 28:02d},{day % 7 + day / 50}" for day in range(200)]
    days.write_text("\n".join(["day,sold", *rows]) + "\n", encoding="utf-8")
    one = watched(width=360)
    page = one.open("/data")
    uploaded(page, days, "sold")
    page.click("text=Series, forecasts")
    page.select_option("#time", "day")
    page.fill("#horizon", "many")
    page.click("button:has-text('Read the data so')")
    assert "is no number of steps" in page.locator("main").inner_text()
    assert not page.locator("text=That is right").count()
    page.go_back()
    page.click("text=Series, forecasts")
    page.select_option("#time", "day")
    page.fill("#horizon", "3")
    page.click("button:has-text('Read the data so')")
    assert "forecasting" in page.locator("tr:has-text('Task')").inner_text()
    assert (one.overflow(), one.violations()) == (0, [])
    page.click("text=That is right")
    assert dict(parse_qsl(urlsplit(page.url).query))["data.horizon"] == "3"


def test_a_file_of_an_unknown_format_is_refused_in_words(watched, tmp_path):
    strange = tmp_path / "notes.docx"
    strange.write_bytes(b"PK")
    page = watched(script=False).open("/data")
    page.locator("#file").evaluate("field => field.removeAttribute('accept')")
    uploaded(page, strange, "")
    assert "The format of 'notes.docx' is not known." in page.locator("#wrong").inner_text()
    page.click("button:has-text('Upload')")


def test_upload_train_watch_and_read_the_report(watched, table):
    one = watched()
    page = one.open("/data")
    uploaded(page, table, "kind")
    assert one.violations() == []
    page.click("text=That is right")
    page.click("text=Take the defaults for the rest")
    measured = page.locator("tr:has(th:text-is('Share of the rarest class'))").inner_text()
    assert "Measured" in measured
    page.select_option("#rulebook", "homl2")
    page.click("button:has-text('Recommend')")
    page.fill("#minutes", "0.1")
    page.click("button:has-text('Train now')")
    page.wait_for_url("**/runs/*")
    run = page.url
    watching(one)
    still = watched(script=False, width=360)
    still.page.goto(run)
    page.wait_for_selector("[data-over=yes]", timeout=MOST_MILLISECONDS)
    assert "It is trained" in page.locator("[role=status]").inner_text()
    assert one.violations() == []
    assert page.locator("svg polyline").count() == 2
    still.page.goto(run)
    assert still.page.locator("[data-over=yes]").count() == 1
    assert still.overflow() == 0
    page.goto(one.home + "/runs")
    assert "finished" in page.locator(f"li:has(a[href='{run.removeprefix(one.home)}'])").inner_text()
    assert one.violations() == []
    still.page.click("text=Read the report")
    read_the_report(watched, still.page.url.removeprefix(one.home))


def watching(one):
    """Check the page while the training runs; a fast machine may be through already."""
    one.page.wait_for_selector("polyline, [data-over=yes]", timeout=MOST_MILLISECONDS)
    assert one.violations() == []
    if one.page.locator("[data-over=no]").count():
        assert one.page.locator("button:has-text('Stop the training')").is_visible()
        source = one.context.request.get(one.page.url).text()
        assert '<noscript><meta http-equiv="refresh" content="3"></noscript>' in source or 'data-over="yes"' in source


def read_the_report(watched, path):
    for width in (360, 1280):
        report = watched(width=width)
        page = report.open(path)
        assert (width, report.overflow(), report.violations()) == (width, 0, [])
        assert len(page.content().encode()) < MOST_BYTES
        for section in ("Verdict", "Decisions", "Data", "Training", "Quality", "Tried, kept and dropped", "Artefacts"):
            assert page.locator("h2", has_text=section).count(), section
        assert "kept" in page.locator("figure:visible", has_text="validation loss").first.inner_text()
        assert page.locator("h3:text-is('Calibration')").is_visible()
        box = page.locator("svg.dg a").last
        target = box.get_attribute("href")
        box.focus()
        page.keyboard.press("Enter")
        page.wait_for_url(re.compile(f"{re.escape(target)}$"))
        assert page.locator(target).count() == 1
        assert report.foreign() == []
        assert [url for url in report.asked if not url.startswith("data:")] == [report.home + path]
