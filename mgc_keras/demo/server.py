"""Serves the page to this machine alone, and lets the page ask nobody else."""

import os
import socket
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from mgc_keras.demo.answer_html import style
from mgc_keras.demo.listener import Listener
from mgc_keras.demo.page import REPORT, build_page, refusal
from mgc_keras.errors import OptionError

HOST = "127.0.0.1"
# Gradio's pages need scripts and styles in the page; all that is fetched comes from here.
_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; media-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' data: blob:; "
    "worker-src 'self' blob:; frame-ancestors 'self'; base-uri 'self'; form-action 'self'; object-src 'none'"
)
_REPORT_POLICY = "default-src 'none'; img-src 'self' data:; style-src 'unsafe-inline'; frame-ancestors 'self'; sandbox"
# Seconds that a browser's open connections, which would stay open, may hold up the end.
_PATIENCE = 1

Scope = dict[str, Any]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Callable[[], Awaitable[dict[str, Any]]], Send], Awaitable[None]]


class Guard:
    """ASGI middleware: answers this machine's browser alone, whatever other pages it shows, and forbids to ask others.

    A page of the network may point its own name at 127.0.0.1 (DNS rebinding), or send forms there: both show in what
    the browser says of host and origin, and are refused with 403.
    """

    def __init__(self, app: Application) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Any, send: Send) -> None:
        """Serve a request."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
        host = headers.get(b"host", "")
        name = host.rsplit(":", 1)[0]
        if name not in (HOST, "localhost") or headers.get(b"origin", f"http://{host}") != f"http://{host}":
            if scope["type"] == "http":
                await send({"type": "http.response.start", "status": 403, "headers": []})
                await send({"type": "http.response.body", "body": b"This page is for the computer that it runs on."})
            else:
                await send({"type": "websocket.close", "code": 1008})
            return
        policy = _REPORT_POLICY if scope["path"].startswith(f"{REPORT}/") else _POLICY
        added = {"content-security-policy": policy, "referrer-policy": "no-referrer"}
        added |= {"x-content-type-options": "nosniff"}

        async def send_guarded(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                more = [(name.encode(), value.encode()) for name, value in added.items()]
                message = {**message, "headers": [*message.get("headers", []), *more]}
            await send(message)

        await self.app(scope, receive, send_guarded)


def check_gradio() -> None:
    """Raise an `OptionError` unless Gradio is installed."""
    from importlib.util import find_spec

    if find_spec("gradio") is None:
        raise OptionError("needs Gradio, which is not installed", cure="pip install 'mgc_keras[demo]'")


def check_run(run: Path) -> None:
    """Raise an `OptionError` unless a run folder holds a report."""
    if not run.is_dir():
        raise OptionError("there is no such folder", path=run, field="--run", cure="name the folder of a run")
    if not (run / "report.html").is_file():
        cure = f"draw it: mgc-keras report {run}"
        raise OptionError("holds no report.html", path=run, field="--run", cure=cure)


def listening_socket(port: int) -> socket.socket:
    """Return a socket on which 127.0.0.1 listens, at a free port where `port` is 0.

    Raises
    ------
    OptionError
        The port is none, or is taken.
    """
    if not 0 <= port <= 65535:
        raise OptionError(f"{port} is no port", field="--port", cure="give 1024 up to 65535, or 0 for any that is free")
    found = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((HOST, port))
        found.listen()
    except OSError as error:
        found.close()
        cure = "give another, or 0 for any that is free"
        raise OptionError(f"port {port}: {error.strerror or error}", field="--port", cure=cure) from error
    return found


def serve(listener: Listener, listening: socket.socket, run: Path | None, ready: Callable[[str], None]) -> None:
    """Serve the page until the process is asked to end; uploads are removed then.

    Parameters
    ----------
    listener : Listener
    listening : socket.socket
        From `listening_socket`.
    run : Path or None
        A run folder, whose files are served, and whose report.html is shown.
    ready : callable
        Is told the address.
    """
    with tempfile.TemporaryDirectory(prefix="mgc_keras_demo_", ignore_cleanup_errors=True) as folder:
        _keep_to_itself(Path(folder))
        import uvicorn

        app = application(listener, run)
        config = uvicorn.Config(app, log_level="error", ws="none", timeout_graceful_shutdown=_PATIENCE)
        ready(f"http://{HOST}:{listening.getsockname()[1]}/")
        uvicorn.Server(config).run(sockets=[listening])


def application(listener: Listener, run: Path | None) -> Application:
    """Return the ASGI application; see `serve`."""
    import gradio
    from fastapi import FastAPI
    from fastapi.staticfiles import StaticFiles

    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    if run is not None:
        # Links that lead out of the folder are not followed.
        app.mount(REPORT, StaticFiles(directory=run))
    page = build_page(listener, run.resolve().name if run is not None else None)
    # The first, a font of the network, is the default of every theme.
    fonts = {"font": ["system-ui", "sans-serif"], "font_mono": ["ui-monospace", "monospace"]}
    gradio.mount_gradio_app(
        app, page, "/", server_name=HOST, max_file_size=int(1e6 * listener.limits.megabytes), show_error=False,
        footer_links=[], run_history=False, ssr_mode=False, mcp_server=False, enable_monitoring=False, pwa=False,
        theme=gradio.themes.Base(**fonts), css=style(), head=refusal(listener.limits),
    )  # fmt: skip
    return Guard(app)


def _keep_to_itself(folder: Path) -> None:
    """Set the environment, before Gradio is imported, so that nothing is asked or told outside this machine."""
    for name in [name for name in os.environ if name.startswith("GRADIO_")]:
        del os.environ[name]
    os.environ |= {
        "GRADIO_ANALYTICS_ENABLED": "False",
        "GRADIO_TEMP_DIR": str(folder),
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_OFFLINE": "1",
    }
