"""The wizard in a real browser: forward and back, with and without JavaScript, by keyboard, narrow and wide."""

import json
import re
from urllib.parse import parse_qsl, urlsplit

import pytest

from advisor.recommendation import recommend

pytestmark = pytest.mark.slow

SPARSE = "task=multiclass&architecture=dense_stack&features=12&sparsity=sparse&latency_budget_ms=2"
PAGES = {
    "start": "/",
    "a choice": "/ask",
    "a number with a preview": "/ask?task=binary&architecture=dense_stack&data_kind=table",
    "a mistake": "/answer?task=binary&architecture=dense_stack&data_kind=table&about=features&value=many",
    "summary": f"/summary?{SPARSE}",
    "advice": f"/advice?{SPARSE}",
    "what if": f"/advice/what-if?{SPARSE}&if.sparsity=none&if.risk_sensitive=yes",
    "data": "/data",
    "trainings": "/runs",
    "routes": "/docs",
    "an error": "/advice?task=multiclass&architecture=dense_stack&outputs=1",
}
VARIANTS = {
    "with JavaScript": (
        True,
        {"task": "regression", "data_kind": "image", "outliers": "yes", "latency_importance": "low"},
    ),
    "without JavaScript": (
        False,
        {"task": "multilabel", "sparsity": "very_sparse", "pretrained_model_available": "yes", "outputs": "4"},
    ),
}


@pytest.mark.parametrize(("width", "dark"), [(360, True), (1280, False)], ids=["narrow and dark", "wide and light"])
def test_every_kind_of_page_is_accessible_and_as_wide_as_its_window(watched, width, dark):
    found = {}
    one = watched(width=width, dark=dark)
    for name, path in PAGES.items():
        one.open(path)
        one.open_everything()
        found[name] = (one.overflow(), one.violations())
    assert found == dict.fromkeys(PAGES, (0, []))
    one.complaints[:] = [each for each in one.complaints if "409" not in each]


@pytest.mark.parametrize(("script", "wanted"), VARIANTS.values(), ids=VARIANTS)
def test_the_whole_wizard_forward_and_back_and_forward_again(watched, script, wanted):
    one = watched(script=script, width=360)
    page = one.open("/")
    page.click("text=Answer questions")
    asked = []
    while "/ask" in page.url:
        name = page.locator("input[name=about]").input_value()
        asked.append(name)
        choice = page.locator("input[name=value][type=radio]")
        if choice.count():
            if name in wanted:
                page.locator(f"input[name=value][value={wanted[name]}]").check()
            elif not page.locator("input[name=value]:checked").count():
                choice.first.check()
        elif name in wanted:
            page.fill("#answer", wanted[name])
        page.click("button:has-text('Continue')")
    answered = dict(parse_qsl(urlsplit(page.url).query))
    assert urlsplit(page.url).path == "/summary"
    assert list(answered) == asked
    assert wanted.items() <= answered.items()
    for name in reversed(asked):
        page.click("a:has-text('Back')")
        assert page.locator("input[name=about]").input_value() == name
        chosen = page.locator("input[name=value]:checked")
        offered = chosen.input_value() if chosen.count() else page.locator("#answer").input_value() or "null"
        assert offered == answered[name]
    for _ in asked:
        page.click("button:has-text('Continue')")
    assert dict(parse_qsl(urlsplit(page.url).query)) == answered
    page.click("button:has-text('Recommend')")
    assert page.locator("h1").inner_text() == "Recommendation"
    with page.expect_download() as download:
        page.click("a:has-text('recommendation.json')")
    document = json.loads(download.value.path().read_text())
    assert document["problem"]["task"] == wanted["task"]
    assert document["decisions"].keys() == recommend(document["problem"]).document["decisions"].keys()


def test_one_answer_is_corrected_from_the_summary_and_the_others_stay(watched):
    page = watched(script=False).open(f"/summary?{SPARSE}")
    page.click("tr:has(th:text-is('Input columns')) a")
    assert page.locator("#answer").input_value() == "12"
    page.fill("#answer", "30")
    page.click("button:has-text('Continue')")
    assert dict(parse_qsl(urlsplit(page.url).query)) == dict(parse_qsl(SPARSE.replace("12", "30")))
    page.click("tr:has(th:text-is('Task')) a")
    page.click("a:has-text('Back')")
    assert urlsplit(page.url).path == "/summary"


def test_the_keyboard_alone_is_enough_and_what_has_the_focus_can_be_seen(watched):
    page = watched().open("/ask")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    assert page.locator(".skip").bounding_box()["x"] > 0
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.name") == "value"
    page.keyboard.press("ArrowDown")
    assert page.locator("input[value=binary]").is_checked()
    outlined = "getComputedStyle(document.activeElement.closest('.choice')).outlineStyle"
    assert page.evaluate(outlined) == "solid"
    page.keyboard.press("Tab")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    page.wait_for_url("**/ask?task=binary")
    page.locator("#answer").focus()
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    page.wait_for_url("**/ask?task=binary&architecture=dense_stack")


def test_a_mistake_is_said_first_and_leads_to_its_field(watched):
    page = watched().open("/ask?task=binary&architecture=dense_stack&data_kind=table")
    page.fill("#answer", "many")
    page.keyboard.press("Enter")
    page.wait_for_selector("#wrong")
    assert page.title().startswith("Error: ")
    assert page.evaluate("document.activeElement.id") == "wrong"
    page.click("#wrong a")
    assert page.evaluate("document.activeElement.id") == "answer"
    assert page.locator("#answer").get_attribute("aria-invalid") == "true"


def test_the_preview_follows_the_highlighted_answer(watched):
    page = watched().open("/ask?task=multiclass&architecture=dense_stack&about=sparsity")
    assert page.locator("#preview").inner_text() == ""
    page.locator("input[value=sparse]").check()
    page.wait_for_selector("#preview ins")
    assert "Activation function" in page.locator("#preview").inner_text()
    page.locator("input[value=none]").check()
    page.wait_for_selector("#preview:has-text('No decision changes')")


def test_what_if_is_live_with_javascript_and_a_form_without(watched):
    live = watched().open(f"/advice?{SPARSE}")
    before = live.url
    live.select_option("#try-risk-sensitive", "yes")
    live.wait_for_selector("#difference table")
    assert live.url == before
    told = live.locator("#difference").inner_text()
    assert "Risk-sensitive: yes instead of no." in told
    plain = watched(script=False).open(f"/advice?{SPARSE}")
    plain.select_option("#try-risk-sensitive", "yes")
    with plain.expect_navigation():  # until the whole page is there
        plain.click("button:has-text('Compare')")
    assert plain.locator("#difference").inner_text() == told
    plain.click("text=Take this over")
    assert dict(parse_qsl(urlsplit(plain.url).query))["risk_sensitive"] == "yes"


def test_a_box_of_the_drawing_leads_to_its_text(watched):
    page = watched(script=False).open(f"/advice?{SPARSE}")
    box = page.locator("svg.dg a[href*=fast-activation]")
    target = box.get_attribute("href")
    box.focus()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(f"{re.escape(target)}$"))
    reached = page.locator(target)
    assert "Activation function" in reached.inner_text()
    assert reached.bounding_box()["y"] < 800
