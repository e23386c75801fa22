"""The one place that turns errors into responses, by their type."""

from __future__ import annotations

import math
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import ValidationError
from starlette.exceptions import HTTPException

from contract.errors import (
    ConfigurationError,
    Conflict,
    NotAllowed,
    NotAuthenticated,
    NotFound,
    NotReady,
    Overloaded,
    PlumblineError,
    PolicyUnavailable,
    RateLimited,
    RequestRejected,
    StorageFailed,
    TimedOut,
    TooLarge,
    TooSlow,
)
from server.rejection import rejection
from server.replies import error_body
from server.telemetry.flight import CURRENT

# The most special first: the first type that fits gives status and OpenAI's error type.
STATUS: dict[type[PlumblineError], tuple[int, str]] = {
    NotFound: (404, "invalid_request_error"),
    NotAuthenticated: (401, "invalid_request_error"),
    NotAllowed: (403, "invalid_request_error"),
    Conflict: (409, "invalid_request_error"),
    TooLarge: (413, "invalid_request_error"),
    TooSlow: (408, "invalid_request_error"),
    RateLimited: (429, "requests"),
    RequestRejected: (400, "invalid_request_error"),
    NotReady: (503, "server_error"),
    Overloaded: (503, "server_error"),
    TimedOut: (504, "server_error"),
    PolicyUnavailable: (503, "server_error"),
    StorageFailed: (503, "server_error"),
    ConfigurationError: (503, "server_error"),
    PlumblineError: (500, "server_error"),
}


SURPRISE = "Something unexpected happened; the server's log has the details."

_HTTP_CODES = {404: "not_found", 405: "method_not_allowed"}


def install(app: FastAPI) -> None:
    """Give every error OpenAI's shape."""
    app.add_exception_handler(PlumblineError, _on_plumbline_error)
    app.add_exception_handler(RequestValidationError, _on_validation_error)
    app.add_exception_handler(HTTPException, _on_http_error)


def response_of(error: PlumblineError) -> tuple[int, dict[str, Any]]:
    """Status and body for one of our errors."""
    status, kind = next(answer for cls, answer in STATUS.items() if isinstance(error, cls))
    return status, error_body(error, error.kind if isinstance(error, RateLimited) else kind)


def reply_to(error: PlumblineError) -> JSONResponse:
    """The whole response for one of our errors; its headers say when to come back."""
    flight = CURRENT.get()
    if flight is not None:
        flight.error = error
    status, body = response_of(error)
    return JSONResponse(body, status_code=status, headers=_headers(error))


def _headers(error: PlumblineError) -> dict[str, str]:
    if isinstance(error, NotAuthenticated):
        return {"www-authenticate": "Bearer"}
    if isinstance(error, RateLimited):
        whole = {"retry-after": str(math.ceil(error.seconds))}
        return whole | {"retry-after-ms": str(math.ceil(error.seconds * 1000))}
    if isinstance(error, Overloaded):
        return {"retry-after": "1"}
    # OpenAI's clients repeat a 504 by themselves, and it would take as long again.
    return {"x-should-retry": "false"} if isinstance(error, TimedOut) else {}


async def _on_plumbline_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, PlumblineError)
    return reply_to(error)


async def _on_validation_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError | ValidationError)
    return reply_to(rejection(error.errors(), getattr(error, "body", None)))


async def _on_http_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    messages = {
        404: f"There is no {request.method} {request.url.path}. See /docs for what there is.",
        405: f"{request.url.path} does not take {request.method}.",
    }
    client = error.status_code < 500
    code = _HTTP_CODES.get(error.status_code, "invalid_request" if client else "internal_error")
    plain = PlumblineError(messages.get(error.status_code, str(error.detail)), code=code)
    body = error_body(plain, "invalid_request_error" if client else "server_error")
    return JSONResponse(body, status_code=error.status_code, headers=error.headers)
