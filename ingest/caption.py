"""Captions of pictures, by a model that takes images: for what a picture shows beside its letters.

A picture is sent to `ingest.caption_url` and nowhere else, and only where that is set.
"""

from __future__ import annotations

import asyncio
import base64
from dataclasses import replace
from pathlib import Path

from contract.errors import PlumblineError
from contract.settings import IngestSettings
from ingest.load.document import DocumentBuilder, LoadedDocument
from ingest.reading import Reading

_TYPES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".webp": "image/webp",
    ".gif": "image/gif",
}
# Servers refuse larger pictures, or scale them down themselves.
_MOST_BYTES = 10_000_000
_TOKENS = 200
_ASKED = (
    "Describe this picture for a search index in at most three sentences: what it shows, with names, "
    "numbers and labels that can be read in it. Say nothing else."
)


class Captions:
    """Asks a model for captions."""

    def __init__(self, settings: IngestSettings) -> None:
        self._settings = settings

    def add(self, reading: Reading) -> Reading:
        """The reading of a picture with a caption in front of the text that was found in it; any other
        reading as it is. A model that fails costs the caption, and a note says so."""
        if self._settings.caption_url is None or reading.status == "failed":
            return reading
        kind = _TYPES.get(reading.location.suffix.lower())
        if kind is None or reading.location.stat().st_size > _MOST_BYTES:
            return reading
        try:
            caption = asyncio.run(self._ask(reading.location, kind))
        except PlumblineError as error:
            reason = f"{reading.reason} It has no caption: {error.message}"
            return replace(reading, reason=reason.strip())
        return _captioned(reading, caption) if caption else reading

    async def _ask(self, path: Path, kind: str) -> str:
        # Late on purpose: the client takes half a second to import, and few ask for captions.
        from contract.model_server import ModelServer

        settings = self._settings
        key = settings.caption_api_key
        server = ModelServer(
            str(settings.caption_url),
            api_key=key.get_secret_value() if key else None,
            timeout_seconds=settings.seconds_per_file,
        )
        try:
            model = settings.caption_model or (await server.models())[0]["id"]
            url = f"data:{kind};base64,{base64.b64encode(path.read_bytes()).decode()}"
            reply = await server.chat(
                {
                    "model": model,
                    "max_tokens": _TOKENS,
                    "temperature": 0,
                    "messages": [
                        {
                            "role": "user",
                            "content": [
                                {"type": "text", "text": _ASKED},
                                {"type": "image_url", "image_url": {"url": url}},
                            ],
                        }
                    ],
                }
            )
            return str(reply["choices"][0]["message"]["content"] or "").strip()
        except (KeyError, IndexError, TypeError) as error:
            raise PlumblineError("the model's reply holds no text.") from error
        finally:
            await server.close()


def _captioned(reading: Reading, caption: str) -> Reading:
    found = reading.document or LoadedDocument("")
    builder = DocumentBuilder(found.title or reading.location.stem)
    builder.block(caption)
    if found.text:
        builder.embed(found)
    # A picture without letters is no longer empty, and one that nobody here can read is described.
    return replace(reading, status="indexed", reason="", document=builder.build())
