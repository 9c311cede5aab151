"""Uploads and jobs over HTTP, with real processes that read the data, and jobs that wait."""

import io
import json
import os
import subprocess
import sys
import zipfile

import numpy as np
import polars as pl
import pytest
from PIL import Image
from starlette.testclient import TestClient

from advisor.errors import StorageError
from advisor.interfaces.cli import serve
from advisor.interfaces.service import Settings, create_app
from advisor.interfaces.service.jobs import JobLimits
from advisor.interfaces.service.jobs.documents import DatasetDocument, JobDocument, JobRequest
from advisor.interfaces.service.jobs.service import lock_folder
from advisor.interfaces.service.observing import LOGGER
from advisor.recommendation import recommend

pytestmark = pytest.mark.slow

HOME = "http://127.0.0.1:8000"
CSV = {"content-type": "text/csv"}
ABSENT = "0" * 32
ROWS = 40


def client_of(folder, **limits):
    return TestClient(create_app(Settings(data_dir=folder, jobs=JobLimits(**limits))), base_url=HOME)


def frame():
    draw = np.random.default_rng(3)
    size = draw.normal(100, 20, ROWS).round(2)
    price = (3 * size + draw.normal(0, 5, ROWS)).round(2)
    return pl.DataFrame({"size": size, "rooms": draw.integers(1, 6, ROWS), "price": price})


def table():
    return frame().write_csv().encode()


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    """A service on which jobs only wait."""
    with client_of(tmp_path_factory.mktemp("data"), most_running=0, most_waiting=1000, most_rows=100) as made:
        yield made


@pytest.fixture(scope="module")
def dataset(client):
    """A table of houses, uploaded."""
    return client.post("/v1/datasets?name=houses.csv", content=table(), headers=CSV).json()


def problem_of(answer, status, code):
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["errors"][0]["code"] == code
    return answer.json()["errors"][0]


def saved(write):
    buffer = io.BytesIO()
    write(buffer)
    return buffer.getvalue()


def pictures(buffer):
    draw = np.random.default_rng(0)
    with zipfile.ZipFile(buffer, "w") as archive:
        for number in range(24):
            image = Image.fromarray(draw.integers(0, 255, (8, 8), dtype=np.uint8))
            archive.writestr(
                f"{'cats' if number % 2 else 'dogs'}/{number}.png", saved(lambda b, i=image: i.save(b, "PNG"))
            )


def arrays(buffer):
    np.savez(buffer, X=frame().select("size", "rooms").to_numpy(), y=frame()["price"].to_numpy())


UPLOADS = {
    "application/vnd.apache.parquet": (lambda: saved(frame().write_parquet), "table", "price"),
    "application/x-ndjson": (lambda: saved(frame().write_ndjson), "table", "price"),
    "application/vnd.apache.arrow.file": (lambda: saved(frame().write_ipc), "table", "price"),
    "application/x-npz": (lambda: saved(arrays), "table", "y"),
    "application/zip": (lambda: saved(pictures), "image", None),
}


@pytest.mark.parametrize("kind", UPLOADS)
def test_every_format_is_taken_in_and_read(client, kind):
    make, data_kind, target = UPLOADS[kind]
    answer = client.post("/v1/datasets", content=make(), headers={"content-type": kind})
    assert answer.status_code == 201, answer.text
    found = answer.json()
    assert found["kind"] == data_kind
    assert found["rows"] == (24 if data_kind == "image" else ROWS)
    assert target is None or found["target"] == target
    assert client.get(answer.headers["location"]).json() == found


def test_an_upload_tells_what_the_data_say(client, dataset):
    assert dataset["name"] == "houses.csv"
    assert dataset["facts"]["task"] == "regression"
    assert set(dataset["how"]) == set(dataset["facts"])
    assert [column["name"] for column in dataset["columns"]] == ["size", "rooms", "price"]
    home = f"/v1/datasets/{dataset['id']}"
    assert client.get(f"{home}/profile").json()["target"] == "price"
    other = client.get(f"{home}/profile?target=rooms").json()
    assert (other["target"], other["facts"]["outputs"] > 1) == ("rooms", other["task"] == "multiclass")
    problem_of(client.get(f"{home}/profile?target=nothing"), 409, "D120")
    for query in ("horizon=x", "horizon=0", "data_kind=sound", "time=", f"time={'t' * 501}", f"target={'t' * 501}"):
        problem_of(client.get(f"{home}/profile?{query}"), 422, "R175")
    assert dataset["id"] in {each["id"] for each in client.get("/v1/datasets").json()["datasets"]}


@pytest.mark.parametrize(
    ("content", "kind", "query", "status", "code"),
    [
        (b"", "text/csv", "", 409, "D103"),
        (b"a,b\n1\n2,3\n", "text/csv", "", 409, "D106"),
        (b"PAR1 and nothing", "application/vnd.apache.parquet", "", 409, "D109"),
        (b"x", "application/octet-stream", "", 409, "D104"),
        (b"x", "application/octet-stream", "?format=exe", 422, "R175"),
        (b"x", "text/csv", "?format=npz", 409, "J111"),
        (b"x", "text/csv", "?path=/etc/passwd", 422, "R173"),
        (b"x", "application/json", "", 415, "J134"),
        (b"x", "application/x-www-form-urlencoded", "", 415, "J134"),
        (b"a\n" + b"1\n" * 101, "text/csv", "", 413, "J112"),
    ],
)
def test_what_is_no_data_is_refused(client, content, kind, query, status, code):
    before = len(client.get("/v1/datasets").json()["datasets"])
    found = problem_of(
        client.post(f"/v1/datasets{query}", content=content, headers={"content-type": kind}), status, code
    )
    assert "/tmp" not in found["place"] + found["message"]
    assert len(client.get("/v1/datasets").json()["datasets"]) == before


def test_an_upload_has_limits_and_leaves_nothing_behind(tmp_path):
    with client_of(tmp_path, most_upload_bytes=1000, most_datasets=1, most_running=0) as client:
        problem_of(client.post("/v1/datasets", content=b"1" * 1001, headers=CSV), 413, "J112")
        pieces = (b"a,b\n" for _ in range(300))
        problem_of(client.post("/v1/datasets", content=pieces, headers=CSV), 413, "J112")
        small = table()[:900].rsplit(b"\n", 1)[0]
        kept = client.post("/v1/datasets", content=small, headers=CSV)
        assert kept.status_code == 201
        problem_of(client.post("/v1/datasets", content=small, headers=CSV), 507, "J113")
        assert [each.name for each in (tmp_path / "datasets").iterdir()] == [kept.json()["id"]]
        assert client.delete(f"/v1/datasets/{kept.json()['id']}").status_code == 204
        assert list((tmp_path / "datasets").iterdir()) == []


def test_reading_data_has_limits_of_its_own(tmp_path):
    with client_of(tmp_path, inspection_bytes=300 * 1024**2, most_running=0) as client:
        problem_of(client.post("/v1/datasets", content=table(), headers=CSV), 413, "J110")


def test_a_job_waits_is_cancelled_and_removed(client, dataset):
    asked = {"dataset": dataset["id"], "target": "rooms", "problem": {"latency_budget_ms": 1}, "seed": 3}
    answer = client.post("/v1/jobs", json=asked)
    assert answer.status_code == 202, answer.text
    job, home = answer.json(), answer.headers["location"]
    assert home == f"/v1/jobs/{job['id']}"
    assert (job["state"], job["order"]["target"], job["order"]["seed"]) == ("queued", "rooms", 3)
    assert client.get(home).json() == job
    assert client.get("/v1/jobs?state=queued").json()["jobs"][0] == job
    problem_of(client.delete(f"/v1/datasets/{dataset['id']}"), 409, "J114")
    problem_of(client.delete(f"{home}?remove=true"), 409, "J105")
    for _ in range(2):
        cancelled = client.delete(home)
        assert (cancelled.status_code, cancelled.json()["state"]) == (202, "cancelled")
    problem_of(client.get(f"{home}/artifacts/report.html"), 404, "J106")
    told = client.get(f"{home}/events")
    assert told.headers["content-type"].startswith("text/event-stream")
    assert [line for line in told.text.splitlines() if line.startswith("id")] == ["id: 1", "id: 2"]
    later = client.get(f"{home}/events", headers={"Last-Event-ID": "1"})
    assert "id: 1\n" not in later.text
    assert '"cancelled"' in later.text
    assert client.get(f"{home}/events", headers={"Last-Event-ID": "2"}).status_code == 204
    problem_of(client.get(f"{home}/events", headers={"Last-Event-ID": "x"}), 400, "J133")
    assert client.delete(f"{home}?remove=true").status_code == 204
    problem_of(client.get(home), 404, "J104")


@pytest.mark.parametrize(
    ("changes", "status", "code", "pointer"),
    [
        ({"dataset": ABSENT}, 404, "J102", "#/dataset"),
        ({"dataset": "../houses"}, 422, "J132", "#/dataset"),
        ({"data": "/etc/passwd"}, 422, "J130", "#/data"),
        ({"url": "http://127.0.0.1/"}, 422, "J130", "#/url"),
        ({"problem": {"sparsity": "much"}}, 422, "P107", "#/problem/sparsity"),
        ({"problem": {"sparsity_target": 0.5}}, 409, "P201", "#/problem/sparsity_target"),
        ({"problem": {"task": "forecasting"}}, 409, None, None),
        ({"target": "nothing"}, 409, "D120", "#/target"),
        ({"rulebook": "../homl2"}, 404, "K100", None),
        ({"seed": -1}, 422, "J132", "#/seed"),
        ({"time_budget_seconds": 0}, 422, "J132", "#/time_budget_seconds"),
    ],
)
def test_a_wrong_order_is_refused_with_the_path_of_the_field(client, dataset, changes, status, code, pointer):
    answer = client.post("/v1/jobs", json={"dataset": dataset["id"], **changes})
    found = problem_of(answer, status, code or answer.json()["errors"][0]["code"])
    assert pointer is None or found["pointer"] == pointer
    assert answer.status_code == status


def test_a_recommendation_can_be_ordered_as_it_is(client, dataset):
    advice = recommend({**dataset["facts"], "sparsity": "sparse"}).to_dict()
    answer = client.post("/v1/jobs", json={"dataset": dataset["id"], "recommendation": advice})
    assert answer.status_code == 202, answer.text
    other = recommend({"task": "binary", "architecture": "dense_stack"}).to_dict()
    problem_of(client.post("/v1/jobs", json={"dataset": dataset["id"], "recommendation": other}), 409, "P301")


def test_keys_are_honoured_beyond_the_life_of_the_server(tmp_path):
    upload = {**CSV, "idempotency-key": "upload-1"}
    with client_of(tmp_path, most_running=0) as client:
        first = client.post("/v1/datasets", content=table(), headers=upload)
        asked = {"dataset": first.json()["id"]}
        job = client.post("/v1/jobs", json=asked, headers={"idempotency-key": "job-1"})
    with client_of(tmp_path, most_running=0) as client:
        again = client.post("/v1/datasets", content=table(), headers=upload)
        assert again.json()["id"] == first.json()["id"]
        problem_of(client.post("/v1/datasets", content=b"a,b\n1,2\n", headers=upload), 409, "R171")
        same = client.post("/v1/jobs", json=asked, headers={"idempotency-key": "job-1"})
        assert (same.status_code, same.json()["id"]) == (202, job.json()["id"])
        assert [each.headers.get("idempotent-replayed") for each in (job, same, again)] == [None, "true", "true"]
        other = client.post("/v1/jobs", json={**asked, "seed": 1}, headers={"idempotency-key": "job-1"})
        problem_of(other, 409, "R171")
        problem_of(client.post("/v1/jobs", json=asked, headers={"idempotency-key": "a b"}), 400, "R170")
        assert len(client.get("/v1/jobs").json()["jobs"]) == 1
        assert len(list((tmp_path / "datasets").iterdir())) == 1


def test_a_wrong_method_names_all_that_a_path_takes(client):
    for path, methods in (("/v1/jobs", "GET, POST"), (f"/v1/jobs/{ABSENT}", "DELETE, GET")):
        answer = client.put(path)
        problem_of(answer, 405, "R177")
        assert answer.headers["allow"] == methods


def test_a_full_queue_is_told(tmp_path):
    with client_of(tmp_path, most_running=0, most_waiting=1) as client:
        asked = {"dataset": client.post("/v1/datasets", content=table(), headers=CSV).json()["id"]}
        assert client.post("/v1/jobs", json=asked).status_code == 202
        answer = client.post("/v1/jobs", json=asked)
        problem_of(answer, 429, "J103")
        assert answer.headers["retry-after"] == "30"
        metrics = client.get("/metrics").text
        assert 'advisor_jobs{state="queued"} 1.0' in metrics
        assert "advisor_datasets 1.0" in metrics
        assert client.get("/readyz").json() == {"status": "ready", "jobs": "ready"}


def test_streams_have_places_of_their_own(tmp_path):
    with client_of(tmp_path, most_running=0, most_watchers=0) as client:
        answer = client.get(f"/v1/jobs/{ABSENT}/events")
        problem_of(answer, 429, "R168")
        assert answer.headers["retry-after"] == "5"
        problem_of(client.get(f"/v1/jobs/{ABSENT}"), 404, "J104")
        metrics = client.get("/metrics").text
        assert "advisor_http_streams_active 0.0" in metrics
        assert "advisor_http_requests_active 1.0" in metrics


def test_a_service_without_a_data_folder_says_so():
    with TestClient(create_app(Settings()), base_url=HOME) as client:
        problem_of(client.post("/v1/datasets", content=b"a", headers=CSV), 503, "J100")
        problem_of(client.get(f"/v1/jobs/{ABSENT}"), 503, "J100")
        assert client.get("/readyz").json() == {"status": "ready", "jobs": "off"}
        assert "/v1/jobs" not in client.get("/openapi.json").json()["paths"]


def test_the_examples_of_the_description_are_as_it_describes(client):
    document = client.get("/openapi.json").json()
    described = document["paths"]
    model_of = {"DatasetDocument": DatasetDocument, "JobDocument": JobDocument, "JobRequest": JobRequest}
    checked = set()
    for path, methods in described.items():
        for operation in methods.values():
            parts = [operation.get("requestBody", {}), *operation["responses"].values()]
            for content in (each.get("content", {}).get("application/json", {}) for each in parts):
                model = model_of.get(content.get("schema", {}).get("$ref", "").rpartition("/")[2])
                for example in content.get("examples", {}).values() if model else ():
                    name = example.get("$ref", "").rpartition("/")[2]
                    model.model_validate(document["components"]["examples"].get(name, example)["value"])
                    checked.add((path, model.__name__))
    assert len(checked) == 5
    upload = described["/v1/datasets"]["post"]["requestBody"]["content"]["text/csv"]["examples"]["houses"]["value"]
    assert client.post("/v1/datasets", content=upload.encode(), headers=CSV).json()["target"] == "price"


def test_without_the_token_no_route_does_anything(tmp_path):
    app = create_app(Settings(token="0123456789abcdef", data_dir=tmp_path, jobs=JobLimits(most_running=0)))
    with TestClient(app, base_url=HOME) as client:
        paths = client.get("/openapi.json", headers={"authorization": "Bearer 0123456789abcdef"}).json()["paths"]
        assert {"/v1/datasets/{id}", "/v1/jobs/{id}/artifacts/{name}"} < set(paths)
        for path, methods in paths.items():
            for method in methods:
                answer = client.request(method, path.replace("{id}", ABSENT).replace("{name}", "x"))
                assert answer.status_code == (200 if path in ("/healthz", "/readyz") else 401), path


def test_the_usual_folder_may_be_taken_and_a_stated_one_may_not(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    for name in ("handlers", "propagate", "level"):  # the log goes to stderr from now on; not so for other tests
        monkeypatch.setattr(LOGGER, name, getattr(LOGGER, name))
    folder = serve._data_dir(None)
    assert folder == tmp_path / "advisor" / "service"
    held = lock_folder(folder)
    assert serve._data_dir(None) is None
    with pytest.raises(StorageError, match="J109"):
        serve._data_dir(folder)
    os.close(held)


def test_a_second_service_on_the_same_folder_refuses_to_start(tmp_path):
    words = [sys.executable, "-m", "advisor.interfaces.cli", "serve", "--port", "0", "--data-dir", str(tmp_path)]
    with client_of(tmp_path, most_running=0):
        done = subprocess.run(words, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 3
    assert "J109 another service uses this data folder" in done.stderr


def test_the_server_never_loads_a_framework(tmp_path):
    code = """
import json, pathlib, sys
from starlette.testclient import TestClient
from advisor.interfaces.service import Settings, create_app
from advisor.interfaces.service.jobs import JobLimits
app = create_app(Settings(data_dir=pathlib.Path(sys.argv[1]), jobs=JobLimits(most_running=0)))
with TestClient(app, base_url="http://127.0.0.1") as client:
    table = sys.stdin.buffer.read()
    dataset = client.post("/v1/datasets", content=table, headers={"content-type": "text/csv"}).json()
    job = client.post("/v1/jobs", json={"dataset": dataset["id"]})
    assert job.status_code == 202, job.text
    assert client.get("/openapi.json").status_code == 200
print(json.dumps(sorted({name.split(".")[0] for name in sys.modules})))
"""
    words = [sys.executable, "-c", code, str(tmp_path)]
    done = subprocess.run(words, input=table(), capture_output=True, timeout=600, check=True)
    loaded = set(json.loads(done.stdout))
    assert loaded & {"keras", "tensorflow", "tf_keras", "sklearn", "polars"} == set()
    assert "fastapi" in loaded
