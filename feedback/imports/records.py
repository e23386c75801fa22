"""An example as rows of the log: a turn that nobody was served, and what was said about it.

Ids are digests of what was said, so that what is there already is known again, whatever file it comes from;
several raters of the same answers speak of the same turn.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import orjson

from contract.chat import NOBODY
from feedback.imports.examples import Example
from feedback.records import CandidateRecord, CompletionRecord, FeedbackRecord
from text.language import reply_language

# Neither a judge nor an index had part in it.
_NO_VERSION = "none"

Rows = tuple[CompletionRecord, FeedbackRecord]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where examples come from.

    Attributes:
        source: its name; `import:` and it are their policy version.
        rater: who said it where a row does not say.
        owner: the name of the key that may read the turns over HTTP; empty for none.
        when: seconds since 1970.
    """

    source: str
    collection: str
    rater: str | None
    owner: str
    when: float

    @property
    def version(self) -> str:
        """The policy version of its turns."""
        return f"import:{self.source}"


def records_of(example: Example, origin: Origin) -> Rows:
    """The turn of an example and the feedback on it.

    Raises:
        orjson.JSONEncodeError: something in it can't be stored.
    """
    request: dict[str, Any] = {"model": origin.version, "messages": example.messages}
    if example.tools:
        request["tools"] = example.tools
    answers = example.answers
    turn = (
        f"import-{_digest(origin.collection, request['messages'], example.tools, sorted(answers))}"
    )
    ids = {text: f"cand-{_digest(turn, text)}" for text in answers}
    question = next(
        str(message["content"])
        for message in reversed(example.messages)
        if message["role"] == "user"
    )
    completion = CompletionRecord(
        id=turn,
        created=origin.when,
        person=example.notes.get("user", NOBODY),
        collection=origin.collection,
        question=question,
        language=reply_language(question),
        request=request,
        prompt=example.messages,
        passages=[],
        reply=_reply(turn, answers[0], example, origin),
        decision="import",
        answered=True,
        review=False,
        policy_version=origin.version,
        judge_version=_NO_VERSION,
        rubric_version=_NO_VERSION,
        index_version=_NO_VERSION,
        settings_version=_NO_VERSION,
        seconds=0.0,
        made_by=origin.owner,
        candidates=tuple(
            CandidateRecord(ids[text], turn, 0, 0, number, text, False, None, None, {})
            for number, text in enumerate(answers)
        ),
    )
    return completion, _feedback(completion, example, ids, origin)


def _feedback(
    turn: CompletionRecord, example: Example, ids: dict[str, str], origin: Origin
) -> FeedbackRecord:
    rater = example.notes.get("rater") or origin.rater
    body: dict[str, Any] = {"id": turn.id, "type": example.kind} | _opinion(example, ids)
    if rater:
        body["rater"] = rater
    if "comment" in example.notes:
        body["comment"] = example.notes["comment"]
    return FeedbackRecord(
        id=f"fb-{_digest(body)}",
        created=origin.when,
        completion_id=turn.id,
        type=example.kind,
        rater=rater,
        idempotency_key=None,
        supersedes=None,
        body=body,
    )


def _opinion(example: Example, ids: dict[str, str]) -> dict[str, Any]:
    places = [[ids[text] for text in place] for place in example.places]
    if example.kind == "correction":
        return {"correction": example.answers[0]}
    if example.kind == "rating":
        return {"value": example.value}
    if example.kind == "pair":
        return {"preferred_id": places[0][0], "rejected_id": places[1][0]}
    return {"ranking": [place[0] if len(place) == 1 else place for place in places]}


def _reply(turn: str, text: str, example: Example, origin: Origin) -> dict[str, Any]:
    """A chat completion as every reader of the log knows it."""
    message: dict[str, Any] = {
        "role": "assistant",
        "content": text,
        "refusal": None,
        "annotations": [],
    }
    return {
        "id": turn,
        "object": "chat.completion",
        "created": int(origin.when),
        "model": origin.version,
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0},
        "metadata": _metadata(example, origin),
        "plumbline": {
            "answered": True,
            "decision": "import",
            "reason": f"imported from {origin.source}",
            "policy_version": origin.version,
            "passages": [],
        },
    }


def _metadata(example: Example, origin: Origin) -> dict[str, str]:
    """Where it comes from; few-shot examples of one instruction, which show each other, share a set."""
    metadata = {"source": origin.source}
    if "use_case" in example.notes:
        metadata["use_case"] = example.notes["use_case"]
    if "instruction" in example.notes:
        metadata["few_shot_set"] = _digest(example.notes["instruction"])
    return metadata


def _digest(*parts: Any) -> str:
    """32 hexadecimal digits, as many as a UUID has."""
    return hashlib.sha256(orjson.dumps(parts, option=orjson.OPT_SORT_KEYS)).hexdigest()[:32]
