"""Training jobs in real processes: progress, limits, kill -9 of worker and server, a stop in the middle, artefacts."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

import httpx
import polars as pl
import pytest

pytestmark = pytest.mark.slow

CSV = {"content-type": "text/csv"}
PATIENCE = 600.0


@contextmanager
def service(folder, *words):
    """A running server and a client of it; the server is killed at the end if it still runs."""
    command = [
        sys.executable,
        "-m",
        "advisor.interfaces.cli",
        "serve",
        "--port",
        "0",
        "--data-dir",
        str(folder),
        *words,
    ]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
    process.told = []
    found = threading.Event()

    def listen():
        for line in process.stderr:
            process.told.append(json.loads(line))
            if "http://" in line:
                found.set()

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    assert found.wait(60)
    address = next(word for line in process.told for word in line["message"].split() if word.startswith("http://"))
    try:
        with httpx.Client(base_url=address, timeout=httpx.Timeout(30, read=PATIENCE)) as client:
            yield process, client
    finally:
        process.kill()
        process.wait(30)
        listener.join(30)
        process.stderr.close()


def order(client, table, recommendation):
    dataset = client.post("/v1/datasets?name=colours.csv", content=table.write_csv().encode(), headers=CSV)
    assert dataset.status_code == 201, dataset.text
    advice = json.loads(recommendation.to_json())
    asked = client.post("/v1/jobs", json={"dataset": dataset.json()["id"], "recommendation": advice})
    assert asked.status_code == 202, asked.text
    return asked.headers["location"]


def events(client, home, after=0, until=None):
    """The events of a job after a number, up to one of a kind, or all until the stream ends."""
    found = []
    with client.stream("GET", f"{home}/events", headers={"last-event-id": str(after)}) as answer:
        assert answer.status_code == 200
        block = {}
        for line in answer.iter_lines():
            name, _, value = line.partition(": ")
            if name in ("id", "event", "data"):
                block[name] = value
            elif not line and "data" in block:
                found.append((int(block["id"]), block["event"], json.loads(block["data"])))
                block = {}
                if until is not None and until(found[-1]):
                    break
    return found


def is_epoch(event):
    return event[1] == "epoch"


def worker_of(server):
    return next(each["process"] for each in reversed(server.told) if each["message"] == "job started")


def is_there(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    with open(f"/proc/{process}/stat") as file:
        return file.read().rpartition(")")[2].split()[0] != "Z"


def wait_until(is_so):
    begun = time.monotonic()
    while not is_so():
        assert time.monotonic() - begun < PATIENCE
        time.sleep(0.05)


@pytest.fixture
def problem(three_classes):
    """What the table of three classes says."""
    return {"task": "multiclass", "architecture": "dense_stack", "features": 4, "outputs": 3, "labeled_rows": 400}


def test_a_killed_server_loses_no_job_and_the_unfinished_one_goes_on(tmp_path, three_classes, quick, problem):
    advice = quick(problem, max_epochs=600, patience_epochs=600)
    with service(tmp_path) as (server, client):
        home = order(client, three_classes, advice)
        told = events(client, home, until=is_epoch)
        worker = worker_of(server)
        server.kill()
        server.wait(30)
    wait_until(lambda: not is_there(worker))
    with service(tmp_path) as (server, client):
        told += events(client, home, after=told[-1][0])
        assert [number for number, _, _ in told] == list(range(1, len(told) + 1))
        states = [data["state"] for _, kind, data in told if kind == "state"]
        assert states == ["queued", "running", "queued", "running", "finished"]
        job = client.get(home).json()
        assert (job["state"], job["attempts"]) == ("finished", 2)
        assert job["result"]["metrics"]["rows"]["test"] > 0
        last = [data["number"] for _, kind, data in told if kind == "epoch"][-1]
        assert last == job["progress"]["epoch"]
        server.kill()
        server.wait(30)
    with service(tmp_path) as (server, client):
        assert client.get(home).json() == job
        names = {each["name"] for each in job["artifacts"]}
        assert {"report.html", "manifest.json", "model/model.tflite", "train.py"} <= names
        for each in job["artifacts"]:
            if each["name"].startswith(("model/model", "report", "manifest")):
                file = client.get(each["href"])
                assert hashlib.sha256(file.content).hexdigest() == each["sha256"]
                assert file.headers["x-content-type-options"] == "nosniff"
        report = client.get(f"{home}/artifacts/report.html")
        assert report.headers["content-disposition"].startswith("inline")
        assert "sandbox" in report.headers["content-security-policy"]
        script = client.get(f"{home}/artifacts/train.py")
        assert "colours.csv" in script.text
        for found in (report, script, client.get(f"{home}/artifacts/manifest.json")):
            assert str(tmp_path) not in found.text
        for name in ("../worker.log", "..%2Fworker.log", "logs", "inputs.json", "/etc/passwd", "%2Fetc%2Fpasswd"):
            assert client.get(f"{home}/artifacts/{name}").status_code == 404
        assert client.get(f"{home}/events", headers={"last-event-id": str(told[-1][0])}).status_code == 204
        run = tmp_path / "jobs" / home.rpartition("/")[2] / "run"
        (run / "report.html").write_text("changed")
        assert client.get(f"{home}/artifacts/report.html").json()["errors"][0]["code"] == "J107"
        assert client.delete(f"{home}?remove=true").status_code == 204
        assert not run.parent.exists()


def test_a_killed_worker_and_a_stopped_server_go_on_from_the_checkpoint(tmp_path, three_classes, quick, problem):
    advice = quick(problem, max_epochs=20_000, patience_epochs=20_000)
    with service(tmp_path) as (server, client):
        home, second = (order(client, three_classes, advice) for _ in range(2))
        told = events(client, home, until=is_epoch)
        waiting = client.get(second).json()
        assert (waiting["state"], waiting["waiting_before"], waiting["attempts"]) == ("queued", 0, 0)
        assert client.delete(second).json()["state"] == "cancelled"
        unfinished = tmp_path / "jobs" / home.rpartition("/")[2] / "run.partial"
        wait_until(lambda: list(unfinished.rglob("training.npz")))
        os.kill(worker_of(server), signal.SIGKILL)
        told += events(client, home, after=told[-1][0], until=lambda event: event[2].get("attempt") == 2)
        told += events(client, home, after=told[-1][0], until=is_epoch)
        reasons = [data.get("reason", "") for _, kind, data in told if kind == "state"]
        assert "its process ended by signal SIGKILL" in reasons[2]
        again = next(number for number, kind, data in told if data.get("attempt") == 2)
        resumed = next(data["number"] for number, kind, data in told if kind == "epoch" and number > again)
        assert resumed > 1
        worker = worker_of(server)
        server.send_signal(signal.SIGTERM)
        assert server.wait(40) == 0
        assert not is_there(worker)
    assert [line["message"] for line in server.told].count("job interrupted") == 1
    with service(tmp_path) as (server, client):
        told += events(client, home, after=told[-1][0], until=lambda event: event[2].get("state") == "running")
        assert "the server is stopping" in {data.get("reason") for _, _, data in told}
        assert client.delete(home).json()["state"] == "running"
        assert events(client, home, after=told[-1][0])[-1][2]["state"] == "cancelled"
        assert client.get(home).json()["attempts"] == 3
        assert [each.name for each in (tmp_path / "jobs" / home.rpartition("/")[2]).iterdir()] == ["worker.log"]


@pytest.mark.parametrize(
    ("limit", "code"),
    [(("--job-memory", "150"), "J120"), (("--job-cpu-seconds", "1"), "J125"), (("--job-seconds", "1"), "J124")],
)
def test_a_job_that_takes_too_much_is_ended_and_says_so(tmp_path, three_classes, quick, problem, limit, code):
    with service(tmp_path, *limit) as (server, client):
        home = order(client, three_classes, quick(problem))
        told = events(client, home)
        assert told[-1][2]["state"] == "failed"
        error = client.get(home).json()["error"]
        assert (error["code"], told[-1][2]["error"]) == (code, error)
        assert not is_there(worker_of(server))


def test_data_that_can_t_be_trained_on_fail_the_job_with_their_finding(tmp_path, three_classes):
    parts = ["val" if row < 10 else "test" if row < 100 else "train" for row in range(three_classes.height)]
    table = three_classes.with_columns(part=pl.Series(parts), unfit=pl.Series(["val", "test"] * 200)).write_csv()
    with service(tmp_path) as (_, client):
        dataset = client.post("/v1/datasets", content=table.encode(), headers=CSV).json()
        asked = {"dataset": dataset["id"], "target": "label", "problem": {"risk_sensitive": True}}
        refused = client.post("/v1/jobs", json={**asked, "split_column": "unfit"})
        assert (refused.status_code, refused.json()["errors"][0]["code"]) == (409, "D131")
        home = client.post("/v1/jobs", json={**asked, "split_column": "part"}).headers["location"]
        assert events(client, home)[-1][2]["state"] == "failed"
        job = client.get(home).json()
        assert (job["error"]["code"], job["attempts"]) == ("U106", 1)
        assert str(tmp_path) not in json.dumps(job) + refused.text
