"""Which turns of the log a caller may see beyond what their labels say: imports are not for everybody."""

from __future__ import annotations

from feedback.log import Log
from feedback.records import CompletionRecord
from feedback.rows import no_completion
from server.callers import Caller


def seen(log: Log, completion_id: str, caller: Caller) -> CompletionRecord:
    """A turn that the caller may see. An imported one is for admins and for the key that it was imported for.

    Raises:
        NotFound: there is no such turn, or the caller may not see it.
    """
    record = log.completion(completion_id, access=caller.access)
    if record.decision == "import" and not (caller.role == "admin" or owns(record, caller)):
        raise no_completion(completion_id)
    return record


def check_not_hidden(log: Log, completion_id: str, caller: Caller) -> None:
    """Raise NotFound where a turn has landed that the caller may not see; one that has not may come."""
    if log.has_completion(completion_id):
        seen(log, completion_id, caller)


def may_read_feedback(log: Log, completion_id: str, caller: Caller) -> CompletionRecord | None:
    """Check that a caller may read all feedback on a turn: a rater or admin who may see it, or the key that
    made it. None where the turn has not landed.

    Raises:
        NotFound: there is no such turn, or the caller may not see it.
        NotAllowed: it is somebody else's, and the caller is no rater.
    """
    if not log.has_completion(completion_id):
        return None
    record = seen(log, completion_id, caller)
    if not owns(record, caller):
        caller.check("rater")
    return record


def owns(record: CompletionRecord, caller: Caller) -> bool:
    """Did this caller's key make the turn?"""
    return bool(caller.name) and caller.name == record.made_by
