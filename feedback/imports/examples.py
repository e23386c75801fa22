"""What a row says: an example, in one of the forms that people collect them in.

Demonstrations come in the three kinds of InstructGPT (Ouyang et al. 2022, section 3.2 and appendix A.1):
plain ones, few-shot ones (an instruction with several question and answer pairs, which make as many
examples, each with the others before it), and user-based ones (a prompt written for a use case).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from contract.feedback import MOST_RANKED
from feedback.imports.columns import (
    ANSWERED,
    ASKED,
    LABELS,
    Fields,
    has_prompt,
    needed,
    notes,
    prompt,
    turn,
)
from feedback.imports.labels import Scale, label_of
from feedback.imports.messages import (
    Conversation,
    Unfit,
    answer,
    conversation,
    messages_of,
    split,
    text_of,
    transcript,
)

Format = Literal["demonstrations", "few-shot", "user-based", "rankings", "pairs", "ratings"]

_MOST_SHOTS = 32


@dataclass(frozen=True, slots=True)
class Example:
    """Answers to one conversation, and what was said of them.

    Attributes:
        places: of a ranking, the answers place by place, the best first; of all others, one answer a
            place: that of a demonstration or rating, or the preferred one and the other.
        value: of a rating.
        notes: what else the row says: `rater`, `user`, `comment`, `use_case`, and the `instruction` that
            few-shot examples share.
        tools: those of the request, which are part of what the policy reads.
    """

    kind: Literal["correction", "ranking", "pair", "rating"]
    messages: Conversation
    places: tuple[tuple[str, ...], ...]
    value: bool | int | str | None = None
    notes: dict[str, str] = field(default_factory=dict)
    tools: list[Any] = field(default_factory=list)

    @property
    def answers(self) -> list[str]:
        """All answers, the best first."""
        return [text for place in self.places for text in place]


def examples_of(fields: Fields, form: Format | None, scale: Scale) -> list[Example]:
    """The examples in a row; the form is found out by its columns where it is not given.

    Raises:
        Unfit: there is none; the message says why.
    """
    form = form or form_of(fields)
    found = [_rating(fields, scale)] if form == "ratings" else _READERS[form](fields)
    beside = notes(fields)
    return [replace(example, notes=beside | example.notes) for example in found]


def form_of(fields: Fields) -> Format:
    """The form that a row's columns tell.

    Raises:
        Unfit: they tell none.
    """
    if "preferred_output" in fields or {"chosen", "rejected"} <= fields.keys():
        return "pairs"
    if "ranked" in fields:
        return "rankings"
    if "examples" in fields:
        return "few-shot"
    if any(name in fields for name in LABELS):
        return "ratings"
    if "use_case" in fields:
        return "user-based"
    if "messages" in fields or any(name in fields for name in ANSWERED):
        return "demonstrations"
    columns = ", ".join(sorted(fields)) or "none"
    raise Unfit(
        f"its columns ({columns}) are those of no form. A demonstration has prompt and completion, a ranking "
        "prompt and ranked, a pair prompt, chosen and rejected, a rating prompt, completion and label"
    )


def _demonstration(fields: Fields) -> list[Example]:
    asked, said = turn(fields)
    return [Example("correction", asked, ((said,),))]


def _use_case(fields: Fields) -> list[Example]:
    text_of(needed(fields, "use_case"), "use_case")
    return _demonstration(fields)


def _few_shot(fields: Fields) -> list[Example]:
    instruction = text_of(needed(fields, "instruction"), "instruction")
    shots = needed(fields, "examples")
    if not isinstance(shots, list) or not 1 <= len(shots) <= _MOST_SHOTS:
        raise Unfit(f"examples must be a list of 1 to {_MOST_SHOTS} questions with their answers")
    turns = [_shot(shot, f"examples[{place}]") for place, shot in enumerate(shots)]
    found = []
    for place, (asked, said) in enumerate(turns):
        messages: Conversation = [{"role": "system", "content": instruction}]
        for other, (question, reply) in enumerate(turns):
            if other != place:
                messages.append({"role": "user", "content": question})
                messages.append({"role": "assistant", "content": reply})
        messages.append({"role": "user", "content": asked})
        shown = {"instruction": instruction}
        found.append(Example("correction", messages, ((said,),), notes=shown))
    return found


def _shot(shot: Any, place: str) -> tuple[str, str]:
    if not isinstance(shot, dict):
        raise Unfit(f"{place} must hold a question and an answer")
    asked = next((shot[name] for name in ("input", "query", *ASKED) if shot.get(name)), None)
    said = next((shot[name] for name in ANSWERED if shot.get(name)), None)
    return text_of(asked, f"the question of {place}"), text_of(said, f"the answer of {place}")


def _ranking(fields: Fields) -> list[Example]:
    ranked = needed(fields, "ranked")
    if not isinstance(ranked, list):
        raise Unfit("ranked must be a list, the best answer first")
    places = []
    for number, place in enumerate(ranked):
        equals = isinstance(place, list) and not all(_is_message(inner) for inner in place)
        texts = place if equals else [place]
        places.append(tuple(answer(text, f"ranked[{number}]") for text in texts))
    count = sum(len(place) for place in places)
    if not all(places) or not 2 <= count <= MOST_RANKED:
        raise Unfit(f"ranked must hold 2 to {MOST_RANKED} answers")
    if len({text for place in places for text in place}) != count:
        raise Unfit("ranked holds the same answer twice")
    return [Example("ranking", prompt(fields), tuple(places))]


def _pair(fields: Fields) -> list[Example]:
    tools: list[Any] = []
    if "preferred_output" in fields:
        request = needed(fields, "input")
        if not isinstance(request, dict):
            raise Unfit("input must be an object with messages")
        tools = request.get("tools") or []
        asked = conversation(request.get("messages"), "input.messages")
        sides = [answer(needed(fields, n), n) for n in ("preferred_output", "non_preferred_output")]
    else:
        given = prompt(fields) if has_prompt(fields) else None
        both = [_continued(needed(fields, name), given, name) for name in ("chosen", "rejected")]
        (asked, _), (other, _) = both
        if asked != other:
            raise Unfit("chosen and rejected differ before their last answer")
        sides = [said for _, said in both]
    if sides[0] == sides[1]:
        raise Unfit("both answers are the same")
    return [Example("pair", asked, ((sides[0],), (sides[1],)), tools=tools)]


def _continued(value: Any, asked: Conversation | None, column: str) -> tuple[Conversation, str]:
    """What one side of a pair answers, and how: it may repeat the conversation, as TRL's data sets do."""
    spoken = transcript(value) if isinstance(value, str) else None
    if spoken is None:
        if isinstance(value, str) or (isinstance(value, list) and len(value) == 1):
            if asked is None:
                raise Unfit("the prompt is missing")
            return asked, answer(value, column)
        spoken = messages_of(value, column)
    before, said = split(spoken, column)
    if asked is None:
        return before, said
    mine, theirs = _spoken(asked), _spoken(before)
    if mine not in (theirs, theirs[:1]):
        raise Unfit(f"prompt and {column} do not belong together: {column} begins otherwise")
    # The system message may stand in one of them only.
    return before if len(theirs) < len(before) else asked[: len(asked) - len(mine)] + before, said


def _spoken(messages: Conversation) -> Conversation:
    return [message for message in messages if message["role"] != "system"]


def _rating(fields: Fields, scale: Scale) -> Example:
    column = next((name for name in LABELS if name in fields), LABELS[0])
    value = scale.rating(label_of(needed(fields, column), column), column)
    asked, said = turn(fields)
    return Example("rating", asked, ((said,),), value=value)


def _is_message(value: Any) -> bool:
    return isinstance(value, dict) and "role" in value


_READERS: dict[str, Callable[[Fields], list[Example]]] = {
    "demonstrations": _demonstration,
    "few-shot": _few_shot,
    "user-based": _use_case,
    "rankings": _ranking,
    "pairs": _pair,
}
