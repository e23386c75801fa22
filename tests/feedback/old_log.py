"""Logs as earlier versions left them behind: rows written by hand, which no change of the code changes."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

from contract.ids import uuid7
from feedback.migrations import MIGRATIONS

QUESTION = {"role": "user", "content": "How long is the warranty?"}

# Rows as the versions with schema 1, 2, 3 and 4 wrote them. A release that is out writes them for ever.
COMPLETION = """
    INSERT INTO completion (
        id, created, person, collection, question, language, request, prompt, passages, reply, decision,
        answered, review, policy_version, judge_version, rubric_version, index_version,
        settings_version, seconds{columns}
    ) VALUES (
        :id, 1767225600.5, 'ann', 'default', 'How long is the warranty?', 'en', :request, :prompt,
        '[{{"document": "faq.md", "text": "Two years."}}]', :reply, 'serve', 1, 0, 'reader-1', 'judge-1',
        'rubric-1', 'index-1', 'settings-1', 0.25{values}
    )
"""
CANDIDATE = """
    INSERT INTO candidate (
        id, completion_id, choice, attempt, ordinal, text, served, reward, completion_class,
        judgement{columns}
    ) VALUES (
        :id, :completion_id, 0, 0, :ordinal, :text, :served, :reward, 'ideal',
        '{{"propositions": {{}}, "reward": 1.0}}'{values}
    )
"""
FEEDBACK = """
    INSERT INTO feedback (id, created, completion_id, type, rater, idempotency_key, supersedes, body)
    VALUES (:id, 1767225700.0, :completion_id, :type, 'bob', :key, NULL, :body)
"""
# What each schema added to these rows.
OF_COMPLETION = {2: (", labels", """, '[["hr"]]'"""), 4: (", made_by", ", 'key-of-ann'")}
OF_CANDIDATE = {
    3: (
        ", tool_calls, reasoning, mean_logprob, completion_tokens",
        """, '[{{"id": "call-1"}}]', 'It says so.', -0.5, 12""",
    )
}
BODIES = (
    {"type": "rating", "value": True},
    {"type": "correction", "correction": "Two years from the day of purchase."},
    {"type": "pair", "preferred_id": "{0}-0", "rejected_id": "{0}-1"},
)


def old_log(path: Path, schema: int, turns: int = 3) -> list[str]:
    """A log that a version with this schema left behind; the ids of its turns."""
    ids = sorted(f"chatcmpl-{uuid7()}" for _ in range(turns))
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        for step in MIGRATIONS[:schema]:
            step(connection)
        connection.execute(f"PRAGMA user_version = {schema}")
        for identifier in ids:
            _insert(connection, schema, identifier)
    return ids


def _insert(connection: sqlite3.Connection, schema: int, identifier: str) -> None:
    message = {"role": "assistant", "content": "Two years."}
    turn = {
        "id": identifier,
        "request": json.dumps({"model": "plumbline", "messages": [QUESTION]}),
        "prompt": json.dumps([QUESTION]),
        "reply": json.dumps(
            {"id": identifier, "choices": [{"message": message}], "metadata": None}
        ),
    }
    connection.execute(_statement(COMPLETION, OF_COMPLETION, schema), turn)
    for ordinal, text in enumerate(("Two years.", "Three years.")):
        candidate = {
            "id": f"{identifier}-{ordinal}",
            "completion_id": identifier,
            "ordinal": ordinal,
            "text": text,
            "served": ordinal == 0,
            "reward": 2.0 - ordinal,
        }
        connection.execute(_statement(CANDIDATE, OF_CANDIDATE, schema), candidate)
    said_ids = sorted(f"fb-{uuid7()}" for _ in BODIES)
    for said_id, body in zip(said_ids, BODIES, strict=True):
        named = {k: v.format(identifier) if isinstance(v, str) else v for k, v in body.items()}
        said = {
            "id": said_id,
            "completion_id": identifier,
            "type": body["type"],
            "key": f"{identifier}-{body['type']}",
            "body": json.dumps({"id": identifier, "rater": "bob", **named}),
        }
        connection.execute(FEEDBACK, said)


def _statement(text: str, added: dict[int, tuple[str, str]], schema: int) -> str:
    since = [own for number, own in added.items() if number <= schema]
    columns, values = ("".join(parts) for parts in zip(*since)) if since else ("", "")
    return text.format(columns=columns, values=values.replace("{{", "{").replace("}}", "}"))
