"""What users of LiteLLM do."""

from __future__ import annotations

import asyncio
from typing import Any

import litellm
from cases import run

MODEL = {"model": "openai/plumbline", "api_key": "any", "num_retries": 0}


def completion(base_url: str, messages: list[Any], **fields: Any) -> dict[str, Any]:
    reply = litellm.completion(api_base=base_url, messages=messages, **MODEL, **fields)
    return reply.model_dump()


def stream(base_url: str, messages: list[Any]) -> dict[str, Any]:
    async def whole() -> dict[str, Any]:
        pieces = await litellm.acompletion(
            api_base=base_url,
            messages=messages,
            stream=True,
            stream_options={"include_usage": True},
            **MODEL,
        )
        chunks = [chunk async for chunk in pieces]
        return litellm.stream_chunk_builder(chunks, messages=messages).model_dump()

    return asyncio.run(whole())


def tool_loop(base_url: str, messages: list[Any], tools: list[Any]) -> dict[str, Any]:
    given = MODEL | {"api_base": base_url, "tools": tools}
    called = litellm.completion(messages=messages, **given).choices[0].message
    results = [
        {"role": "tool", "tool_call_id": call.id, "content": "Booked: three days."}
        for call in called.tool_calls
    ]
    answer = litellm.completion(messages=[*messages, called, *results], **given)
    return {
        "calls": [call.function.name for call in called.tool_calls],
        "content": answer.choices[0].message.content,
    }


run({"completion": completion, "stream": stream, "tool_loop": tool_loop})
