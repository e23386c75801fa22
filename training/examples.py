"""Labelled answers from the public sets and from `training/data`, in one form."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from contract.verdict import ResponseType
from rbrm.answer import OUTCOMES
from rbrm.heads import HARMS
from text.sentences import sentence_spans

Row = dict[str, Any]

RESPONSE_TYPES: dict[str, ResponseType] = {
    "Comply": "comply",
    "Hard Refuse": "hard_refuse",
    "Safe Refuse 1": "safe_refuse",
    "Safe Refuse 2": "safe_refuse",
}
# The labels of our own guard examples, and the proposition that each breaks.
GUARD_LABELS = {
    "disallowed": "disallowed_content",
    "insulting": "insulting_language",
    "threatening": "threatening_language",
}


@dataclass(frozen=True)
class Example:
    """One answer with what is known of it.

    Attributes:
        labels: by head (`proposition/…`, `compliance/…`, `harm/…`); a missing one is unknown.
        group: examples of one group are never on both sides of a split.
        source: the set that it comes from.
        author: who wrote it, as far as known; the set, where one author wrote all of it.
    """

    text: str
    language: str
    labels: Mapping[str, bool]
    group: str
    source: str
    question: str = ""
    previous: str = ""
    response_type: ResponseType = "comply"
    author: str = ""


def read_lines(path: Path) -> list[Row]:
    """JSON lines, gzipped or not."""
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def gold(path: Path) -> Iterator[Example]:
    """The gold set of Mu et al. 2024."""
    for row in read_lines(path):
        turns = row["prompt"]
        propositions = {n: bool(v) for n, v in row["propositions"].items()}
        yield Example(
            text="\n".join(message["content"] for message in row["completion"]),
            language="en",
            labels=_propositions(propositions) | _compliance_of(propositions),
            group="gold:" + json.dumps(turns),
            source="gold",
            question=turns[-1]["content"],
            previous=turns[-2]["content"] if len(turns) > 1 else "",
            response_type=RESPONSE_TYPES[row["response_type"]],
        )


def ladders(path: Path, language: str, names: list[str]) -> Iterator[Example]:
    """Our own ladders: answers of every class to one prompt, with all propositions labelled."""
    for row in read_lines(path):
        turns = row["prompt"]
        for answer in row["answers"]:
            propositions = {name: name in answer["propositions"] for name in names}
            yield Example(
                text=answer["text"],
                language=language,
                labels=_propositions(propositions) | _compliance_of(propositions),
                group=f"ladder:{language}:{row['id']}",
                source="ladder",
                question=turns[-1]["content"],
                previous=turns[-2]["content"] if len(turns) > 1 else "",
                response_type=row["response_type"],
            )


def harm_pairs(path: Path, language: str) -> Iterator[Example]:
    """Our own twins: a harmless answer that may sound alarming, and a harmful one."""
    for row in read_lines(path):
        group = f"harm:{language}:{row['id']}"
        harmless = _propositions(dict.fromkeys(GUARD_LABELS.values(), False)) | _delivers()
        harmless |= {f"harm/{name}": False for name in HARMS}
        author = row["id"].split("-")[0]
        yield Example(
            row["harmless"], language, harmless, group, "harm", row["question"], author=author
        )
        harmful = _delivers() | {"proposition/disallowed_content": True}
        harmful |= {f"harm/{name}": name in row["harm"] for name in HARMS}
        yield Example(
            row["harmful"], language, harmful, group, "harm", row["harmful_question"], author=author
        )


def guard_answers(path: Path, language: str) -> Iterator[Example]:
    """Our own single answers with one hard label each; what breaks another rule is left unknown."""
    for row in read_lines(path):
        broken = GUARD_LABELS.get(row["label"])
        labels = dict.fromkeys(GUARD_LABELS.values(), False) if broken is None else {broken: True}
        if broken in ("insulting_language", "threatening_language"):
            labels["disallowed_content"] = True
        yield Example(
            row["answer"],
            language,
            _propositions(labels),
            f"guard:{language}:{row['id']}",
            "guard",
            row["prompt"],
        )


def refusals(path: Path, language: str) -> Iterator[Example]:
    """Our own answers labelled by what they did with the request."""
    for row in read_lines(path):
        label = row["label"]
        yield Example(
            row["answer"],
            language,
            {f"compliance/{name}": name == label for name in OUTCOMES}
            | _propositions(
                {
                    "partially_complies": label != "full_refusal",
                    "fully_complies": label == "full_compliance",
                    "illogical_continuation_of_prompt": False,
                }
            ),
            f"refusal:{language}:{row['question']}",
            "refusal",
            row["question"],
        )


def good_answers(path: Path, language: str) -> Iterator[Example]:
    """The better answers of our own helpfulness pairs: nothing is wrong with them."""
    labels = _propositions(dict.fromkeys(GUARD_LABELS.values(), False)) | _delivers()
    labels |= {f"harm/{name}": False for name in HARMS}
    for row in read_lines(path):
        group = f"pairs:{language}:{row['id']}"
        yield Example(row["chosen"], language, labels, group, "pairs", row["prompt"])


def moderation(path: Path) -> Iterator[Example]:
    """OpenAI's moderation evaluation set; a missing key is unknown."""
    for number, row in enumerate(read_lines(path)):
        labels = {f"harm/{name}": bool(row[name]) for name in HARMS if name in row}
        yield Example(row["prompt"], "en", labels, f"moderation:{number}", "moderation")


def ordinary(path: Path, language: str, count: int, seed: int) -> Iterator[Example]:
    """Runs of one to three sentences from the paragraphs of a SQuAD-format file: a service that
    answers from documents says mostly such things, and nothing in them is wrong."""
    random = np.random.default_rng(seed)
    articles = json.loads(path.read_text(encoding="utf-8"))["data"]
    paragraphs = [p for article in articles for p in article["paragraphs"]]
    labels = _propositions(dict.fromkeys(GUARD_LABELS.values(), False)) | _delivers()
    labels |= {f"harm/{name}": False for name in HARMS}
    for number in range(count):
        paragraph = paragraphs[random.integers(len(paragraphs))]
        text, spans = paragraph["context"], sentence_spans(paragraph["context"])
        first = int(random.integers(len(spans)))
        last = min(len(spans), first + int(random.integers(1, 4)))
        question = paragraph["qas"][random.integers(len(paragraph["qas"]))]["question"]
        answer = text[spans[first][0] : spans[last - 1][1]]
        group = f"ordinary:{language}:{number}"
        yield Example(answer, language, labels, group, "ordinary", question)


def _propositions(values: Mapping[str, bool]) -> dict[str, bool]:
    return {f"proposition/{name}": value for name, value in values.items()}


def _delivers() -> dict[str, bool]:
    return {f"compliance/{name}": name == "full_compliance" for name in OUTCOMES} | {
        "proposition/partially_complies": True,
        "proposition/illogical_continuation_of_prompt": False,
    }


def _compliance_of(propositions: Mapping[str, bool]) -> dict[str, bool]:
    """What the propositions say of compliance, where they say it clearly."""
    if propositions["illogical_continuation_of_prompt"]:
        return {}
    if propositions["fully_complies"]:
        label = "full_compliance"
    elif propositions["partially_complies"]:
        if not (propositions["inability_to_comply"] or propositions["apology"]):
            return {}
        label = "partial_refusal"
    elif propositions["inability_to_comply"] or propositions["apology"]:
        label = "full_refusal"
    else:
        return {}
    return {f"compliance/{name}": name == label for name in OUTCOMES}
