"""The application: routes, errors and limits around a set of parts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI

from server import errors
from server.body_limit import BodyLimit
from server.host_check import HostCheck
from server.parts import Parts
from server.routes import chat, documents, feedback, health, judge, models, stored


def create_app(parts: Parts) -> FastAPI:
    """Build the application; it closes the parts when it stops."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        await parts.close()

    app = FastAPI(
        title="Plumbline",
        version=version("plumbline"),
        summary="A self-hosted chat serving stack, grounded in your documents and aligned.",
        lifespan=lifespan,
    )
    app.state.parts = parts
    app.add_middleware(BodyLimit, max_bytes=parts.settings.server.max_body_bytes)
    if not parts.settings.server.allow_public:
        app.add_middleware(HostCheck)
    errors.install(app)
    for routes in (chat, stored, models, judge, feedback, documents, health):
        app.include_router(routes.router)
    return app
