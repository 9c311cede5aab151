"""What all pages share: templates, the policy that lets nothing foreign in, own files, and errors said in sentences."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Awaitable, Callable, Mapping
from functools import lru_cache, wraps
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from advisor.errors import AdvisorError, Finding, RequestError
from advisor.explanation.drawing import STYLE
from advisor.explanation.wording import first_sentence, say_fact_value
from advisor.interfaces.service.problem_details import status_of
from advisor.problem import FACTS
from advisor.problem.facts import Value
from advisor.report.wording import number, words

HERE = Path(__file__).parent
KINDS = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
_DIGEST = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
POLICY = (
    f"default-src 'none'; script-src 'self'; style-src 'self' 'sha256-{_DIGEST}'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""Nothing from elsewhere, nothing written into a page; the one style sheet inside a drawing is known by its digest."""
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
Handler = Callable[[Request], Awaitable[Response]]


@lru_cache(maxsize=1)
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals["asset"] = lambda name: f"/assets/{name}?v={asset(name)[1]}"
    made.filters |= {"plain": plain, "capital": capital, "reason": reason, "words": words, "number": amount}
    made.filters |= {"first_sentence": first_sentence, "breakable": breakable}
    return made


@lru_cache(maxsize=16)
def asset(name: str) -> tuple[bytes, str]:
    """Return one of the pages' own files, and the beginning of its digest.

    Raises:
        RequestError: If there is no such file.
    """
    path = HERE / "assets" / name
    if path.suffix not in KINDS or path.name != name or not path.is_file():
        raise RequestError(
            Finding("R192", name[:100], "there is no such file.", "Its address is written in the pages.")
        )
    content = path.read_bytes()
    return content, hashlib.sha256(content).hexdigest()[:12]


async def get_asset(request: Request) -> Response:
    """Answer with one of the pages' own files; its address holds its digest, so it may be kept for ever."""
    try:
        content, _ = asset(request.path_params["name"])
    except RequestError:
        return Response("There is no such file.", 404, media_type="text/plain")
    kind = KINDS[Path(request.path_params["name"]).suffix]
    headers = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}
    return Response(content, headers=headers, media_type=kind)


def plain(word: object) -> str:
    """Return a word of the vocabulary as it is read: ``dense_stack`` as ``dense stack``."""
    return str(word).replace("_", " ")


def capital(text: str) -> str:
    """Return a text with a capital letter at its beginning."""
    return text[:1].upper() + text[1:]


def breakable(value: object) -> Markup:
    """Return an identifier that a narrow column breaks after its underscores, and nowhere else."""
    return Markup("_<wbr>").join(escape(part) for part in str(value).split("_"))


def reason(text: str) -> str:
    """Return a reason so that it goes on within a sentence: no full stop, and no capital that only begins a sentence.

    Examples:
        >>> reason("The data say it."), reason("RMSE is small")
        ('the data say it', 'RMSE is small')
    """
    text = text.strip().rstrip(".")
    return text[:1].lower() + text[1:] if text[1:2].islower() or text[1:2] == " " else text


def amount(value: Any) -> str:
    """Return a number for people, and anything else as it is written."""
    return number(value) if value is None or isinstance(value, int | float) else str(value)


def say_answer(name: str, value: Value) -> str:
    """Return an answer in words.

    Examples:
        >>> say_answer("architecture", "dense_stack"), say_answer("outliers", True)
        ('dense stack', 'yes')
    """
    words = say_fact_value(name, value)
    return plain(words) if FACTS[name].kind == "enum" and value is not None else words


def page(template: str, status: int = 200, **values: Any) -> Response:
    """Return a page.

    Args:
        template: Name of its template, without ``.html.j2``.
        status: The status.
        **values: What the template shows.
    """
    text = _environment().get_template(f"{template}.html.j2").render(**values)
    return Response(text, status, headers=HEADERS, media_type="text/html; charset=utf-8")


def go_to(address: str) -> Response:
    """Send the browser to another page of this service."""
    return RedirectResponse(address, 303, headers={"Cache-Control": "no-store"})


def is_fragment(request: Request) -> bool:
    """Tell whether a script asks for a part of a page."""
    return request.headers.get("hx-request") == "true"


def said(handler: Handler) -> Handler:
    """Wrap a handler so that a visitor's mistake becomes a page that says what to do."""

    @wraps(handler)
    async def wrapped(request: Request) -> Response:
        try:
            return await handler(request)
        except AdvisorError as error:
            return error_page(error)

    return wrapped


def error_page(error: AdvisorError) -> Response:
    """Return the page about an error."""
    return page("error", status_of(error), findings=error.findings)


def check_same_origin(request: Request) -> None:
    """Check that a form comes from a page of this service: forms of other sites reach loopback too.

    Raises:
        RequestError: If it doesn't.
    """
    origin = request.headers.get("origin")
    site = request.headers.get("sec-fetch-site", "same-origin")
    own = request.headers.get("host", "")
    if site not in ("same-origin", "none") or (origin is not None and urlsplit(origin).netloc != own):
        message = "this form was sent by a page of another site, so nothing was done."
        raise RequestError(Finding("R191", "Origin", message, "Open the page here and send the form again."))


def texts(values: Mapping[str, Any]) -> dict[str, str]:
    """Return texts of a form, each cut to a bearable length; uploaded files are left out."""
    return {name: value[:500] for name, value in values.items() if isinstance(value, str)}
