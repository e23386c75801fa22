"""The rows of the review queue, written in the transaction of whatever changes them."""

from __future__ import annotations

import sqlite3

# The bits of `reasons`, as m006_review numbers them: the judge failed on a candidate (1), the turn is queued
# by the decision and is no refusal (2), a refusal (4), more than one attempt (8), a thumb down on what was
# served (16). Failed and imported turns are nobody's to review.
_PLACE = """
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
    WHERE c.id = ? AND c.deleted IS NULL AND c.decision IN ('serve', 'refuse')
) WHERE reasons
"""


def place(connection: sqlite3.Connection, completion_id: str) -> None:
    """Give a turn its place in the queue anew, or none."""
    leave(connection, completion_id)
    connection.execute(_PLACE, (completion_id,))


def leave(connection: sqlite3.Connection, completion_id: str) -> None:
    """Take a turn out of the queue."""
    connection.execute("DELETE FROM review WHERE completion_id = ?", (completion_id,))
