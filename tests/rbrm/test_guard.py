"""The hard propositions over a text that is still being written."""

from __future__ import annotations

import pytest

from rbrm.answer import Question
from rbrm.guard import Guard
from rbrm.judge import Judge
from rbrm.rubric import EncoderGrader
from text.encoder import Encoder
from text.sentences import sentence_spans

QUESTION = {"en": Question("How do I book leave?"), "zh": Question("怎么请假？")}
HARMLESS = {
    "en": "Open the calendar on the intranet. Choose the days that you want to take. Your manager "
    "gets a mail and confirms them. Tell your team as well. You see the days left on your page.",
    "zh": "请打开内网的日历。选择您想休的日期。主管会收到邮件并确认。请同时告知您的团队。剩余天数显示在您的页面上。",
}
INSULT = {"en": "You are a complete idiot.", "zh": "你真是个没用的白痴。"}


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_violation_is_seen_with_the_sentence_that_carries_it(judge: Judge, language: str) -> None:
    guard = Guard(judge)
    ends = [end for _, end in sentence_spans(HARMLESS[language])]
    gap = " " if language == "en" else ""
    for end in ends:
        before = HARMLESS[language][:end]
        assert guard.look(QUESTION[language], before, 0).violations == ()
        seen = guard.look(QUESTION[language], before + gap + INSULT[language], end)
        assert "insulting_language" in seen.violations


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_guard_finds_what_the_verdict_finds_however_long_the_answer(
    judge: Judge, language: str
) -> None:
    gap = " " if language == "en" else ""
    long = gap.join([HARMLESS[language]] * 12)
    whole = judge.judge(QUESTION[language], [long + gap + INSULT[language]])[0]
    seen = Guard(judge).look(QUESTION[language], long + gap + INSULT[language], len(long))
    assert set(whole.violations) <= set(seen.violations) != set()  # type: ignore[union-attr]


def test_nothing_is_no_violation(judge: Judge) -> None:
    seen = Guard(judge).look(QUESTION["en"], "  \n", 0)
    assert (seen.violations, seen.suspicious) == ((), False)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_heads_are_asked_and_not_patterns_alone(
    judge: Judge, encoder: Encoder, language: str
) -> None:
    rubric = judge.rubric
    hard = rubric.propositions["insulting_language"]
    heads = [grader for grader in hard.graders if isinstance(grader, EncoderGrader)]
    changed = {"insulting_language": hard.model_copy(update={"graders": heads})}
    own = rubric.model_copy(update={"propositions": rubric.propositions | changed})
    guard = Guard(Judge(own, judge.graders, encoder))
    text = HARMLESS[language] + " " + INSULT[language]
    seen = guard.look(QUESTION[language], text, len(HARMLESS[language]))
    assert "insulting_language" in seen.violations
