"""The door of the server: requests of this machine's browser that know the token pass, all others get 403."""

import secrets
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HOSTS = frozenset({"127.0.0.1", "localhost"})
"""Names of this machine. A page elsewhere whose name leads here sends another one."""
MOST_BYTES = 100_000
"""Longest body of a request."""
HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class Guard:
    """Middleware that lets requests pass whose address begins with the token and whose Host is this machine.

    Requests that change something must have a body of JSON and come from the page itself. Nothing is said to other
    origins: there are no CORS headers.
    """

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if not self._may_pass(scope):
            response = PlainTextResponse("This address is not the one that `roadseg app` printed.", 403, HEADERS)
            await response(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
            await send(message)

        await self._app(scope, receive, send_guarded)

    def _may_pass(self, scope: Scope) -> bool:
        headers = Headers(scope=scope)
        given = scope["path"].split("/")[1] if "/" in scope["path"] else ""
        if not secrets.compare_digest(given.encode(), self._token.encode()):
            return False
        host = headers.get("host", "")
        if len(headers.getlist("host")) != 1 or _name(host) not in HOSTS:
            return False
        if scope["method"] in ("GET", "HEAD"):
            return True
        is_json = headers.get("content-type", "").partition(";")[0].strip() == "application/json"
        length = headers.get("content-length", "")
        is_short = length.isdecimal() and int(length) <= MOST_BYTES
        is_own = headers.get("origin", f"http://{host}") == f"http://{host}"
        return scope["method"] == "POST" and is_json and is_short and is_own


def _name(host: str) -> str:
    """Return a Host header without its port; empty for one that is none."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
