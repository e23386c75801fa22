"""A small team with documents of its own, keys, and a Plumbline in this process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx

from contract.settings import RetrievalSettings, Settings
from ingest.build import Ingest, Options
from server.app import create_app
from server.wiring import build
from tests.conftest import listening
from tests.server.test_callers import run
from text.encoder import Encoder

DOCUMENTS = {
    "badges.md": "# Badges\n\nA lost badge costs fifteen euros, and the porter makes a new one.\n",
    "canteen.md": "# Canteen\n\nLunch in the canteen costs four euros. The canteen closes at two.\n",
    "parking.md": "# Parking\n\nParking in the garage costs eighty euros a month.\n",
    "lift.md": "# Lift\n\nThe lift is serviced every six months by a firm from Ulm.\n",
    "garden.md": "# Garden\n\nThe roof garden is open until nine in the evening.\n",
    "stapler.md": "# Stapler\n\nThe big stapler stands in the copy room on the second floor.\n",
    "leave.md": "# 年假\n\n新员工每年有十二天年假，没有休完的年假可以结转三天。\n",
    "dorm.md": "# 宿舍\n\n员工宿舍每月租金六百元，押金一千二百元。\n",
    "salaries.md": "# Salaries\n\nThe salary of the managing director is 914,000 euros a year.\n",
}


class Desk:
    """The team. `ann` rates for hr, `bob` for sales, `eve` reads, and `root` is an admin of hr."""

    def __init__(self, folder: Path, encoder: Encoder, opened: ExitStack) -> None:
        self.docs, self.data = folder / "docs", folder / "data"
        self.docs.mkdir()
        self._encoder, self._opened = encoder, opened
        for name, text in DOCUMENTS.items():
            self.write(name, text)
        self.write("salaries.md.plumbline.yaml", "labels: [hr]\n")
        self.ingest()
        keys = folder / "keys" / "keys.yaml"
        self.keys = keys
        self._secrets = {
            "ann": run("new", "ann", "--label", "hr", "--role", "rater", "--file", str(keys)),
            "bob": run("new", "bob", "--label", "sales", "--role", "rater", "--file", str(keys)),
            "eve": run("new", "eve", "--file", str(keys)),
            "root": run("new", "root", "--label", "hr", "--role", "admin", "--file", str(keys)),
        }
        self.url = opened.enter_context(self.server())
        self.root, self.ann, self.bob, self.eve = map(self.client, ("root", "ann", "bob", "eve"))

    @contextmanager
    def server(self, **changes: object) -> Iterator[str]:
        """One more server on the same log and index."""
        settings = Settings().replace(
            {"data_dir": self.data, "server.keys_file": self.keys}
            | {name.replace("__", "."): value for name, value in changes.items()}
        )
        with listening(create_app(build(settings)), settings.server) as url:
            yield url

    def client(self, name: str, url: str = "") -> httpx.Client:
        headers = {"authorization": f"Bearer {self._secrets[name]}"}
        client = httpx.Client(
            base_url=url or self.url,
            headers=headers,
            timeout=60,
            # The server closes a connection that was idle for long while the tests do something else.
            limits=httpx.Limits(max_keepalive_connections=0),
        )
        return self._opened.enter_context(client)

    def secret(self, name: str) -> str:
        return self._secrets[name]

    def write(self, name: str, text: str) -> None:
        (self.docs / name).write_text(text, encoding="utf-8")

    def ingest(self, **options: bool) -> None:
        run = Ingest(self.data / "index", self._encoder, RetrievalSettings())
        run.run([self.docs], "default", Options(**options))


def ask(client: httpx.Client, question: str, **fields: Any) -> dict[str, Any]:
    """A turn."""
    body = {"model": "plumbline", "messages": [{"role": "user", "content": question}]} | fields
    response = client.post("/v1/chat/completions", json=body)
    assert response.status_code == 200, response.text
    return response.json()


def correct(client: httpx.Client, turn: dict[str, Any], words: str) -> str:
    """A correction on a turn; its id."""
    body = {"id": turn["id"], "type": "correction", "correction": words}
    response = client.post("/v1/feedback", json=body)
    assert response.status_code == 200, response.text
    return response.json()["id"]


def verify(client: httpx.Client, turn: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """A verified answer made of a turn."""
    body = {"completion_id": turn["id"]} | fields
    response = client.post("/v1/verified_answers", json=body)
    assert response.status_code == 200, response.text
    return response.json()


def served(reply: dict[str, Any]) -> str | None:
    """The id of the verified answer that a reply is, if it is one."""
    found = reply["plumbline"].get("verified_answer")
    return found["id"] if found else None


def said(reply: dict[str, Any]) -> str:
    """The words of a reply."""
    return reply["choices"][0]["message"]["content"]
