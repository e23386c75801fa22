"""The page at `/`: files that any worker can serve, since all that they do goes through the HTTP API."""

from __future__ import annotations

from fastapi import APIRouter, FastAPI, Request
from starlette.responses import Response

from contract.errors import NotFound
from server.page.files import StaticFile, read_files

__all__ = ["install"]

# Nothing but our own files may run, be shown or be asked, and nothing may put the page into a frame.
# Text never becomes HTML: the browser itself refuses innerHTML (trusted types, where it knows them).
HEADERS = {
    "content-security-policy": "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    # Asked for anew each time, and answered with a 304 while it is the same: no old file beside a new one.
    "cache-control": "no-cache",
    "vary": "accept-encoding",
}


def install(app: FastAPI) -> None:
    """Serve the page. Its files are read once, so that a name is looked up and never becomes a path."""
    files = read_files()
    router = APIRouter(include_in_schema=False)

    @router.api_route("/", methods=["GET", "HEAD"])
    async def index(http: Request) -> Response:
        return _reply(files["index.html"], http)

    @router.api_route("/page/{name:path}", methods=["GET", "HEAD"])
    async def static(name: str, http: Request) -> Response:
        if name not in files:
            raise NotFound("The page has no such file.")
        return _reply(files[name], http)

    app.include_router(router)


def _reply(file: StaticFile, http: Request) -> Response:
    headers = HEADERS | {"etag": file.etag}
    known = {
        tag.strip().removeprefix("W/") for tag in http.headers.get("if-none-match", "").split(",")
    }
    if file.etag in known:
        return Response(status_code=304, headers=headers)
    content = file.content
    if "gzip" in http.headers.get("accept-encoding", ""):
        content = file.packed
        headers["content-encoding"] = "gzip"
    return Response(content, media_type=file.media_type, headers=headers)
