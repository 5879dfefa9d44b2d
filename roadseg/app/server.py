"""Server of the page, on this machine alone."""

import asyncio
import json
import secrets
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from importlib.resources import files as resources
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.types import ASGIApp

from roadseg.app.guard import Guard
from roadseg.app.requests import AdaptRequest, ContinueRequest, OpenRequest, OverlayRequest, PreviewRequest, checked
from roadseg.app.session import Session
from roadseg.app.work import error_dict
from roadseg.errors import InputError, RoadsegError
from roadseg.report.html import PLOTLY, template_text
from roadseg.report.images import jpeg_bytes

ADDRESS = "127.0.0.1"
POLL_SECONDS = 0.25
"""Time between looks at the session for pages that listen."""
SILENT_POLLS = 40
"""Looks without news after which a page is sent a sign of life, by which a page that is gone is noticed."""
LAST_SECONDS = 3
"""Time that open requests have after the end of the server."""
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "media-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class AppServer:
    """A session and its page at an address with a token of its own."""

    def __init__(self, session: Session, port: int = 0) -> None:
        """Take a port of this machine; requests wait until `run` answers them.

        Raises:
            InputError: the port is taken or not allowed.
        """
        self.session = session
        self.token = secrets.token_urlsafe(24)
        self._socket = socket.socket()
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._socket.bind((ADDRESS, port))
            self._socket.listen()  # a browser that comes early waits
        except (OSError, OverflowError) as error:
            self._socket.close()
            reason = getattr(error, "strerror", None) or str(error)
            raise InputError(f"port {port}: cannot be used ({reason})", "Leave --port out for a free one.") from None
        app = application(session, self.token, stop=self.stop, has_ended=lambda: self._server.should_exit)
        self._server = uvicorn.Server(
            uvicorn.Config(
                app,
                log_config=None,  # that of uvicorn shuts down the handlers of the whole program
                log_level="critical",
                access_log=False,
                server_header=False,
                ws="none",
                timeout_graceful_shutdown=LAST_SECONDS,
            )
        )

    @property
    def address(self) -> str:
        """Address of the page."""
        return f"http://{ADDRESS}:{self._socket_port}/{self.token}/"

    @property
    def _socket_port(self) -> int:
        return int(self._socket.getsockname()[1])

    def run(self) -> None:
        """Answer until `stop`, Ctrl-C or SIGTERM; then stop the job, which keeps what is finished, and return."""
        try:
            self._server.run(sockets=[self._socket])
        except KeyboardInterrupt:  # uvicorn repeats the signal that ended it
            pass
        finally:
            self._socket.close()
            self.session.close()

    def stop(self) -> None:
        """End `run`."""
        self._server.should_exit = True


def application(session: Session, token: str, *, stop: Callable[[], None], has_ended: Callable[[], bool]) -> ASGIApp:
    """Return the ASGI application of a session.

    Args:
        session: does what the page asks for.
        token: first part of each address.
        stop: called when a person ends the program on the page.
        has_ended: True from the end of the server on, so that pages that listen let go.
    """

    def page(request: Request) -> Response:
        return Response(_page_file("app.html"), media_type="text/html", headers={"Content-Security-Policy": POLICY})

    def style(request: Request) -> Response:
        text = template_text("style.css") + template_text("training.css") + _page_file("app.css")
        return Response(text, media_type="text/css")

    def script(request: Request) -> Response:
        return Response(template_text("charts.js") + _page_file("app.js"), media_type="text/javascript")

    def plotly(request: Request) -> Response:
        return FileResponse(str(resources("plotly") / "package_data" / PLOTLY), media_type="text/javascript")

    async def events(request: Request) -> Response:
        return StreamingResponse(_events(session, has_ended), media_type="text/event-stream")

    def video(request: Request) -> Response:
        return JSONResponse(session.video(request.path_params["number"]))

    def thumbnail(request: Request) -> Response:
        return _jpeg(jpeg_bytes(session.library.thumbnail(request.path_params["number"])))

    def classes(request: Request) -> Response:
        return JSONResponse(session.classes(request.query_params.get("run", "")))

    def charts(request: Request) -> Response:
        return JSONResponse(session.charts())

    def result(request: Request) -> Response:
        path = session.results.file(request.path_params["number"], request.path_params["name"])
        return _file(path)

    def training(request: Request) -> Response:
        folder = session.runs[request.path_params["run"]].folder
        wanted = {folder.page.name: folder.page, PLOTLY: folder.page.with_name(PLOTLY)}
        return _file(wanted.get(request.path_params["name"]))

    def preview(value: Any) -> Response:
        picture, seconds = session.preview(checked(PreviewRequest, value))
        return _jpeg(picture, {"X-Seconds": f"{seconds:.3f}"})

    def overlay(value: Any) -> Response:
        return JSONResponse({"job": session.overlay(checked(OverlayRequest, value)).number})

    def adapt(value: Any) -> Response:
        return JSONResponse({"job": session.adapt(checked(AdaptRequest, value)).number})

    def resume(value: Any) -> Response:
        return JSONResponse({"job": session.resume(checked(ContinueRequest, value).run).number})

    def open_path(value: Any) -> Response:
        found = session.library.open(checked(OpenRequest, value).path)
        return JSONResponse({"video": None if found is None else found.number})

    def stop_job(value: Any) -> Response:
        session.work.stop()
        return JSONResponse({})

    def end(value: Any) -> Response:
        stop()
        return JSONResponse({})

    routes = [
        Route("/", page),
        Route("/app.css", style),
        Route("/app.js", script),
        Route(f"/{PLOTLY}", plotly),
        Route("/events", events),
        Route("/videos/{number:int}", video),
        Route("/videos/{number:int}/thumbnail", thumbnail),
        Route("/classes", classes),
        Route("/charts", charts),
        Route("/results/{number:int}/{name}", result),
        Route("/runs/{run}/{name}", training),
        *(
            Route(f"/{name}", _answering(answer), methods=["POST"])
            for name, answer in {
                "preview": preview,
                "overlay": overlay,
                "adapt": adapt,
                "resume": resume,
                "open": open_path,
                "stop": stop_job,
                "end": end,
            }.items()
        ),
    ]
    handlers: Any = {RoadsegError: _refuse, OSError: _refuse_path}
    return Guard(Starlette(routes=[Mount(f"/{token}", routes=routes)], exception_handlers=handlers), token)


def _page_file(name: str) -> str:
    return (resources("roadseg.app") / "page" / name).read_text("utf-8")


def _answering(answer: Callable[[Any], Response]) -> Callable[[Request], Any]:
    """Return an endpoint that gives the JSON of a request to a function, in a thread."""

    async def endpoint(request: Request) -> Response:
        try:
            value = json.loads(await request.body())
        except ValueError:
            raise InputError("request: not JSON", "Reload the page.") from None
        return await run_in_threadpool(answer, value)

    return endpoint


def _refuse(request: Request, error: Exception) -> Response:
    """Answer with the two lines of an error."""
    assert isinstance(error, RoadsegError)
    return JSONResponse(error_dict(error), 400)


def _refuse_path(request: Request, error: Exception) -> Response:
    """Answer that a file cannot be used any more."""
    assert isinstance(error, OSError)
    return JSONResponse({"cause": f"{error.filename}: {error.strerror}", "remedy": "Check the file and its disk."}, 400)


def _jpeg(data: bytes, headers: Mapping[str, str] | None = None) -> Response:
    return Response(data, media_type="image/jpeg", headers=headers)


def _file(path: Path | None) -> Response:
    """Answer with a file, or the part of it that the request names; 404 for None."""
    if path is None or not path.is_file():
        return PlainTextResponse("There is no such file.", 404)
    return FileResponse(path)


async def _events(session: Session, has_ended: Callable[[], bool]) -> AsyncIterator[str]:
    """Yield the state of the session as server-sent events, whenever it has changed."""
    sent, silent = "", 0
    while not has_ended():
        state = json.dumps(session.as_dict())
        silent += 1
        if state != sent:
            yield f"data: {state}\n\n"
            sent, silent = state, 0
        elif silent == SILENT_POLLS:
            yield ":\n\n"
            silent = 0
        await asyncio.sleep(POLL_SECONDS)
    yield "event: end\ndata: {}\n\n"
