"""The columns of a row, by the names that data sets give them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from feedback.imports.messages import (
    Conversation,
    Unfit,
    answer,
    conversation,
    messages_of,
    split,
    text_of,
)

Fields = Mapping[str, Any]

ASKED = ("prompt", "question", "instruction")
ANSWERED = ("completion", "answer", "response", "output")
LABELS = ("label", "rating", "stars")

# Columns that some form or other reads; a file's other columns are named when it is done.
READ = frozenset(
    {*ASKED, *ANSWERED, *LABELS, "messages", "input", "system", "examples", "use_case", "ranked"}
    | {"chosen", "rejected", "preferred_output", "non_preferred_output"}
    | {"rater", "user", "comment"}
)

_LONGEST_NOTES = {"rater": 200, "user": 200, "use_case": 2_000, "comment": 20_000}


def turn(fields: Fields) -> tuple[Conversation, str]:
    """A conversation and its answer, in columns of their own or in one."""
    column = next((name for name in ANSWERED if name in fields), None)
    if column is None and "messages" in fields:
        return split(messages_of(fields["messages"], "messages"), "messages")
    if column is None:
        raise Unfit("the completion is missing: a prompt alone teaches nothing yet")
    return prompt(fields), answer(fields[column], column)


def prompt(fields: Fields) -> Conversation:
    """What is answered."""
    column = next((name for name in (*ASKED, "messages") if name in fields), None)
    if column is None:
        raise Unfit("the prompt is missing")
    value = fields[column]
    if column == "instruction" and isinstance(value, str) and isinstance(fields.get("input"), str):
        value = f"{value.strip()}\n\n{fields['input'].strip()}"
    messages = conversation(value, column)
    if "system" in fields and messages[0]["role"] != "system":
        system = {"role": "system", "content": text_of(fields["system"], "system")}
        messages = [system, *messages]
    return messages


def has_prompt(fields: Fields) -> bool:
    """Has the prompt a column of its own? Messages that end with an answer are more than a prompt."""
    messages = fields.get("messages")
    last = messages[-1] if isinstance(messages, list) and messages else None
    asks = isinstance(last, dict) and last.get("role") != "assistant"
    return asks or any(name in fields for name in ASKED)


def needed(fields: Fields, column: str) -> Any:
    """What stands in a column that must be there."""
    if column not in fields:
        raise Unfit(f"{column} is missing")
    return fields[column]


def notes(fields: Fields) -> dict[str, str]:
    """What a row says beside its answers."""
    found = {}
    for name, longest in _LONGEST_NOTES.items():
        value = fields.get(name)
        if value is not None and not isinstance(value, str | int):
            raise Unfit(f"{name} must be a text")
        text = "" if value is None else str(value).strip()
        if len(text) > longest:
            raise Unfit(f"{name} has more than {longest:,} characters")
        if text:
            found[name] = text
    return found
