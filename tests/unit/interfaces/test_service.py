"""The HTTP service, asked in this process and as a process: strictness, limits, problem details, keys, tokens."""

import json
import logging
import os
import signal
import subprocess
import sys
import threading
import urllib.request

import anyio
import httpx
import pytest
from starlette.testclient import TestClient

from advisor.errors import AdvisorError, RequestError
from advisor.interfaces.cli import serve as serving
from advisor.interfaces.cli.main import run
from advisor.interfaces.service import Settings, answering, create_app
from advisor.interfaces.service.gate import depth_of
from advisor.interfaces.service.idempotency import Keeper
from advisor.interfaces.service.observing import JsonLines
from advisor.interfaces.service.settings import find_token, is_loopback
from advisor.recommendation import recommend

SMALLEST = {"task": "multiclass", "architecture": "dense_stack"}
HOME = "http://127.0.0.1:8000"
TOKEN = "0123456789abcdef0123456789abcdef"
IS_JSON = {"content-type": "application/json"}


def client_of(**settings):
    return TestClient(create_app(Settings(**settings)), base_url=HOME)


@pytest.fixture(scope="module")
def client():
    with client_of() as made:
        yield made


def post(client, body, path="/v1/recommendations", **headers):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.post(path, content=content, headers={**IS_JSON, **named})


def problem_of(answer, status):
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert told["status"] == status
    assert told["type"] == f"urn:advisor:error:{told['errors'][0]['code']}"
    return told


def test_a_problem_is_answered_with_the_recommendation_byte_for_byte(client):
    answer = post(client, SMALLEST)
    assert answer.status_code == 200
    assert answer.text == recommend(SMALLEST).to_json(indent=None)
    assert len(answer.headers["x-request-id"]) == 32
    other = post(client, SMALLEST, "/v1/recommendations?rulebook=homl3")
    assert other.json()["rulebook"]["name"] == "homl3"


@pytest.mark.parametrize(
    ("body", "status", "code", "pointer"),
    [
        (b"", 400, "P101", None),
        (b"\xff", 400, "P101", None),
        (b'{"task": NaN}', 400, "P102", None),
        (b'{"task": "binary", "task": "binary"}', 400, "P103", "#/task"),
        ([], 422, "P104", None),
        ({**SMALLEST, "spasity": "none"}, 422, "P105", "#/spasity"),
        ({"task": "binary"}, 422, "P106", "#/architecture"),
        ({**SMALLEST, "features": True}, 422, "P108", "#/features"),
        ({**SMALLEST, "outputs": 1}, 409, "P206", "#/outputs"),
        (b"[" * 33, 413, "R167", None),
        (b'{"a":' * 100_000, 413, "R167", None),
    ],
)
def test_what_is_no_valid_problem_is_refused_with_the_path_of_the_field(client, body, status, code, pointer):
    error = problem_of(post(client, body), status)["errors"][0]
    assert (error["code"], error.get("pointer")) == (code, pointer)


def test_a_whole_number_may_be_written_with_a_fraction_of_zero(client):
    same = recommend({**SMALLEST, "features": 20}).to_json(indent=None)
    assert post(client, {**SMALLEST, "features": 20.0}).text == same
    assert problem_of(post(client, {**SMALLEST, "features": 20.5}), 422)["errors"][0]["code"] == "P108"
    document = recommend({**SMALLEST, "features": 20, "outputs": 3}).to_dict()
    document["estimate"]["parameters"] = float(document["estimate"]["parameters"])
    assert post(client, document, "/v1/explanations").status_code == 200


def test_everything_wrong_is_told_at_once(client):
    told = problem_of(post(client, {"task": "regresion", "features": -1, "x": 1}), 422)
    assert [each["pointer"] for each in told["errors"]] == ["#/task", "#/features", "#/x", "#/architecture"]
    assert "did you mean 'regression'?" in told["detail"]


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/v1/recommendations?rulebook=nope", 404, "K100"),
        ("/v1/recommendations?rulebook=../rules/homl2", 404, "K100"),
        ("/v1/recommendations?book=homl2", 422, "R173"),
        ("/v1/recommendations?rulebook=homl2&rulebook=homl3", 422, "R174"),
        ("/v1/nothing", 404, "R177"),
    ],
)
def test_paths_and_parameters_are_checked(client, path, status, code):
    assert problem_of(post(client, SMALLEST, path), status)["errors"][0]["code"] == code


def test_a_wrong_method_names_the_right_one(client):
    answer = client.get("/v1/recommendations")
    problem_of(answer, 405)
    assert answer.headers["allow"] == "POST"


def test_recommendations_are_explained(client):
    advice = recommend(SMALLEST).to_json().encode()
    whole = post(client, advice, "/v1/explanations").json()
    assert whole["title"] == "Recommendation"
    why = post(client, advice, "/v1/explanations?why=activation").json()
    assert why["title"].startswith("Why activation = ")
    for question in ("why_not=activation=relu", "what_if=sparsity=sparse&what_if=outputs=3", "given_up=true"):
        assert post(client, advice, f"/v1/explanations?{question}").status_code == 200
    reached = post(client, advice, "/v1/explanations?counterfactual=activation=relu").json()
    assert reached["data"]["sets"]


@pytest.mark.parametrize(
    ("question", "status", "code"),
    [
        ("why=activaton", 404, "R101"),
        ("why=activation&given_up=true", 409, "R144"),
        ("why_not=activation", 422, "R142"),
        ("what_if=spasity=none", 404, "P105"),
        ("what_if=sparsity=much", 409, "P107"),
        ("given_up=maybe", 422, "R175"),
    ],
)
def test_questions_without_an_answer_are_refused(client, question, status, code):
    answer = post(client, recommend(SMALLEST).to_json().encode(), f"/v1/explanations?{question}")
    assert problem_of(answer, status)["errors"][0]["code"] == code


def test_documents_that_are_no_recommendation_are_refused(client):
    problem_of(post(client, SMALLEST, "/v1/explanations"), 422)
    document = recommend(SMALLEST).to_dict()
    document["rulebook"]["name"] = "/etc"
    answer = post(client, document, "/v1/explanations?given_up=true")
    assert problem_of(answer, 404)["errors"][0]["code"] == "K100"
    document["rulebook"]["name"] = "homl2"
    document["decisions"]["activation"]["overrides"] = [{"rule": "a", "value": "relu", "how": "rebutted", "by": "b"}]
    answer = post(client, document, "/v1/explanations?given_up=true")
    assert problem_of(answer, 409)["errors"][0]["code"] == "P290"


def test_rulebooks_and_schemas_are_shown(client):
    listed = client.get("/v1/rulebooks").json()["rulebooks"]
    assert [each["name"] for each in listed] == ["homl2", "homl3"]
    page = client.get("/v1/rulebooks/homl2").json()
    assert len(page["rules"]) == listed[0]["rules"]
    assert "activation" in page["slots"]
    problem_of(client.get("/v1/rulebooks/nope"), 404)
    assert client.get("/v1/schemas/problem").json()["title"] == "Problem"
    problem_of(client.get("/v1/schemas/nope"), 404)


def test_probes_and_metrics(client):
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json() == {"status": "ready", "jobs": "off"}
    post(client, SMALLEST)
    told = client.get("/metrics").text
    assert 'advisor_http_requests_total{method="POST",route="/v1/recommendations",status="200"}' in told
    assert "advisor_http_requests_active 1.0" in told


def test_before_it_has_started_it_is_not_ready():
    assert TestClient(create_app(), base_url=HOME).get("/readyz").status_code == 503


def test_large_and_nameless_bodies_are_refused():
    client = client_of(most_bytes=100)
    assert problem_of(post(client, b" " * 101), 413)["errors"][0]["code"] == "R165"
    answer = client.post("/v1/recommendations", content=iter([b" " * 60, b" " * 60]), headers=IS_JSON)
    assert problem_of(answer, 413)["errors"][0]["code"] == "R165"
    answer = client.post("/v1/recommendations", content=b"{}", headers={"content-type": "text/plain"})
    assert problem_of(answer, 415)["errors"][0]["code"] == "R169"


def test_depth_is_counted_outside_of_texts():
    assert depth_of(b'{"a": ["[[[[\\"[[", {}]}', 32) == 3
    assert depth_of(b"", 32) == 0
    assert depth_of(b"[[[[", 2) == 3


def test_only_so_many_requests_are_answered_at_once():
    async def ask():
        transport = httpx.ASGITransport(create_app(Settings(most_requests=1)))
        codes = []
        async with httpx.AsyncClient(transport=transport, base_url=HOME) as client:
            arrived, done = anyio.Event(), anyio.Event()

            async def slowly():
                arrived.set()
                await done.wait()
                yield json.dumps(SMALLEST).encode()

            async def first():
                codes.append((await client.post("/v1/recommendations", content=slowly(), headers=IS_JSON)).status_code)

            async with anyio.create_task_group() as group:
                group.start_soon(first)
                await arrived.wait()
                answer = await client.get("/v1/rulebooks")
                codes.append(answer.status_code)
                assert answer.headers["retry-after"] == "1"
                codes.append((await client.get("/healthz")).status_code)
                done.set()
        return codes

    assert anyio.run(ask) == [429, 200, 200]


def test_a_body_that_does_not_arrive_is_given_up():
    async def ask():
        transport = httpx.ASGITransport(create_app(Settings(body_seconds=0.05)))

        async def never():
            await anyio.sleep(5)
            yield b""

        async with httpx.AsyncClient(transport=transport, base_url=HOME) as client:
            return await client.post("/v1/recommendations", content=never(), headers=IS_JSON)

    assert problem_of(anyio.run(ask), 408)["errors"][0]["code"] == "R166"


def test_an_idempotency_key_gets_the_same_answer_once_more(client):
    first = post(client, SMALLEST, idempotency_key="one")
    again = post(client, SMALLEST, idempotency_key="one")
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert (again.status_code, again.content) == (200, first.content)
    assert again.headers["content-type"] == "application/json"
    other = post(client, {**SMALLEST, "features": 3}, idempotency_key="one")
    assert problem_of(other, 409)["errors"][0]["code"] == "R171"
    assert problem_of(post(client, SMALLEST, idempotency_key="a b"), 400)["errors"][0]["code"] == "R170"
    wrong = [post(client, {}, idempotency_key="two") for _ in range(2)]
    assert wrong[0].content == wrong[1].content


def test_kept_answers_are_few_and_not_for_ever():
    now = [0.0]
    keeper = Keeper(Settings(kept_answers=2, kept_seconds=10), clock=lambda: now[0])
    for key in "abc":
        assert keeper.begin(key, b"") is None
        keeper.finish(key, 200, [], b"x")
    assert keeper.begin("c", b"").body == b"x"
    assert keeper.begin("a", b"") is None
    assert keeper.begin("a", b"").status == 0
    now[0] = 11
    assert keeper.begin("c", b"") is None


def test_without_a_token_only_names_of_this_machine_are_answered(client):
    assert problem_of(client.get("/v1/rulebooks", headers={"host": "evil.example"}), 421)
    for host in ("localhost:8000", "127.0.0.1", "[::1]:8000"):
        assert client.get("/v1/rulebooks", headers={"host": host}).status_code == 200


def test_with_a_token_only_its_bearer_is_answered():
    client = client_of(token=TOKEN)
    answer = client.get("/v1/rulebooks", headers={"host": "any.example"})
    assert problem_of(answer, 401)
    assert answer.headers["www-authenticate"] == "Bearer"
    assert client.get("/v1/rulebooks", headers={"authorization": f"Bearer {TOKEN}x"}).status_code == 401
    assert client.get("/v1/rulebooks", headers={"authorization": f"bearer {TOKEN}"}).status_code == 200
    assert client.get("/healthz").status_code == 200
    assert TOKEN not in repr(Settings(token=TOKEN))


def test_any_other_address_needs_a_token(tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("ADVISOR_TOKEN", raising=False)
    assert is_loopback("localhost")
    assert not is_loopback("example.org")
    assert find_token("127.0.0.1", None) is None
    assert run(["serve", "--host", "0.0.0.0"]) == 2
    assert "R161" in capsys.readouterr().err
    secret = tmp_path / "token"
    for content, code in ((f"{TOKEN}\n", None), ("short", "R162"), (None, "R160")):
        secret.unlink(missing_ok=True)
        if content is not None:
            secret.write_text(content)
        if code is None:
            assert find_token("0.0.0.0", str(secret)) == TOKEN
        else:
            with pytest.raises(RequestError, match=code):
                find_token("0.0.0.0", str(secret))
    monkeypatch.setenv("ADVISOR_TOKEN", TOKEN)
    assert find_token("::", None) == TOKEN


def test_a_missing_extra_is_one_error_with_the_command_that_installs_it(monkeypatch, capsys):
    monkeypatch.setattr(serving, "find_spec", lambda name: None)
    assert run(["serve"]) == 2
    assert "pip install 'advisor[service]'" in capsys.readouterr().err


def test_a_failure_of_the_program_is_told_to_the_log_and_not_to_the_client(monkeypatch, caplog):
    def fail(*anything):
        raise RuntimeError("secret of the program")

    monkeypatch.setattr("advisor.interfaces.service.application.recommend", fail)
    with caplog.at_level(logging.ERROR):
        answer = post(client_of(), SMALLEST)
    assert problem_of(answer, 500)["errors"][0]["code"] == "R179"
    assert "secret" not in answer.text
    assert "secret of the program" in JsonLines().format(caplog.records[0])


def test_a_rulebook_that_is_a_folder_is_not_opened():
    with pytest.raises(AdvisorError, match="there is no rulebook"):
        answering.known_rulebook("rules/homl2")


def test_openapi_describes_every_route_with_limits_and_examples(client):
    document = client.get("/openapi.json").json()
    assert set(document["paths"]) == {
        "/v1/recommendations",
        "/v1/explanations",
        "/v1/rulebooks",
        "/v1/rulebooks/{name}",
        "/v1/schemas/{name}",
        "/healthz",
        "/readyz",
        "/metrics",
    }
    assert "1,048,576 bytes" in document["info"]["description"]
    operation = document["paths"]["/v1/recommendations"]["post"]
    example = operation["requestBody"]["content"]["application/json"]["examples"]["sparse"]["value"]
    assert post(client, example).status_code == 200
    saved = document["components"]["examples"]["Recommendation"]["value"]
    assert post(client, saved, "/v1/explanations").status_code == 200
    assert {"413", "429", "422"} <= set(operation["responses"])
    assert "securitySchemes" not in document["components"]
    with_token = client_of(token=TOKEN).get("/openapi.json", headers={"authorization": f"Bearer {TOKEN}"}).json()
    assert with_token["security"] == [{"bearer": []}]


@pytest.mark.slow
def test_the_process_answers_logs_json_stops_cleanly_and_loads_no_framework(tmp_path):
    program = (
        "import sys; from advisor.interfaces.cli.main import run; code = run(['serve', '--port', '0']);"
        "assert not {'tensorflow', 'keras'} & set(sys.modules); sys.exit(code)"
    )
    environment = {**os.environ, "XDG_STATE_HOME": str(tmp_path)}
    process = subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE, text=True, env=environment)
    guard = threading.Timer(600, process.kill)
    guard.start()
    try:
        lines = []
        address = None
        while address is None:
            lines.append(json.loads(process.stderr.readline()))
            address = next((word for word in lines[-1]["message"].split() if word.startswith("http://")), None)
        request = urllib.request.Request(f"{address}/v1/recommendations", json.dumps(SMALLEST).encode(), IS_JSON)
        with urllib.request.urlopen(request, timeout=30) as answer:
            assert json.load(answer) == recommend(SMALLEST).to_dict()
        process.send_signal(signal.SIGTERM)
        rest = process.stderr.read()
        assert process.wait(30) == 0, rest
        told = [json.loads(line) for line in rest.splitlines()]
        assert [each["status"] for each in told if each["message"] == "request"] == [200]
    finally:
        guard.cancel()
        process.kill()
        process.stderr.close()
        process.wait()
