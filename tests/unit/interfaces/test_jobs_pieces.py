"""The parts of training through the service that need no server: store, events, names, limits, orders."""

import asyncio
import io
import json
import math
import os
import signal
import subprocess
import sys
import time

import pytest

from advisor.artifacts import Epoch, Event
from advisor.errors import AdvisorError, Finding, StorageError
from advisor.interfaces.service.jobs import JobLimits, JobOrder
from advisor.interfaces.service.jobs.checking import check_order, decide_for
from advisor.interfaces.service.jobs.datasets import format_of, safe_name
from advisor.interfaces.service.jobs.documents import read_request
from advisor.interfaces.service.jobs.events import Bell, as_text, follow
from advisor.interfaces.service.jobs.inspecting import profile_of
from advisor.interfaces.service.jobs.limits import end_group, resident_bytes, started_at
from advisor.interfaces.service.jobs.media import media_type_of
from advisor.interfaces.service.jobs.records import Dataset, JobEvent, moment
from advisor.interfaces.service.jobs.service import lock_folder
from advisor.interfaces.service.jobs.store import Store
from advisor.interfaces.service.jobs.telling import EPOCH_SECONDS, Teller
from advisor.interfaces.service.settings import usual_data_dir

ORDER = JobOrder("d", target="y", problem={"sparsity": "sparse"}, options={"horizon": 3})
FINDING = Finding("J124", "", "too long.", "Be quick.")


@pytest.fixture
def store(tmp_path):
    made = Store(tmp_path / "jobs.sqlite3")
    yield made
    made.close()


def test_a_job_survives_the_store_that_took_it(tmp_path):
    path = tmp_path / "jobs.sqlite3"
    first = Store(path)
    first.add_job("a", ORDER, digest="x", key="k")
    first.begin("a", (1, 2))
    first.finish("a", {"met": True}, {"report.html": {"bytes": 5, "sha256": "0"}})
    second = Store(path)  # the first one is not closed, as after kill -9
    job = second.need("a")
    assert (job.state, job.order, job.result, job.attempts) == ("finished", ORDER, {"met": True}, 1)
    assert second.job_of_key("k")[1] == "x"
    assert second.stored_bytes() == 5
    assert [event.data["state"] for event in second.events("a")] == ["queued", "running", "finished"]
    second.close()
    first.close()


def test_jobs_wait_in_the_order_in_which_they_came_and_keep_their_place(store):
    for name in "abc":
        store.add_job(name, ORDER, digest="", key=None)
    assert [store.need(name).waiting_before for name in "abc"] == [0, 1, 2]
    store.begin("a", (1, 2))
    assert store.first_waiting().id == "b"
    store.wait_again("a", "died", seconds=2.5, died=True)
    again = store.first_waiting()
    assert (again.id, again.deaths, again.spent, again.process) == ("a", 1, 2.5, (0, 0))
    assert again.progress["reason"] == "died"
    store.cancel("a")
    store.fail("b", FINDING)
    assert store.counts() == {"queued": 1, "running": 0, "finished": 0, "failed": 1, "cancelled": 1}
    assert store.need("b").error["code"] == "J124"
    assert [job.id for job in store.jobs(state="queued")] == ["c"]
    assert [job.id for job in store.oldest_over(2)] == ["a"]
    store.remove_job("a")
    assert store.job("a") is None
    assert store.events("a") == []


def test_a_change_that_fails_changes_nothing(store):
    store.add_job("a", ORDER, digest="", key="k")
    with pytest.raises(Exception, match="UNIQUE"):
        store.add_job("b", ORDER, digest="", key="k")
    assert store.job("b") is None
    with pytest.raises(TypeError):
        store.finish("a", {"met": True, "bad": object()}, {})
    assert store.need("a").state == "queued"


def test_a_data_set_stays_while_a_job_needs_it(store):
    profile = {"rows": 3, "columns": [], "target": "y", "facts": {}, "how": {}, "notes": []}
    store.add_dataset(Dataset("d", "t.csv", "csv", 10, "0", 1.5, profile), "k")
    assert store.dataset_of_key("k").document()["created"] == "1970-01-01T00:00:01.500Z"
    store.add_job("a", ORDER, digest="", key=None)
    assert not store.remove_dataset("d")
    store.cancel("a")
    assert store.remove_dataset("d")
    assert store.datasets() == []


def test_a_store_of_another_version_or_none_at_all_is_refused(tmp_path):
    store = Store(tmp_path / "a")
    store._base.execute("PRAGMA user_version=99")
    store.close()
    (tmp_path / "b").write_bytes(b"no database at all" * 100)
    for name in "ab":
        with pytest.raises(StorageError, match="J101"):
            Store(tmp_path / name)


def test_a_data_folder_has_one_service(tmp_path):
    held = lock_folder(tmp_path / "data")
    with pytest.raises(StorageError, match="another service"):
        lock_folder(tmp_path / "data")
    os.close(held)
    os.close(lock_folder(tmp_path / "data"))
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="not empty"):
        lock_folder(tmp_path)
    with pytest.raises(StorageError, match="J108"):
        lock_folder(tmp_path / "file" / "data")


def test_events_are_followed_as_they_come_and_the_stream_ends_with_the_job(store):
    bell = Bell()
    store.add_job("a", ORDER, digest="", key=None)

    async def told(after, heartbeat=5.0, stopping=lambda: False):
        found = []
        async for event in follow(store, bell, "a", after, heartbeat=heartbeat, is_stopping=stopping):
            found.append(event and event.number)
            if event is None:
                break
        return found

    async def work():
        waiting = asyncio.create_task(told(0))
        await asyncio.sleep(0)
        for number in range(3):
            store.tell("a", "stage", {"name": f"stage {number}", "detail": ""})
            bell.ring("a")
            await asyncio.sleep(0)
        store.cancel("a")
        bell.ring("a")
        return await asyncio.wait_for(waiting, 5)

    assert asyncio.run(told(0, heartbeat=0.01)) == [1, None]
    assert asyncio.run(told(0, stopping=lambda: True)) == [1]
    assert asyncio.run(work()) == [1, 2, 3, 4, 5]
    assert asyncio.run(told(3)) == [4, 5]
    assert asyncio.run(told(5)) == []
    assert bell._waiting == {}


def test_an_event_is_one_block_of_a_stream_whatever_its_text():
    text = as_text(JobEvent(7, "event", {"message": "two\nlines\r\nand é"}, 0.0)).decode()
    assert text.startswith("id: 7\nevent: event\ndata: ")
    assert text.count("\n") == 4
    assert json.loads(text.split("data: ")[1])["message"] == "two\nlines\r\nand é"
    assert as_text(None).startswith(b":")


def test_a_worker_tells_the_first_and_the_last_epoch_and_few_between():
    stream, now = io.BytesIO(), [0.0]
    teller = Teller(stream, clock=lambda: now[0])
    teller.fit_begins("first", 100)
    for number in range(1, 101):
        now[0] += EPOCH_SECONDS / 10
        teller.epoch(Epoch(number, 1.0, math.nan, 0.5, 0.1, 0.0))
    teller.fit_ends()
    teller.event(Event("kept", "It is kept.", {"with": math.inf}))
    told = [json.loads(line) for line in stream.getvalue().splitlines()]
    epochs = [each["data"]["number"] for each in told if each["kind"] == "epoch"]
    assert epochs[0] == 1
    assert epochs[-1] == 100
    assert 9 <= len(epochs) <= 12
    assert told[1]["data"]["val_loss"] is None
    assert [each["kind"] for each in told[-2:]] == ["fit_ends", "event"]
    assert told[-1]["data"]["facts"] == {"with": None}


@pytest.mark.parametrize(
    ("given", "form", "name"),
    [
        ("houses.csv", "csv", "houses.csv"),
        ("../../etc/passwd", "csv", "passwd.csv"),
        ("C:\\data\\Häuser 1.PARQUET", "parquet", "H-user-1.parquet"),
        ("...", "npz", "data.npz"),
        ("", "zip", "data.zip"),
        (None, "tsv", "data.tsv"),
        ("x" * 500, "csv", "x" * 60 + ".csv"),
    ],
)
def test_a_file_is_stored_under_a_harmless_name(given, form, name):
    assert safe_name(given, form) == name


@pytest.mark.parametrize(
    ("name", "start", "form"),
    [
        ("a.TSV", b"PAR1", "tsv"),
        (None, b"ARROW1\0", "arrow"),
        ("x.bin", b'{"a": 1}', "jsonl"),
        (None, b"PK\x03\x04" + bytes(26) + b"X.npy\x93NUMPY", "npz"),
        (None, b"PK\x03\x04" + bytes(26) + b"cats/1.png", "zip"),
        (None, b"", "csv"),
    ],
)
def test_a_format_is_recognized(name, start, form):
    assert format_of(name, start) == form


def test_a_request_is_read_strictly():
    order = read_request(json.dumps({"dataset": "0" * 32, "horizon": 4, "exports": ["keras", "keras"]}).encode())
    made = order.order("homl3")
    assert (made.rulebook, made.exports, made.options) == ("homl3", ("keras",), {"horizon": 4})
    assert JobOrder.from_document(json.loads(json.dumps(made.document()))) == made
    wrong = {"dataset": "../x", "seed": True, "path": "/etc/passwd", "problem": []}
    with pytest.raises(AdvisorError) as raised:
        read_request(json.dumps(wrong).encode())
    assert {(each.code, each.place) for each in raised.value.findings} == {
        ("J132", "dataset"),
        ("J132", "seed"),
        ("J132", "problem"),
        ("J130", "path"),
    }
    for body, code in ((b"[]", "P104"), (b"{}", "J131"), (b'{"seed": NaN}', "P102"), (b'{"a":1,"a":2}', "P103")):
        with pytest.raises(AdvisorError, match=code):
            read_request(body)


def test_an_order_is_checked_before_anything_is_trained():
    limits = JobLimits(job_seconds=100.0)
    assert check_order(ORDER, limits).time_budget_seconds == 50.0
    assert check_order(JobOrder("d", time_budget_seconds=500.0), limits).time_budget_seconds == 80.0
    with pytest.raises(AdvisorError) as raised:
        check_order(JobOrder("d", problem={"sparsity": "much", "x": 1}), limits)
    assert [each.place for each in raised.value.findings] == ["problem.sparsity", "problem.x"]
    with pytest.raises(AdvisorError, match="K100"):
        check_order(JobOrder("d", rulebook="../rules"), limits)
    with pytest.raises(AdvisorError, match="exclude"):
        check_order(JobOrder("d", problem={"sparsity": "sparse"}, recommendation={}), limits)


def test_the_problem_of_an_order_is_decided_with_what_the_data_say():
    facts = {"task": "regression", "architecture": "dense_stack", "data_kind": "table", "features": 3}
    profile = {"facts": facts, "how": dict.fromkeys(facts, ""), "task": "regression", "target": "y"}
    assert decide_for(ORDER, profile).sparsity == "sparse"
    with pytest.raises(AdvisorError, match=r"problem\.sparsity_target  P201"):
        decide_for(JobOrder("d", problem={"sparsity_target": 0.5}), profile)
    with pytest.raises(AdvisorError, match="P301"):
        decide_for(JobOrder("d", problem={"task": "binary", "outputs": 1}), profile)
    with pytest.raises(AdvisorError) as raised:
        decide_for(JobOrder("d", recommendation={"slots": 1}), profile)
    assert all(each.place.startswith("recommendation") for each in raised.value.findings)


def test_a_table_that_can_t_be_used_with_the_guessed_target_still_shows_its_columns(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("x,z,same\n" + "".join(f"{k},{k * k % 7},1\n" for k in range(30)))
    found = profile_of(path, None, {})
    assert (found["target"], found["facts"], found["rows"]) == (None, {}, 30)
    assert [each["name"] for each in found["columns"]] == ["x", "z", "same"]
    assert found["notes"]
    assert profile_of(path, "x", {})["task"] == "regression"


def test_moments_and_media_types():
    assert moment(None) is None
    assert moment(1e9) == "2001-09-09T01:46:40.000Z"
    assert media_type_of("model/saved_model/saved_model.pb") == "application/octet-stream"
    assert media_type_of("train.py").startswith("text/x-python")


def test_the_usual_data_folder_is_that_of_the_user_s_state(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert usual_data_dir() == tmp_path / "advisor" / "service"
    monkeypatch.setenv("XDG_STATE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert usual_data_dir() == tmp_path / ".local" / "state" / "advisor" / "service"


def test_a_process_is_told_from_another_with_its_number():
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, start_new_session=True)
    assert started_at(process.pid) >= started_at(os.getpid()) > 0
    begun = time.monotonic()
    while resident_bytes(process.pid) == 0:
        assert time.monotonic() - begun < 120
    end_group(process.pid, signal.SIGKILL)
    assert process.wait(120) == -signal.SIGKILL
    process.stdin.close()
    assert started_at(process.pid) == resident_bytes(process.pid) == 0
    end_group(process.pid, signal.SIGKILL)
