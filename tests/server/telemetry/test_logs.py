"""Log lines: one a request, by the same id as its reply, and without what anybody said."""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from collections.abc import Iterator

import httpx
import pytest

from contract.settings import TelemetrySettings
from server.telemetry import logs
from tests.conftest import Serve, ask
from tests.scripted_policy import ScriptedPolicy

QUESTION = "How many days of parental leave does the zebra get?"
CHAT = "/v1/chat/completions"


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def lines(text: str) -> list[dict]:
    return [json.loads(line) for line in text.splitlines()]


def logged(capfd: pytest.CaptureFixture[str], requests: int) -> str:
    """What was written until so many requests had their line, which comes after the reply."""
    written, deadline = "", time.monotonic() + 20
    while written.count('"server.access"') < requests:
        assert time.monotonic() < deadline, written
        time.sleep(0.02)
        written += capfd.readouterr().err
    return written


def written_now(capfd: pytest.CaptureFixture[str]) -> str:
    logging.getLogger().handlers[0].flush()
    return capfd.readouterr().err


def configure(**settings: object) -> None:
    logs.configure(TelemetrySettings.model_validate({"log_format": "json"} | settings))


def test_a_request_is_one_json_line_without_its_text(
    serve: Serve, capfd: pytest.CaptureFixture[str]
) -> None:
    configure()
    url = serve()
    response = httpx.post(
        url + CHAT,
        json={"model": "plumbline", "messages": [{"role": "user", "content": QUESTION}]},
        timeout=60,
    )
    httpx.get(f"{url}/zebra?zebra=zebra")
    httpx.get(f"{url}/healthz")
    written = logged(capfd, 2)
    (turn, unknown) = [line for line in lines(written) if line["logger"] == "server.access"]
    assert turn["request_id"] == response.headers["x-request-id"]
    assert turn["completion_id"] == response.json()["id"]
    assert (turn["route"], turn["status"], turn["decision"]) == (CHAT, 200, "serve")
    assert turn["prompt_tokens"] == response.json()["usage"]["prompt_tokens"]
    assert set(turn["stages"]) == {"retrieve", "prompt", "generate", "judge", "decide", "log"}
    assert sum(turn["stages"].values()) <= turn["seconds"] + 0.01
    assert (unknown["route"], unknown["status"]) == ("none", 404)
    assert "zebra" not in written
    answer = response.json()["choices"][0]["message"]["content"]
    assert answer.split("[")[0] not in written


def test_user_text_is_logged_only_where_it_is_asked_for(
    serve: Serve, capfd: pytest.CaptureFixture[str]
) -> None:
    configure(log_user_text=True)
    url = serve(telemetry__log_user_text=True)
    answer = ask(url, QUESTION)["choices"][0]["message"]["content"]
    written = lines(logged(capfd, 1))
    assert "questions, answers" in next(x for x in written if x["level"] == "warning")["message"]
    turn = next(line for line in written if line["logger"] == "server.access")
    assert (turn["question"], turn["answer"]) == (QUESTION, [answer])


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("a-sane.ID_1", True),
        ("x" * 128, True),
        ("x" * 129, False),
        ("two words", False),
        ("a=b;c", False),
        ("", False),
    ],
)
def test_the_callers_id_is_kept_where_it_can_stand_in_a_log(
    server_url: str, sent: str, kept: bool
) -> None:
    response = httpx.get(f"{server_url}/v1/models", headers={"x-request-id": sent})
    returned = response.headers["x-request-id"]
    assert (returned == sent) is kept
    assert kept or returned.startswith("req_")
    assert int(response.headers["openai-processing-ms"]) >= 0


def test_refusals_at_the_door_have_an_id_too(server_url: str) -> None:
    strange = httpx.get(f"{server_url}/v1/models", headers={"host": "evil.example"})
    large = httpx.post(f"{server_url}/v1/judge", content=b" " * 3_000_000)
    for response, status in ((strange, 403), (large, 413)):
        assert response.status_code == status
        assert response.headers["x-request-id"].startswith("req_")


def raise_one(said: str) -> None:
    try:
        json.loads(said)
    except ValueError as error:
        raise RuntimeError(said) from error


@pytest.mark.parametrize("form", ["json", "text"])
def test_an_exception_is_shown_without_what_it_says(
    capfd: pytest.CaptureFixture[str], form: str
) -> None:
    configure(log_format=form)
    try:
        raise_one(QUESTION)
    except RuntimeError:
        logging.getLogger("server.x").exception("it broke", extra={"detail": QUESTION})
    shown = written_now(capfd)
    assert "zebra" not in shown
    for told in ("it broke", "JSONDecodeError", "RuntimeError", "test_logs.py", "in raise_one"):
        assert told in shown


def test_an_exception_of_the_disk_says_what_is_wrong(capfd: pytest.CaptureFixture[str]) -> None:
    configure()
    try:
        raise OSError(28, "No space left on device")
    except OSError:
        logging.getLogger("server.x").exception("it broke")
    assert "No space left" in lines(written_now(capfd))[0]["exception"]


def test_a_surprise_is_a_500_with_its_id_and_one_log_entry(
    serve: Serve, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    configure()
    url = serve()
    monkeypatch.setattr("server.turn.build_prompt", lambda *_: [][QUESTION])  # type: ignore[call-overload]
    body = {"model": "plumbline", "messages": [{"role": "user", "content": QUESTION}]}
    response = httpx.post(url + CHAT, json=body, timeout=30)
    assert (response.status_code, response.json()["error"]["type"]) == (500, "server_error")
    written = lines(logged(capfd, 1))
    (surprise,) = [line for line in written if "exception" in line]
    assert "TypeError" in surprise["exception"]
    assert surprise["request_id"] == response.headers["x-request-id"]
    assert "zebra" not in json.dumps(written)


def test_a_failed_judging_tells_its_kind_and_not_its_words(
    serve: Serve, capfd: pytest.CaptureFixture[str], policy: ScriptedPolicy
) -> None:
    configure()
    ask(serve(judge__timeout_seconds=0.0001), QUESTION)
    (failure, *_) = [x for x in lines(logged(capfd, 1)) if x["logger"] == "server.parts"]
    assert "took longer than" in failure["message"]


def test_a_client_who_hangs_up_is_a_line_and_no_traceback(
    serve: Serve, capfd: pytest.CaptureFixture[str], policy: ScriptedPolicy
) -> None:
    configure()
    policy.delay = 5
    url = serve(policy__url=policy.url)
    body = {"model": "plumbline", "messages": [{"role": "user", "content": QUESTION}]}
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(url + CHAT, json=body, timeout=1)
    ask(url, QUESTION)
    written = lines(logged(capfd, 2))
    assert [x["status"] for x in written if x.get("route") == CHAT] == [499, 200]
    assert not [x for x in written if "exception" in x]


def test_a_log_that_nobody_reads_holds_nobody_up() -> None:
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as stream:
        handler = logs.Lines(stream, most=50)
        logger = logging.Logger("quiet")
        logger.addHandler(handler)
        for number in range(300):
            logger.warning("line %d %s", number, "x" * 2000)
        seen: list[str] = []
        with os.fdopen(reading) as read:
            reader = threading.Thread(target=lambda: seen.extend(read))
            reader.start()
            handler.flush()
            logger.warning("the last one")
            handler.flush()
            stream.close()
            reader.join()
    assert seen[0].startswith("line 0 ")
    assert any("lines are left out" in line for line in seen)
    assert seen[-1] == "the last one\n"
    assert len(seen) < 250
