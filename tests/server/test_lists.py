"""What every list has in common: its query."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.conftest import Serve

LISTS = (
    "/v1/arena",
    "/v1/chat/completions",
    "/v1/chat/completions/chatcmpl-1/messages",
    "/v1/documents",
    "/v1/feedback?completion_id=chatcmpl-1",
    "/v1/policies/compare?a=one&b=two",
    "/v1/reviews",
    "/v1/verified_answers",
)


@pytest.fixture
def client(serve: Serve) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=serve()) as client:
        yield client


def test_a_filter_that_is_not_known_is_refused_not_dropped(client: httpx.Client) -> None:
    for path in LISTS:
        reply = client.get(path, params={**httpx.URL(path).params, "colection": "default"})
        assert reply.status_code == 400, path
        error = reply.json()["error"]
        assert (error["code"], error["param"]) == ("unknown_parameter", "colection"), path
        assert error["message"].startswith("Unknown query parameter: 'colection'"), path


@pytest.mark.parametrize("since", ["-1", "inf", "nan", "yesterday"])
def test_a_moment_is_a_number_of_seconds(client: httpx.Client, since: str) -> None:
    for path in ("/v1/arena", "/v1/reviews", "/v1/policies/compare?a=one&b=two"):
        reply = client.get(path, params={**httpx.URL(path).params, "since": since})
        assert (reply.status_code, reply.json()["error"]["param"]) == (400, "since"), path


@pytest.mark.parametrize("limit", ["0", "1001", "ten"])
def test_a_page_has_its_bounds(client: httpx.Client, limit: str) -> None:
    for path in ("/v1/documents", "/v1/reviews", "/v1/verified_answers"):
        reply = client.get(path, params={"limit": limit})
        assert (reply.status_code, reply.json()["error"]["param"]) == (400, "limit"), path
