"""Plumbline with an encoder that looks its vectors up, to measure everything but the encoder.

    python -m benchmarks.gateway.serving --config settings.yaml --port 8001

A text that it has not seen is encoded and kept; `/misses` says how often that happened, so that whoever
measures can make sure that it did not happen meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import click
import uvicorn

from contract.settings import Settings
from server.app import create_app
from server.wiring import build
from text.engines.engine import Encoding
from text.engines.folder import EMBEDDED, model_folder
from text.engines.torch_engine import TorchEngine
from text.sentences import Span


class StoredVectors(TorchEngine):
    """The embedded encoder's vectors, from memory."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.misses = 0
        self._kept: dict[tuple[str, tuple[Span, ...]], Encoding] = {}

    def encode(
        self,
        texts: Sequence[str],
        spans: Sequence[Sequence[Span]],
        progress: Callable[[int], None],
        deadline: float | None,
    ) -> list[Encoding]:
        """Look texts up; encode those that are new."""
        keys = [(text, tuple(own)) for text, own in zip(texts, spans, strict=True)]
        new = [number for number, key in enumerate(keys) if key not in self._kept]
        if new:
            self.misses += len(new)
            made = super().encode(
                [texts[i] for i in new], [spans[i] for i in new], progress, deadline
            )
            self._kept.update((keys[i], encoding) for i, encoding in zip(new, made, strict=True))
        progress(len(texts) - len(new))
        return [self._kept[key] for key in keys]


@click.command()
@click.option("--config", type=click.Path(path_type=Path, exists=True), required=True)
@click.option("--port", type=int, required=True)
def main(config: Path, port: int) -> None:
    """Serve until killed."""
    parts = build(Settings.load(config))
    engine = StoredVectors(model_folder(EMBEDDED))
    parts.encoder._engine = engine
    parts.warm_up()
    app = create_app(parts)
    app.add_api_route("/misses", lambda: {"misses": engine.misses})
    uvicorn.run(app, port=port, access_log=False, log_level="info")


if __name__ == "__main__":
    main()
