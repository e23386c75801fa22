"""What is measured of the answers to a set of prompts, as docs/evaluation.md defines it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from contract.evaluation import Metric
from rbrm.answer import Answer
from rbrm.graders.form import answers_in_user_language, length_in_words
from text.terms import terms
from training.evaluation.citing import citation_accuracy, citation_match, has_citation
from training.evaluation.closed import exact_match, token_f1
from training.evaluation.direction import Directions
from training.evaluation.figures import mean_of, share_of
from training.evaluation.judged import Judged, Pair
from training.evaluation.outcomes import due, outcome_metrics

# Words of the runs that are counted as repeated.
_RUN = 4


def measure(pairs: Sequence[Pair], directions: Directions) -> list[Metric]:
    """All figures that come from answers and verdicts; one that no prompt can tell has a count of 0."""
    return [
        *_rewards(pairs),
        *outcome_metrics(pairs),
        *_faithfulness(pairs),
        *_closed(pairs),
        *_form(pairs),
        *propositions(pairs, directions),
    ]


def propositions(pairs: Sequence[Pair], directions: Directions) -> list[Metric]:
    """The share of answers of which each proposition holds that was judged: `proposition/NAME`, or
    `neutral/NAME` where the rubric takes no side."""
    names = dict.fromkeys(n for p in pairs for j in (p.a, p.b) for n in j.verdict.propositions)
    holds = [(directions.holds(p.a.verdict), directions.holds(p.b.verdict)) for p in pairs]
    metrics = []
    for name in names:
        way = directions.of(name)
        values = [
            (a[name], b[name])
            for p, (a, b) in zip(pairs, holds, strict=True)
            if name in p.a.verdict.propositions and name in p.b.verdict.propositions
        ]
        kind = "neutral" if way is None else "proposition"
        metrics.append(share_of(f"{kind}/{name}", values, way or "lower"))
    return metrics


def repetition(text: str) -> float:
    """The share of runs of four words that were there before; 0 for a text of fewer."""
    found = terms(text)
    runs = [tuple(found[i : i + _RUN]) for i in range(len(found) - _RUN + 1)]
    return 1 - len(set(runs)) / len(runs) if runs else 0.0


def _rewards(pairs: Sequence[Pair]) -> list[Metric]:
    return [
        mean_of("reward", _each(pairs, lambda j: j.verdict.reward), "higher"),
        mean_of("reward/rm", _each(pairs, lambda j: j.verdict.rm), "higher"),
        mean_of("reward/rules", _each(pairs, lambda j: j.verdict.rbr), "higher"),
    ]


def _faithfulness(pairs: Sequence[Pair]) -> list[Metric]:
    shown = [p for p in pairs if p.a.question.passages and p.b.question.passages]
    answerable = [p for p in shown if due(p) in ("answer", "comply")]
    return [
        share_of("groundedness", [(_grounded(p.a), _grounded(p.b)) for p in shown], "higher"),
        share_of("citation_rate", [(_cites(p.a), _cites(p.b)) for p in answerable], "higher"),
        mean_of("citation_accuracy", _each(shown, _citations_hold), "higher"),
        mean_of("citation_match", [(_matches(p, p.a), _matches(p, p.b)) for p in shown], "higher"),
    ]


def _closed(pairs: Sequence[Pair]) -> list[Metric]:
    """Against the reference, where an answer is due."""
    known = [(p, p.prompt.reference) for p in pairs if p.prompt.reference and due(p) == "answer"]
    same = [(exact_match(p.a.text, r), exact_match(p.b.text, r)) for p, r in known]
    shared = [(token_f1(p.a.text, r), token_f1(p.b.text, r)) for p, r in known]
    return [share_of("exact_match", same, "higher"), mean_of("f1", shared, "higher")]


def _form(pairs: Sequence[Pair]) -> list[Metric]:
    return [
        share_of("language_match", [(_same(p.a), _same(p.b)) for p in pairs], "higher"),
        mean_of("length", _each(pairs, lambda j: length_in_words(j.text)), "lower"),
        mean_of("repetition", _each(pairs, lambda j: repetition(j.text)), "lower"),
        share_of("empty", [(not p.a.text.strip(), not p.b.text.strip()) for p in pairs], "lower"),
    ]


def _each(
    pairs: Sequence[Pair], value: Callable[[Judged], float | None]
) -> list[tuple[float | None, float | None]]:
    return [(value(pair.a), value(pair.b)) for pair in pairs]


def _grounded(judged: Judged) -> bool | None:
    found = judged.verdict.propositions.get("grounded")
    return None if found is None else found >= 0.5


def _cites(judged: Judged) -> bool | None:
    """Refusals and abstentions have nothing to cite."""
    if judged.verdict.refuses or judged.verdict.abstains:
        return None
    return has_citation(judged.text)


def _citations_hold(judged: Judged) -> float | None:
    return citation_accuracy(judged.question, judged.text)


def _matches(pair: Pair, judged: Judged) -> float | None:
    if judged.verdict.refuses or judged.verdict.abstains:
        return None
    return citation_match(judged.question.passages, pair.prompt.cited, judged.text)


def _same(judged: Judged) -> bool | None:
    answer = Answer.of(judged.question.text, judged.text)
    grade = answers_in_user_language(judged.question, answer)
    return None if grade is None else grade.probability >= 0.5
