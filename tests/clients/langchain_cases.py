"""What users of LangChain's ChatOpenAI do."""

from __future__ import annotations

import asyncio
from typing import Any

from cases import run
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from pydantic import BaseModel


class Leave(BaseModel):
    """Days of leave."""

    days: int


@tool
def book_leave(days: int) -> str:
    """Book days of leave."""
    return f"Booked: {days} days."


def model(base_url: str, **options: Any) -> ChatOpenAI:
    given = {"max_retries": 0} | options
    return ChatOpenAI(model="plumbline", base_url=base_url, api_key="any", **given)


def invoke(base_url: str, question: str, **options: Any) -> dict[str, Any]:
    message = model(base_url, **options).invoke(question)
    return {
        "content": message.content,
        "finish_reason": message.response_metadata["finish_reason"],
        "model": message.response_metadata["model_name"],
        "usage": message.usage_metadata,
    }


def stream(base_url: str, question: str) -> dict[str, Any]:
    pieces = list(model(base_url, stream_usage=True).stream(question))
    whole = pieces[0]
    for piece in pieces[1:]:
        whole += piece
    return {"content": whole.content, "pieces": len(pieces), "usage": whole.usage_metadata}


def tool_loop(base_url: str, question: str) -> dict[str, Any]:
    bound = model(base_url).bind_tools([book_leave])
    conversation: list[Any] = [HumanMessage(question)]
    called = bound.invoke(conversation)
    conversation.append(called)
    for call in called.tool_calls:
        result = book_leave.invoke(call["args"])
        conversation.append(ToolMessage(result, tool_call_id=call["id"]))
    return {"calls": called.tool_calls, "content": bound.invoke(conversation).content}


def streamed_tool_call(base_url: str, question: str) -> list[Any]:
    whole = None
    for piece in model(base_url).bind_tools([book_leave]).stream(question):
        whole = piece if whole is None else whole + piece
    assert whole is not None
    return whole.tool_calls


def structured(base_url: str, question: str, method: str) -> int:
    answer = model(base_url).with_structured_output(Leave, method=method).invoke(question)
    assert isinstance(answer, Leave)
    return answer.days


def at_once(base_url: str, questions: list[str]) -> dict[str, list[str]]:
    async def later() -> list[str]:
        answers = await asyncio.gather(*(model(base_url).ainvoke(q) for q in questions))
        return [str(answer.content) for answer in answers]

    batch = [str(answer.content) for answer in model(base_url).batch(questions)]
    return {"batch": batch, "async": asyncio.run(later())}


run(
    {
        "invoke": invoke,
        "stream": stream,
        "tool_loop": tool_loop,
        "streamed_tool_call": streamed_tool_call,
        "structured": structured,
        "at_once": at_once,
    }
)
