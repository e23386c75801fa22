"""What is asked of an export."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Kind = Literal["sft", "rm", "dpo", "kto", "grpo", "openai-dpo", "labels", "ladders"]
Source = Literal["human", "judge"]
Pii = Literal["drop", "redact", "keep"]

# What trainers read, and what people ruled for the judge.
KINDS: tuple[Kind, ...] = ("sft", "rm", "dpo", "kto", "grpo", "openai-dpo")
RULED: tuple[Kind, ...] = ("labels", "ladders")


@dataclass(frozen=True, slots=True)
class Selection:
    """Which turns; an empty tuple does not restrict.

    Attributes:
        since, until: seconds since 1970; `until` itself is not in it.
        labels: turns that were shown a passage with one of these labels.
        without_labels: none of the turns that were shown a passage with one of these.
    """

    since: float | None = None
    until: float | None = None
    policies: tuple[str, ...] = ()
    collections: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    without_labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Hygiene:
    """What is taken out before anybody trains on it.

    Attributes:
        near_duplicates: one turn of those that ask nearly the same stays: the one people said most about.
        per_person: most turns of one person, 0 for any number (Ouyang et al. 2022, section 3.2: 200).
        pii: what becomes of rows with personal data.
        public: texts that are nobody's secret, such as the company's own mail domain: personal data that
            hold one of these do not count.
        refusal_ratio: rows that teach to refuse and rows that teach not to are kept within this ratio.
        refusal_share: largest share of refusals among answers to imitate (SFT).
        evaluation: files whose prompts must not be trained on.
    """

    near_duplicates: bool = True
    per_person: int = 200
    pii: Pii = "drop"
    public: tuple[str, ...] = ()
    refusal_ratio: float = 3.0
    refusal_share: float = 0.2
    evaluation: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Quality:
    """Filters for answers that are to be imitated (SFT); all are off unless asked for.

    Attributes:
        characters: shortest and longest answer.
        min_reward: smallest reward that the judge gave; answers without one are kept.
        same_language: the answer is in the question's language.
        novelty: prompts whose ROUGE-L with one kept before reaches this are left out (Wang et al. 2022,
            Self-Instruct, use 0.7).
        select: keep so many turns that cover the rest best, by greedy k-centre (Sener & Savarese 2018).
        url, model: a model server that reads the answers, for the next two.
        perplexity: band of the answer's perplexity given its prompt.
        min_grade: smallest grade from 1 to 5 that the model as a judge gives.
    """

    characters: tuple[int, int] | None = None
    min_reward: float | None = None
    same_language: bool = False
    novelty: float | None = None
    select: int | None = None
    url: str | None = None
    model: str | None = None
    perplexity: tuple[float, float] | None = None
    min_grade: float | None = None


@dataclass(frozen=True, slots=True)
class Options:
    """What goes into an export.

    Attributes:
        sources: whose preferences; every row says which it came from.
        min_margin: smallest difference of rewards that counts as a judge's preference.
        validation: share of persons (or raters) that go into `validation.jsonl`.
        split_by: who is in one file only: the persons who asked, or the raters who judged.
        seed: with the same log and options, the same seed gives the same bytes.
        hygiene: None leaves everything in.
        proposition: of labels, the one that a head is to be trained for; None takes all of them.
    """

    kind: Kind
    sources: tuple[Source, ...] = ("human",)
    min_margin: float = 1.0
    validation: float = 0.1
    split_by: Literal["person", "rater"] = "person"
    seed: int = 0
    selection: Selection = field(default_factory=Selection)
    hygiene: Hygiene | None = field(default_factory=Hygiene)
    quality: Quality = field(default_factory=Quality)
    proposition: str | None = None

    @property
    def human(self) -> bool:
        return "human" in self.sources

    @property
    def judge(self) -> bool:
        return "judge" in self.sources
