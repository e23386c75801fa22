"""What the judge is told of an exported row: the same as the guard was told of the turn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rbrm.answer import Question


def question_of_row(row: Mapping[str, Any]) -> Question:
    """Question, passages, response type and the answer before it.

    Rows of another origin may lack these columns; then the prompt's last user message is the question.
    """
    prompt = row["prompt"]
    messages = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else list(prompt)
    asked = [place for place, m in enumerate(messages) if m["role"] == "user"]
    question = row.get("question")
    if question is None:
        question = messages[asked[-1]]["content"] if asked else ""
    previous = row.get("previous")
    if previous is None:
        before = messages[: asked[-1]] if asked else []
        said = [m["content"] for m in before if m["role"] == "assistant"]
        previous = said[-1] if said else ""
    return Question(
        str(question),
        tuple(row.get("passages") or ()),
        row.get("response_type"),
        documents_hold_answer=row.get("documents_hold_answer"),
        previous=str(previous),
    )
