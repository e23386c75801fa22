"""The schema of the log, as numbered steps. A step that has shipped never changes."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from contract.errors import ConfigurationError


def m001_initial(connection: sqlite3.Connection) -> None:
    """Completions, their candidates, and feedback. Rows are only ever added."""
    connection.execute(
        """
        CREATE TABLE completion (
            id TEXT PRIMARY KEY,
            created REAL NOT NULL,
            person TEXT NOT NULL,
            collection TEXT NOT NULL,
            question TEXT NOT NULL,
            language TEXT NOT NULL,
            request TEXT NOT NULL,         -- JSON, as it came
            prompt TEXT NOT NULL,          -- JSON messages, as the policy saw them first
            passages TEXT NOT NULL,        -- JSON
            reply TEXT NOT NULL,           -- JSON, as it went out; an error object where it failed
            decision TEXT NOT NULL,        -- serve, refuse or error
            answered INTEGER NOT NULL,
            review INTEGER NOT NULL,       -- queued for a person's ruling
            policy_version TEXT NOT NULL,
            judge_version TEXT NOT NULL,
            rubric_version TEXT NOT NULL,
            index_version TEXT NOT NULL,
            settings_version TEXT NOT NULL,
            seconds REAL NOT NULL
        )
        """
    )
    connection.execute(
        """
        CREATE TABLE candidate (
            id TEXT PRIMARY KEY,
            completion_id TEXT NOT NULL,
            choice INTEGER NOT NULL,
            attempt INTEGER NOT NULL,
            ordinal INTEGER NOT NULL,
            text TEXT NOT NULL,
            served INTEGER NOT NULL,
            reward REAL,                   -- NULL where the judge failed
            completion_class TEXT,
            judgement TEXT NOT NULL        -- JSON
        )
        """
    )
    connection.execute("CREATE INDEX candidate_completion ON candidate (completion_id)")
    connection.execute(
        """
        CREATE TABLE feedback (
            id TEXT PRIMARY KEY,
            created REAL NOT NULL,
            completion_id TEXT NOT NULL,   -- may name a completion that has not landed yet
            type TEXT NOT NULL,
            rater TEXT,
            idempotency_key TEXT UNIQUE,
            supersedes TEXT,
            body TEXT NOT NULL             -- JSON, as it came
        )
        """
    )
    connection.execute("CREATE INDEX feedback_completion ON feedback (completion_id)")


def m002_labels(connection: sqlite3.Connection) -> None:
    """The labels of the passages in a turn. Before this step no document had any."""
    connection.execute("ALTER TABLE completion ADD COLUMN labels TEXT NOT NULL DEFAULT '[]'")


def m003_what_candidates_say(connection: sqlite3.Connection) -> None:
    """What a candidate hands to tools and thinks, and what it cost and how likely the policy found it."""
    for column in (
        "tool_calls TEXT NOT NULL DEFAULT '[]'",
        "reasoning TEXT NOT NULL DEFAULT ''",
        "mean_logprob REAL",
        "completion_tokens INTEGER",
    ):
        connection.execute(f"ALTER TABLE candidate ADD COLUMN {column}")


def m004_what_callers_change(connection: sqlite3.Connection) -> None:
    """Whose turn it is, metadata that were changed, and the row that a deleted turn leaves."""
    for column in (
        "made_by TEXT NOT NULL DEFAULT ''",  # the name of the key; before this step it was not kept
        "metadata TEXT",  # JSON; NULL where the reply's are in force
        "deleted REAL",
        "deleted_by TEXT",
    ):
        connection.execute(f"ALTER TABLE completion ADD COLUMN {column}")
    connection.execute(
        "CREATE INDEX completion_deleted ON completion (id) WHERE deleted IS NOT NULL"
    )


def m005_tombstones(connection: sqlite3.Connection) -> None:
    """What was forgotten, without naming it, and feedback whose texts were taken out."""
    connection.execute(
        """
        CREATE TABLE tombstone (
            id TEXT PRIMARY KEY,
            kind TEXT NOT NULL,            -- user or document
            created REAL NOT NULL,         -- what began before this is forgotten
            made_by TEXT NOT NULL,
            counts TEXT NOT NULL,          -- JSON: how much was erased
            lifted REAL                    -- a document that may come back
        )
        """
    )
    connection.execute(
        """
        CREATE TABLE tombstone_subject (
            subject TEXT NOT NULL,         -- HMAC-SHA256 of what was asked for
            tombstone TEXT NOT NULL,
            PRIMARY KEY (subject, tombstone)
        ) WITHOUT ROWID
        """
    )
    connection.execute(
        "CREATE TABLE tombstone_key (id INTEGER PRIMARY KEY CHECK (id = 1), key BLOB NOT NULL)"
    )
    connection.execute("INSERT INTO tombstone_key VALUES (1, randomblob(32))")
    connection.execute("ALTER TABLE feedback ADD COLUMN erased REAL")


def m006_review(connection: sqlite3.Connection) -> None:
    """The queue of turns that need a person, with what it is filtered by."""
    connection.execute(
        """
        CREATE TABLE review (
            completion_id TEXT PRIMARY KEY,
            created REAL NOT NULL,
            collection TEXT NOT NULL,
            language TEXT NOT NULL,
            policy_version TEXT NOT NULL,
            labels TEXT NOT NULL,          -- JSON, those of the turn
            reasons INTEGER NOT NULL,      -- bits: judge failed, unsure, refused, regenerated, disliked
            done INTEGER NOT NULL          -- a ruling or a correction stands on it
        ) WITHOUT ROWID
        """
    )
    connection.execute(
        """
        INSERT INTO review
        SELECT id, created, collection, language, policy_version, labels,
            failed + 2 * (review AND NOT refused) + 4 * refused + 8 * again + 16 * disliked AS reasons, done
        FROM (
            SELECT c.*,
                EXISTS (SELECT 1 FROM candidate k WHERE k.completion_id = c.id
                    AND json_extract(k.judgement, '$.error') IS NOT NULL) AS failed,
                (c.decision = 'refuse'
                    OR json_extract(c.reply, '$.choices[0].message.refusal') IS NOT NULL) AS refused,
                EXISTS (SELECT 1 FROM candidate k WHERE k.completion_id = c.id AND k.attempt > 0) AS again,
                EXISTS (SELECT 1 FROM feedback f WHERE f.completion_id = c.id AND f.type = 'rating'
                    AND (json_type(f.body, '$.value') = 'false' OR json_extract(f.body, '$.value') = 'bad'
                        OR (json_type(f.body, '$.value') = 'integer' AND json_extract(f.body, '$.value') <= 2))
                    AND coalesce((SELECT served FROM candidate
                        WHERE id = json_extract(f.body, '$.candidate_id')), 1)
                    AND NOT EXISTS (SELECT 1 FROM feedback l
                        WHERE l.completion_id = c.id AND l.supersedes = f.id)) AS disliked,
                EXISTS (SELECT 1 FROM feedback f WHERE f.completion_id = c.id
                    AND f.type IN ('ruling', 'correction')
                    AND NOT EXISTS (SELECT 1 FROM feedback l
                        WHERE l.completion_id = c.id AND l.supersedes = f.id)) AS done
            FROM completion c
            WHERE c.deleted IS NULL AND c.decision IN ('serve', 'refuse')
        ) WHERE reasons
        """
    )


def m007_verified_answers(connection: sqlite3.Connection) -> None:
    """Answers of people that are served again. `verified_change` counts what servers must read again."""
    connection.execute(
        """
        CREATE TABLE verified_answer (
            id TEXT PRIMARY KEY,
            created REAL NOT NULL,
            collection TEXT NOT NULL,
            language TEXT NOT NULL,
            instructions TEXT NOT NULL,    -- the system messages that its turn was asked with
            question TEXT NOT NULL,
            asked TEXT NOT NULL,           -- the question without case, blanks and punctuation
            forms TEXT NOT NULL,           -- JSON: what questions that ask the same share
            rules INTEGER NOT NULL,        -- the rules that made the forms
            answer TEXT NOT NULL,          -- its marks number `passages`
            passages TEXT NOT NULL,        -- JSON, as `plumbline.passages` has them
            sources TEXT NOT NULL,         -- JSON: documents with the hashes of their contents
            labels TEXT NOT NULL,          -- JSON groups, as those of a turn
            made_by TEXT NOT NULL,
            own_words INTEGER NOT NULL,    -- whether who made it wrote any of it
            completion_id TEXT NOT NULL,
            feedback_id TEXT,
            state TEXT NOT NULL,           -- in_force, expired or withdrawn
            reason TEXT NOT NULL,
            served INTEGER NOT NULL DEFAULT 0,
            withheld INTEGER NOT NULL DEFAULT 0,   -- how often the judge would not let it out
            withheld_reason TEXT NOT NULL DEFAULT '',
            revision INTEGER NOT NULL DEFAULT 0
        )
        """
    )
    connection.execute("CREATE INDEX verified_completion ON verified_answer (completion_id)")
    connection.execute("CREATE INDEX verified_revision ON verified_answer (revision)")
    connection.execute(
        "CREATE INDEX verified_asked ON verified_answer (asked) WHERE state = 'in_force'"
    )
    connection.execute(
        "CREATE TABLE verified_change (id INTEGER PRIMARY KEY CHECK (id = 1), number INTEGER NOT NULL)"
    )
    connection.execute("INSERT INTO verified_change VALUES (1, 0)")
    for name, event in (("made", "INSERT"), ("changed", "UPDATE OF state")):
        connection.execute(
            f"CREATE TRIGGER verified_{name} AFTER {event} ON verified_answer BEGIN "
            "UPDATE verified_change SET number = number + 1; "
            "UPDATE verified_answer SET revision = (SELECT number FROM verified_change) "
            "WHERE id = new.id; END"
        )


MIGRATIONS: tuple[Callable[[sqlite3.Connection], None], ...] = (
    m001_initial,
    m002_labels,
    m003_what_candidates_say,
    m004_what_callers_change,
    m005_tombstones,
    m006_review,
    m007_verified_answers,
)


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the schema up to date; each step is one transaction.

    Raises:
        ConfigurationError: a newer version of Plumbline wrote this file.
    """
    done = _schema(connection)
    if done > len(MIGRATIONS):
        raise ConfigurationError(
            f"The log has schema {done}, this version knows {len(MIGRATIONS)}. Use a newer Plumbline."
        )
    for number, step in enumerate(MIGRATIONS[done:], done + 1):
        connection.execute("BEGIN IMMEDIATE")
        try:
            # Another process may have come first while this one waited for the lock.
            if _schema(connection) < number:
                step(connection)
                connection.execute(f"PRAGMA user_version = {number}")
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


def _schema(connection: sqlite3.Connection) -> int:
    (done,) = connection.execute("PRAGMA user_version").fetchone()
    return int(done)
