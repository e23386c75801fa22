"""The application: routes, errors and limits around a set of parts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI

from server import errors, page
from server.body_limit import BodyLimit
from server.gate import Gate
from server.host_check import HostCheck
from server.key_check import KeyCheck
from server.parts import Parts
from server.routes import (
    arena,
    chat,
    demonstrations,
    documents,
    feedback,
    health,
    judge,
    me,
    metrics,
    models,
    policies,
    reviews,
    rubric,
    stored,
    uploads,
    vector_stores,
    verified_answers,
)


def create_app(parts: Parts) -> FastAPI:
    """Build the application; it closes the parts when it stops."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        parts.start()
        yield
        await parts.close()

    app = FastAPI(
        title="Plumbline",
        version=version("plumbline"),
        summary="A self-hosted chat serving stack, grounded in your documents and aligned.",
        lifespan=lifespan,
    )
    app.state.parts = parts
    settings = parts.settings.server
    # The last one added is the first one asked.
    app.add_middleware(BodyLimit, settings=settings)
    app.add_middleware(
        KeyCheck,
        callers=parts.callers,
        limiter=parts.limiter,
        open_metrics=settings.open_metrics,
    )
    if not settings.allow_public and settings.keys_file is None:
        app.add_middleware(HostCheck)
    app.add_middleware(Gate, flights=parts.flights, telemetry=parts.telemetry)
    errors.install(app)
    chat.install(app)
    page.install(app)
    groups = (
        me,
        stored,
        models,
        policies,
        judge,
        rubric,
        feedback,
        reviews,
        demonstrations,
        arena,
        documents,
        uploads,
        vector_stores,
        verified_answers,
        health,
        metrics,
    )
    for routes in groups:
        app.include_router(routes.router)
    return app
