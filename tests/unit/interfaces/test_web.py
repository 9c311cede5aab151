"""The wizard's pages, asked in this process: state in the address, headers, errors, downloads, strangers' forms."""

import json
import re
from html import escape

import pytest
from starlette.testclient import TestClient

from advisor.errors import RequestError
from advisor.interfaces.service import Settings, create_app
from advisor.interfaces.web.curves import curve_of
from advisor.interfaces.web.state import Visit, read_visit, written
from advisor.interfaces.web.weighing import changes_of, tried
from advisor.interfaces.wizard.machine import Interview
from advisor.interfaces.wizard.relying import rules_relying_on
from advisor.knowledge import load_rulebook
from advisor.problem import FACTS
from advisor.recommendation import recommend

HOME = "http://127.0.0.1:8000"
START = "task=multiclass&architecture=dense_stack"


@pytest.fixture(scope="module")
def client():
    with TestClient(create_app(Settings()), base_url=HOME) as made:
        yield made


def text_of(answer):
    return " ".join(re.sub(r"<[^>]+>", " ", answer.text).split())


@pytest.mark.parametrize("name", FACTS)
def test_every_value_of_every_fact_survives_the_address(name):
    fact = FACTS[name]
    values = [*fact.choices, *fact.examples, *([None] if fact.nullable else [])]
    values += [True, False] if fact.kind == "bool" else []
    for value in values:
        visit, _ = read_visit([(name, written(value))])
        assert visit.interview.answers == {name: value}


def test_a_visit_is_read_back_from_its_own_address():
    visit = Visit(
        Interview(answers={"task": "binary", "latency_budget_ms": 2.0}, kept={"outliers": True}),
        data="abc",
        target="a & b=c",
        rulebook="homl3",
        options={"time": "day & hour", "horizon": "3"},
    )
    assert visit.said_of_data() == {"time": "day & hour", "horizon": 3}
    again, more = read_visit(visit.pairs())
    assert again == visit
    assert more == {}
    assert list(again.interview.answers) == ["task", "latency_budget_ms"]


@pytest.mark.parametrize("steps", ["0", "-1", "three", "1e3", "²", "9" * 30])
def test_a_number_of_steps_is_a_whole_number_from_1_on(steps):
    visit, _ = read_visit([("data", "abc"), ("data.horizon", steps)])
    with pytest.raises(RequestError, match="is no number of steps"):
        visit.said_of_data()


def test_every_page_forbids_whatever_comes_from_elsewhere(client):
    for path in ("/", "/ask", f"/ask?{START}", f"/summary?{START}", f"/advice?{START}", "/data", "/ask?nonsense=1"):
        answer = client.get(path)
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self' 'sha256-")
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        own = re.findall(r'(?:src|href|action|hx-get)="([^"]+)"', answer.text)
        fetched = [each for each in own if not each.startswith(("/", "#"))]
        assert all(f'href="{each}" rel="noreferrer"' in answer.text for each in fetched), "only links to sources"
        assert " style=" not in answer.text
        assert not re.search(r"\son\w+=", answer.text)


def test_own_files_are_kept_for_ever_under_the_digest_of_their_content(client):
    page = client.get("/").text
    for address in re.findall(r'"(/assets/[^"]+)"', page):
        answer = client.get(address)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
    assert client.get("/assets/..%2f__init__.py").status_code == 404
    assert client.get("/assets/nothing.css").status_code == 404


def test_the_first_two_answers_have_no_default_and_say_so(client):
    page = client.get("/ask")
    assert "What should the network predict?" in page.text
    assert "This one has no default" in page.text
    assert " checked" not in page.text
    refused = client.get("/answer?about=task")
    assert refused.status_code == 422
    assert "Nothing is chosen yet." in text_of(refused)


def test_an_answer_leads_to_the_next_question_and_back_offers_it_again(client):
    on = client.get("/answer?about=task&value=regression", follow_redirects=False)
    assert on.status_code == 303
    assert on.headers["location"] == "/ask?task=regression"
    page = client.get(on.headers["location"]).text
    back = re.search(r'<a class="button quiet" href="([^"]+)">Back', page)[1].replace("&amp;", "&")
    assert back == "/ask?was.task=regression"
    assert 'value="regression" id="answer" checked' in client.get(back).text


def test_the_reason_of_a_default_and_the_rules_that_read_the_answer_are_said(client):
    said = text_of(client.get(f"/ask?{START}&about=sparsity"))
    assert "Offered: none , because zeros cost accuracy, so they must be asked for." in said
    assert "A sparse model cannot normalize itself." in said
    assert "Why do we ask?" in said


def test_what_a_changed_answer_makes_invalid_is_dropped_and_said(client):
    given = "task=regression&architecture=dense_stack&target_range=positive&outliers=yes"
    answer = client.get(f"/answer?{given}&about=task&value=binary&then=summary")
    assert answer.url.path == "/summary"
    assert "Dropped, because it no longer fits: Range of the target, Outliers." in text_of(answer)
    assert "target_range" not in str(answer.url).replace("dropped=target_range", "")


def test_a_wrong_number_is_shown_again_with_what_is_allowed(client):
    answer = client.get(f"/answer?{START}&about=features&value=a%20few%20%3Cb%3E")
    assert answer.status_code == 422
    assert "“a few &lt;b&gt;” is not an answer" in answer.text
    assert 'value="a few &lt;b&gt;"' in answer.text
    assert "<b>" not in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert "<title>Error: " in answer.text


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/ask?spasity=none", 422, "unknown part"),
        ("/ask?task=binary&task=binary", 422, "given twice"),
        ("/ask?task=dance", 422, "is not an answer"),
        (f"/ask?features={'9' * 200}", 422, "longer than any answer"),
        ("/advice?task=multiclass&architecture=dense_stack&outputs=1", 409, "at least two classes"),
        (f"/advice?{START}&rulebook=/etc", 404, "there is no rulebook"),
        (f"/summary?{START}&data=abc", 422, "gives advice only"),
        ("/runs", 422, "gives advice only"),
        ("/runs/abc", 422, "gives advice only"),
    ],
)
def test_what_cannot_be_is_a_page_that_says_so(client, path, status, said):
    answer = client.get(path)
    assert (answer.status_code, said.lower() in text_of(answer).lower()) == (status, True), text_of(answer)
    assert "<h1>That can&#39;t be</h1>" in answer.text or "<h1>That can't be</h1>" in answer.text


def test_without_the_required_answers_every_later_page_leads_back_to_the_questions(client):
    for path in ("/summary", "/advice?task=binary", "/advice/problem.json", "/advice/what-if?if.sparsity=sparse"):
        assert client.get(path).url.path == "/ask"


def test_the_summary_says_of_each_line_whether_it_was_answered_or_is_a_default(client):
    page = client.get(f"/summary?{START}&sparsity=sparse")
    said = text_of(page)
    assert "Sparse model sparse Change" in said
    assert "Importance of latency normal Default: neither speed nor time to spare is assumed." in said
    assert 'href="/ask?task=multiclass&amp;architecture=dense_stack&amp;sparsity=sparse&amp;about=sparsity' in page.text


@pytest.mark.parametrize("rulebook", ["homl2", "homl3"])
def test_the_documents_to_take_along_are_those_of_the_command_line(client, rulebook):
    facts = {"task": "binary", "architecture": "dense_stack", "risk_sensitive": True}
    query = f"task=binary&architecture=dense_stack&risk_sensitive=yes&rulebook={rulebook}"
    found = recommend(facts, rulebook)
    answer = client.get(f"/advice/recommendation.json?{query}")
    assert answer.text == found.to_json() + "\n"
    assert answer.headers["content-disposition"] == 'attachment; filename="recommendation.json"'
    assert client.get(f"/advice/problem.json?{query}").text == found.problem.to_json() + "\n"


def test_the_advice_holds_every_decision_with_its_reason_and_a_drawing_that_leads_to_them(client):
    found = recommend({"task": "multiclass", "architecture": "dense_stack", "sparsity": "sparse"})
    page = client.get(f"/advice?{START}&sparsity=sparse").text
    said = " ".join(re.sub(r"<[^>]+>", " ", page).replace("&#39;", "'").replace("&#34;", '"').split())
    for slot, decision in found.document["decisions"].items():
        assert decision["title"] in said, slot
        assert " ".join(decision["because"].split()) in said, slot
    drawing = page[page.index("<svg xmlns") : page.rindex("</svg>")]
    links = re.findall(r'<a href="#([^"]+)">', drawing)
    assert len(links) > 5
    assert all(f'id="{link}"' in page for link in links)


def test_what_if_tells_the_difference_alone_to_a_script_and_in_the_page_without(client):
    path = f"/advice/what-if?{START}&if.sparsity=sparse&if.features="
    part = client.get(path, headers={"hx-request": "true"})
    assert "<html" not in part.text
    assert "Sparse model: sparse instead of none." in part.text
    assert f'href="{escape(f"/advice?{START}&sparsity=sparse")}"' in part.text
    whole = client.get(path).text
    assert "<html" in whole
    assert "Sparse model: sparse instead of none." in whole
    same = client.get(f"/advice/what-if?{START}&if.sparsity=none", headers={"hx-request": "true"})
    assert "nothing changes" in same.text
    wrong = client.get(f"/advice/what-if?{START}&if.features=many", headers={"hx-request": "true"})
    assert "is not an answer" in wrong.text


def test_the_description_of_the_routes_names_them_all_and_how_to_call_them(client):
    page = client.get("/docs")
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]
    document = client.get("/openapi.json").json()
    routes = [(method.upper(), path) for path, each in document["paths"].items() for method in each]
    said = text_of(page)
    for method, path in routes:
        assert f"{method} {path} {document['paths'][path][method.lower()]['summary']}" in said
        assert f"$SERVICE{path}" in said
    assert all(f">{field}</code>" in page.text.replace("<wbr>", "") for field in FACTS)
    assert not re.findall(r'(?:src|href)="(?!/|#)', page.text)


def test_the_example_on_the_start_page_is_a_recommendation(client):
    (address,) = re.findall(r'href="(/advice\?[^"]+)"', client.get("/").text)
    assert "12,000" in text_of(client.get(address.replace("&amp;", "&")))


def test_a_tried_answer_drops_what_no_longer_fits():
    visit = Visit(Interview(answers={"task": "multiclass", "architecture": "dense_stack", "outputs": 5}))
    then, dropped = tried(visit, {"task": "binary"})
    assert dropped == ("Outputs",)
    assert changes_of(visit, {"task": "binary"}) == {"task": "binary", "outputs": None}
    assert then.link("/advice") == "/advice?task=binary&architecture=dense_stack"


def test_the_preview_says_what_the_highlighted_answer_changes(client):
    said = text_of(client.get(f"/preview?{START}&about=sparsity&value=sparse"))
    assert re.search(r"With this answer \d+ decisions change:", said)
    assert "No decision changes." in text_of(client.get(f"/preview?{START}&about=sparsity&value=none"))
    assert "at least two classes" in text_of(client.get(f"/preview?{START}&about=outputs&value=1"))
    assert client.get("/preview?about=task&value=binary").text.strip() == ""


@pytest.mark.parametrize(
    "headers",
    [{"origin": "https://elsewhere.example"}, {"origin": "null"}, {"sec-fetch-site": "cross-site"}],
)
def test_a_form_of_another_site_does_nothing(client, headers):
    for path in ("/data", f"/train?{START}", "/runs/abc/cancel"):
        answer = client.post(path, headers=headers)
        assert "page of another site" in text_of(answer), path
        assert answer.status_code == 422


def test_a_browser_gives_the_token_as_a_password():
    token = "0123456789abcdef0123456789abcdef"
    with TestClient(create_app(Settings(token=token)), base_url="http://advisor.example") as guarded:
        refused = guarded.get("/", headers={"accept": "text/html"})
        assert refused.status_code == 401
        assert refused.headers["www-authenticate"].startswith("Basic realm=")
        assert guarded.get("/", auth=("me", token)).status_code == 200
        assert guarded.get("/", headers={"authorization": f"Bearer {token}"}).status_code == 200
        for wrong in (("me", token[:-1]), (token, ""), ("me", "")):
            assert guarded.get("/", auth=wrong).status_code == 401
        assert guarded.get("/", headers={"authorization": "Basic !!!"}).status_code == 401


def test_without_a_folder_for_data_the_page_says_so_and_shows_no_form(client):
    said = client.get("/data")
    assert said.status_code == 200
    assert 'type="file"' not in said.text
    assert "gives advice only" in text_of(said)


def test_rules_that_rely_on_a_fact_include_those_that_only_copy_it():
    book = load_rulebook("homl2")
    found = rules_relying_on(book, "sparsity")
    assert "sparse-breaks-self-normalization" in [rule.id for rule in found.directly]
    hidden = rules_relying_on(book, "hidden_layers")
    assert hidden.directly
    for fact in FACTS:
        both = rules_relying_on(book, fact)
        assert len({rule.id for rule in both.directly + both.further}) == len(both.directly) + len(both.further)


def test_a_curve_has_two_lines_and_leaves_out_what_is_not_a_number():
    epochs = [{"number": n, "loss": 1.0 / n, "val_loss": None if n == 2 else 2.0 / n} for n in range(1, 6)]
    curve = curve_of("first", epochs)
    assert len(curve.training.split()) == 5
    assert len(curve.validation.split()) == 4
    assert curve.text == "After epoch 5 of first the training loss is 0.2 and the validation loss 0.4."
    assert curve_of("first", [{"number": 1, "loss": None, "val_loss": None}]) is None
    long = curve_of("long", [{"number": n, "loss": 1.0, "val_loss": 1.0} for n in range(1, 5000)])
    assert len(long.training.split()) < 400
    assert long.last == 4999
    assert not curve.is_logarithmic
    steep = curve_of("steep", [{"number": n, "loss": 10.0 ** (2 - n), "val_loss": 1.0} for n in range(1, 4)])
    assert steep.is_logarithmic
    assert steep.training == "0.0,0.0 500.0,100.0 1000.0,200.0"


def test_the_pages_are_no_part_of_the_described_interface(client):
    paths = client.get("/openapi.json").json()["paths"]
    assert not [path for path in paths if not path.startswith(("/v1/", "/healthz", "/readyz", "/metrics"))]
    assert json.dumps(paths)
