"""Schemathesis against the service as a process: every check and phase, a bounded number of examples."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

TOKEN = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def address(tmp_path):
    """The address of a running service that wants a token."""
    words = f"serve --port 0 --data-dir {tmp_path / 'data'} --job-seconds 1 --queue 2".split()
    command = [sys.executable, "-m", "advisor.interfaces.cli", *words]
    environment = {**os.environ, "ADVISOR_TOKEN": TOKEN}
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
    guard = threading.Timer(900, process.kill)
    guard.start()
    try:
        found = None
        while found is None:
            message = json.loads(process.stderr.readline())["message"]
            found = next((word for word in message.split() if word.startswith("http://")), None)
        threading.Thread(target=process.stderr.read, daemon=True).start()
        yield found
    finally:
        guard.cancel()
        process.terminate()
        process.wait(120)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_every_answer_is_as_described(address, tmp_path):
    words = f"run {address}/openapi.json --checks all --max-examples 4 --seed 1 --no-color --max-time 60"
    words += " --generation-database none --suppress-health-check all"
    command = [str(Path(sys.executable).with_name("schemathesis")), *words.split()]
    done = subprocess.run(
        [*command, "-H", f"Authorization: Bearer {TOKEN}"], cwd=tmp_path, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stdout[-6000:]
    assert "Tested: 19" in done.stdout
    assert "FAILURES" not in done.stdout
    assert "ERRORS" not in done.stdout
