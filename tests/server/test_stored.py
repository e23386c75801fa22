"""Stored completions: listed, searched, changed and deleted, by those who may."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from click.testing import CliRunner

from plumbline import cli
from tests.conftest import Serve

QUESTION = "How many days of parental leave do I get?"


@pytest.fixture
def opened() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def client(serve: Serve, opened: ExitStack) -> openai.OpenAI:
    return opened.enter_context(openai.OpenAI(base_url=f"{serve()}/v1", api_key="any"))


def ask(client: openai.OpenAI, question: str = QUESTION, **fields: Any) -> Any:
    messages = fields.pop("messages", [{"role": "user", "content": question}])
    return client.chat.completions.create(model="plumbline", messages=messages, **fields)


def test_completions_are_listed_over_pages(client: openai.OpenAI) -> None:
    made = [ask(client).id for _ in range(5)]
    assert [c.id for c in client.chat.completions.list(limit=2)] == made
    assert [c.id for c in client.chat.completions.list(limit=2, order="desc")] == made[::-1]
    assert [c.id for c in client.chat.completions.list(after=made[2])] == made[3:]
    page = client.chat.completions.list(limit=2)
    assert (page.has_more, len(page.data)) == (True, 2)


def test_completions_are_found_by_metadata_and_model(client: openai.OpenAI) -> None:
    first = ask(client, metadata={"team": "hr", "city": "Köln & Bonn"}).id
    second = ask(client, metadata={"team": "hr"}).id
    ask(client)

    def found(**fields: Any) -> list[str]:
        return [completion.id for completion in client.chat.completions.list(**fields)]

    assert found(metadata={"team": "hr"}) == [first, second]
    assert found(metadata={"team": "hr", "city": "Köln & Bonn"}) == [first]
    assert found(metadata={"team": "sales"}) == []
    assert len(found(model="plumbline")) == 3
    assert found(model="gpt-9") == []
    with pytest.raises(openai.BadRequestError, match="user"):
        found(extra_query={"user": "ann"})


def test_a_stored_completion_says_what_was_asked_and_its_metadata_can_be_replaced(
    client: openai.OpenAI,
) -> None:
    made = ask(client, temperature=0.3, seed=7, user="ann", metadata={"team": "hr"})
    stored = client.chat.completions.retrieve(made.id)
    assert stored.choices == made.choices
    assert (stored.temperature, stored.seed, stored.top_p) == (0.3, 7, None)
    assert (stored.input_user, stored.metadata) == ("ann", {"team": "hr"})
    changed = client.chat.completions.update(made.id, metadata={"seen": "yes"})
    assert changed.metadata == {"seen": "yes"}
    assert client.chat.completions.retrieve(made.id).metadata == {"seen": "yes"}
    assert client.chat.completions.update(made.id, metadata=None).metadata == {}
    with pytest.raises(openai.BadRequestError) as raised:
        client.chat.completions.update(made.id, metadata={}, extra_body={"model": "x"})
    assert (raised.value.param, raised.value.code) == ("model", "unsupported_parameter")


def test_the_messages_of_a_completion_are_listed_over_pages(client: openai.OpenAI) -> None:
    turns = [
        {"role": "user", "content": QUESTION},
        {"role": "assistant", "content": "80 working days."},
        {"role": "user", "content": "And is it paid?"},
    ]
    made = ask(client, messages=turns)

    def said(**fields: Any) -> list[str]:
        return [m.content for m in client.chat.completions.messages.list(made.id, **fields)]

    texts = [turn["content"] for turn in turns]
    assert said() == said(limit=1) == texts
    assert said(limit=1, order="desc") == texts[::-1]
    assert said(after=f"{made.id}-0") == texts[1:]
    with pytest.raises(openai.NotFoundError):
        said(after="none")


def test_a_deleted_completion_is_gone(client: openai.OpenAI, tmp_path: Path) -> None:
    gone, kept = ask(client, user="xylophone"), ask(client)
    url = str(client.base_url)
    rated = {"id": gone.id, "type": "correction", "correction": "xylophone"}
    assert httpx.post(f"{url}feedback", json=rated).status_code == 200
    done = client.chat.completions.delete(gone.id)
    assert (done.id, done.object, done.deleted) == (gone.id, "chat.completion.deleted", True)

    for call in (
        client.chat.completions.retrieve,
        client.chat.completions.delete,
        client.chat.completions.messages.list,
    ):
        with pytest.raises(openai.NotFoundError):
            call(gone.id)
    assert [c.id for c in client.chat.completions.list()] == [kept.id]
    assert httpx.post(f"{url}feedback", json=rated).status_code == 404
    compared = {"id": kept.id, "type": "pair", "preferred_id": gone.id, "rejected_id": kept.id}
    assert httpx.post(f"{url}feedback", json=compared).status_code == 400
    stored = b"".join(file.read_bytes() for file in tmp_path.glob("log.sqlite*"))
    assert stored
    assert b"xylophone" not in stored


def test_only_its_own_key_or_an_admin_may_change_or_delete_a_turn(
    serve: Serve, tmp_path: Path, opened: ExitStack
) -> None:
    file = tmp_path / "keys.yaml"
    secrets = {}
    for name, role in (("ann", "reader"), ("bob", "rater"), ("root", "admin")):
        arguments = ["keys", "new", name, "--role", role, "--file", str(file)]
        secrets[name] = CliRunner().invoke(cli, arguments).stdout.strip()
    url = f"{serve(server__keys_file=file)}/v1"
    ann, bob, root = (
        opened.enter_context(openai.OpenAI(base_url=url, api_key=secrets[name]))
        for name in ("ann", "bob", "root")
    )
    # Whom a frontend names as its user does not make the turn theirs.
    first, second = ask(ann, user="bob").id, ask(ann).id
    for call in (
        bob.chat.completions.delete,
        lambda i: bob.chat.completions.update(i, metadata={}),
    ):
        with pytest.raises(openai.PermissionDeniedError, match="bob"):
            call(first)
    assert ann.chat.completions.update(first, metadata={"a": "b"}).metadata == {"a": "b"}
    assert ann.chat.completions.delete(first).deleted
    assert root.chat.completions.delete(second).deleted
