"""A server with two versions of its policy, which say different things."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from click.testing import CliRunner
from fastapi import Request
from fastapi.responses import Response

from contract.settings import Settings
from plumbline import cli
from server.app import create_app
from server.wiring import build
from tests.adapter_server import AdapterServer
from tests.conftest import listening
from tests.server.promotion.adapters import make_adapter

BASE_SAYS = "You get 80 working days of parental leave [1]."
OTHER_SAYS = "Parental leave is 80 working days for each parent [1]. <img src=x onerror=alert(1)>"


class Voices(AdapterServer):
    """Each version has its own answer, and the answers to several candidates differ."""

    async def _chat(self, request: Request) -> Response:
        body = await request.json()
        said = BASE_SAYS if body["model"] == "scripted" else OTHER_SAYS
        several = [f"{said} Draft {n + 1}." for n in range(body.get("n", 1))]
        self.answers = [*several, said] if len(several) > 1 else [said]
        return await super()._chat(request)


@contextmanager
def two_versions(data: Path, index: Path) -> Iterator[str]:
    """The address of the server; its log is in `data`."""
    with listening(Voices().app) as engine_url:
        settings = Settings().replace(
            {
                "data_dir": data,
                "index_dir": index,
                "policy.urls": (f"{engine_url}/v1",),
                "policy.model": "scripted",
            }
        )
        with listening(create_app(build(settings)), settings.server) as url:
            arguments = ["policy", "promote", str(make_adapter(data / "polite")), "--share", "0"]
            result = CliRunner().invoke(cli, [*arguments, "--url", url, "--data-dir", str(data)])
            assert result.exit_code == 0, result.output
            yield url
