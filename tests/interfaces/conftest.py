"""A served Advisor and a real browser; without Debian's Chromium these tests are skipped, and say so."""

import json
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")
AXE = (Path(__file__).parent / "axe" / "axe.min.js").read_text(encoding="utf-8")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
WIDTHS = (360, 1280)


@pytest.fixture(scope="module")
def chromium():
    """A browser; Playwright keeps an event loop in this thread as long, which other tests can't share."""
    if BROWSER is None:
        pytest.skip("Chromium is not installed (Debian: apt-get install chromium), so no page was opened in a browser")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=BROWSER, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def home(tmp_path_factory):
    """The address of a service that runs as a process of its own."""
    folder = tmp_path_factory.mktemp("service")
    command = [sys.executable, "-m", "advisor.interfaces.cli", "serve", "--port", "0", "--data-dir", str(folder)]
    server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    address = ""
    for line in server.stderr:
        message = json.loads(line)["message"] if line.startswith("{") else line
        if "running on" in message:
            address = message.split("running on ")[1].split()[0]
            break
    assert address, "the service did not start"
    drained = threading.Thread(target=server.stderr.read, daemon=True)
    drained.start()
    yield address
    server.terminate()
    assert server.wait(timeout=300) == 0
    drained.join(timeout=60)
    server.stderr.close()


class Watched:
    """A browser page that notes what it loads and complains about."""

    def __init__(self, chromium, home, *, width=1280, script=True, dark=False):
        self.context = chromium.new_context(
            viewport={"width": width, "height": 800},
            java_script_enabled=script,
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce",
        )
        self.page = self.context.new_page()
        self.page.set_default_timeout(240_000)
        self.home = home
        self.asked: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on(
            "console", lambda message: self.complaints.append(message.text) if message.type == "error" else None
        )
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _console(self, message):
        if message.type == "error":
            self.complaints.append(message.text)

    def open(self, path):
        self.page.goto(self.home + path)
        return self.page

    def open_everything(self):
        """Show what is shown on demand."""
        self.page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")

    def foreign(self):
        """Return what was asked of anybody else."""
        return [url for url in self.asked if not url.startswith((self.home, "data:", "blob:"))]

    def overflow(self):
        """Return by how many pixels the page is wider than the window."""
        return self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")

    def violations(self):
        """Return what axe finds wrong, each with where."""
        self.page.evaluate(AXE)
        found = self.page.evaluate("rules => axe.run(document, {runOnly: rules})", RULES)["violations"]
        return [(each["id"], [node["target"] for node in each["nodes"]][:5]) for each in found]


@pytest.fixture
def watched(chromium, home):
    """A function that opens pages; at the end nothing foreign was asked for and nothing complained."""
    opened = []

    def make(**options):
        opened.append(Watched(chromium, home, **options))
        return opened[-1]

    yield make
    for each in opened:
        each.context.close()
    assert [url for each in opened for url in each.foreign()] == []
    assert [text for each in opened for text in each.complaints if "422" not in text] == []
