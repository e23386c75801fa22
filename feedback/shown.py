"""Turns and feedback on a terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from rich.table import Table

from feedback.find import STATES, Found, to_wire
from feedback.records import CandidateRecord, CompletionRecord
from feedback.tables import add_row, new_table, print_shown
from feedback.tally import Tally
from feedback.words import one_line, said, when


def show_list(found: Sequence[Found]) -> None:
    """Pieces of feedback, a line each."""
    table = new_table("when (UTC)", "type", "says", "rater", "completion", "state")
    for one in found:
        row = one.row
        state = one.state if one.state != "unfit" else f"unfit: {one.why}"
        cells = (
            when(row.created),
            row.type,
            said(row.type, row.body),
            row.rater,
            row.completion_id,
        )
        add_row(table, *cells, state)
    if found:
        print_shown(table)


def show_turn(record: CompletionRecord, found: Sequence[Found]) -> None:
    """A turn: what was asked and answered, all candidates, what decided, and what was said about it."""
    facts = new_table(None, None)
    for name, value in _facts(record).items():
        add_row(facts, name, value)
    print_shown(facts)
    if record.candidates:
        print_shown("")
        print_shown(_candidates(record))
    print_shown("")
    print_shown(_feedback(record, found))


def show_tally(counts: Tally) -> None:
    """All counts: a line for each policy version, then what is no matter of one, then the feedback."""
    names = ("policy", "turns", "answered", "refused", "failed", "reward", "rated", "thumbs up")
    table = new_table(*names)
    failed: Counter[str] = Counter()
    others: Counter[str] = Counter()
    answering = dict(counts.policies)
    if counts.verified.finished:
        answering["verified answers"] = counts.verified
    for version, one in answering.items():
        refused = one.refused + one.declined
        failed.update(one.failed)
        others.update(one.callers_errors | Counter({"hung up": one.hung_up}))
        add_row(
            table,
            version,
            one.finished,
            one.answered,
            f"{refused} ({_percent(one.refusal_share)})" if refused else 0,
            sum(one.failed.values()),
            "" if one.reward is None else f"{one.reward:+.2f}",
            one.rated,
            f"{_percent(one.up_share)} (n={one.ratings})" if one.ratings else "",
        )
    print_shown(table if answering else "No turns.")
    print_shown("")
    facts = new_table(None, None)
    if failed:
        add_row(facts, "failed", _listed(failed))
    if +others:
        add_row(facts, "by callers", f"{_listed(+others)}; no failures of a policy")
    add_row(facts, "feedback", _listed(counts.types))
    if counts.types:
        add_row(facts, "state", _listed({state: counts.states[state] for state in STATES}))
        add_row(facts, "raters", _listed(dict(counts.raters.most_common(20))))
    if counts.waiting_since is not None:
        since = when(counts.waiting_since)
        add_row(facts, "waiting", f"{counts.states['waiting']} for their turn, since {since} UTC")
    if counts.imports:
        add_row(facts, "imported", _listed(counts.imports))
    if counts.deleted:
        add_row(
            facts,
            "deleted",
            f"{counts.deleted} turns, which count above; not what was said on them",
        )
    print_shown(facts)


def turn_to_wire(record: CompletionRecord, found: Sequence[Found]) -> dict[str, Any]:
    """All that `show` knows, for programs."""
    return asdict(record) | {"feedback": [to_wire(one) for one in found]}


def _facts(record: CompletionRecord) -> dict[str, str]:
    said_by_us: Mapping[str, Any] = record.reply.get("plumbline", {})
    facts = {
        "completion": record.id,
        "when": f"{when(record.created)} UTC, {record.seconds:.2f} s",
        "person": f"{record.person}, collection {record.collection}, language {record.language}",
        "question": record.question,
    }
    error = record.reply.get("error")
    if error:
        facts["error"] = f"{error['code']}: {error['message']}"
    for choice in record.reply.get("choices", ()):
        message = choice["message"]
        name = "refusal" if message.get("refusal") else "answer"
        facts[f"{name} {choice['index'] + 1}" if choice["index"] else name] = (
            message.get("content") or f"calls {len(message.get('tool_calls') or ())} tools"
        )
    reason = said_by_us.get("reason", "")
    facts["decision"] = f"{record.decision}: {reason}" if reason else record.decision
    if record.review:
        facts["decision"] += " (queued for review)"
    for number, attempt in enumerate(said_by_us.get("turned_down", ()), 1):
        facts[f"attempt {number}"] = f"turned down: {attempt['reason']}"
    titles = [f"{n} {p.get('title', '')}" for n, p in enumerate(record.passages, 1)]
    facts["passages"] = "; ".join(titles) or "none"
    versions = ("policy", "judge", "rubric", "index", "settings")
    facts["versions"] = ", ".join(f"{n} {getattr(record, f'{n}_version') or '-'}" for n in versions)
    return facts


def _candidates(record: CompletionRecord) -> Table:
    table = new_table("", "candidate", "choice", "attempt", "reward", "class", "violations", "text")
    for number, candidate in enumerate(record.candidates, 1):
        add_row(
            table,
            "served" if candidate.served else "",
            f"#{number} {candidate.id}",
            candidate.choice + 1,
            candidate.attempt + 1,
            _reward(record, candidate),
            candidate.completion_class,
            ", ".join(candidate.judgement.get("violations") or ()),
            one_line(candidate.text or candidate.reasoning, 300),
        )
    return table


def _reward(record: CompletionRecord, candidate: CandidateRecord) -> str:
    if candidate.reward is not None:
        return f"{candidate.reward:+.2f}"
    return "" if record.decision == "import" else "not judged"


def _feedback(record: CompletionRecord, found: Sequence[Found]) -> Table | str:
    if not found:
        return "Nobody has said anything about it."
    names = {candidate.id: f"#{number}" for number, candidate in enumerate(record.candidates, 1)}
    table = new_table("when (UTC)", "feedback", "says", "rater", "state")
    for one in found:
        state = f"{one.state}: {one.why}" if one.why else one.state
        words = said(one.row.type, one.row.body, names | {record.id: "the answer"})
        add_row(
            table,
            when(one.row.created),
            one.row.id,
            f"{one.row.type}: {words}",
            one.row.rater,
            state,
        )
    return table


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{number} {name}" for name, number in counts.items()) or "none"


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.0f} %"
