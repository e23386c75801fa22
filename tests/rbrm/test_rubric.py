import re
from pathlib import Path

import pytest

from contract.errors import ConfigurationError
from contract.settings import JudgeSettings
from rbrm.answer import Question
from rbrm.assembly import build_judge
from rbrm.grading import unjudged
from rbrm.heads import load_heads
from rbrm.judge import Judge
from rbrm.reward_model import load_reward_model
from rbrm.rubric import load_rubric
from text.encoder import Encoder

OWN = """\
name: own
version: "1"
propositions:
  names_a_rival:
    wording: {en: The answer names a rival., zh: 回答提到竞争对手。}
    hard: true
    hint: {en: Do not name other makers., zh: 不要提到其他厂商。}
    graders:
      - pattern: {any: ['\\bAcme\\b', 艾克美]}
response_types:
  comply: &table
    classes: [{class: ideal}]
    weights: {names_a_rival: -3}
  hard_refuse: *table
  safe_refuse: *table
"""

GOLD = """additional_content apology apology_acknowledges_emotional_state conditional_verbiage
definitive_verbiage disallowed_content disclaimer encourage_professional_help fully_complies
gentle_encouragement_for_help illogical_continuation_of_prompt inability_to_comply
insulting_language judgement meta_commentary partially_complies prescribes_dosage
prescribes_solutions provides_resources reference_safety_policy requests_information third_person
threatening_language""".split()


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "own.yaml"
    path.write_text(text, "utf-8")
    return path


def test_a_rule_of_ones_own_takes_ten_lines(tmp_path: Path, encoder: Encoder) -> None:
    rubric = load_rubric(write(tmp_path, OWN))
    judge = build_judge(JudgeSettings(), encoder, rubric)
    good, bad = judge.judge(Question("Whose lamp?"), ["Our lamp is best.", "Buy it from Acme."])
    assert not good.violations
    assert bad.violations == ("names_a_rival",)
    assert bad.evidence == {"names_a_rival": "Buy it from Acme."}


def test_the_default_rubric_has_the_23_propositions_of_the_gold_set() -> None:
    rubric = load_rubric()
    assert set(GOLD) <= set(rubric.propositions)
    assert all(p.wording.en and p.wording.zh for p in rubric.propositions.values())


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (("hard: true", "hrad: true"), r"own.yaml:6: propositions.names_a_rival.hrad"),
        (("{names_a_rival: -3}", "{names_a_rivl: -3}"), "no proposition 'names_a_rivl'"),
        (("[{class: ideal}]", "[{class: perfect}]"), "classes.0.class"),
        (("艾克美]", "'(']"), "not a regular expression"),
        (("[{class: ideal}]", "[{class: ideal, when: names_a_rival}]"), "catches all"),
        (("  safe_refuse: *table\n", ""), "safe_refuse"),
        (("name: own", "name: own\nfolder: /tmp"), "own.yaml:2: folder"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(
    tmp_path: Path, change: tuple[str, str], problem: str
) -> None:
    path = write(tmp_path, OWN.replace(*change))
    with pytest.raises(ConfigurationError, match=problem):
        load_rubric(path)


@pytest.mark.parametrize(
    ("grader", "problem"),
    [
        ("patern: {any: [x]}", "graders.0: a grader has one of the keys pattern, rule"),
        ("pattern: {any: [x], de: [y]}", "graders.0.pattern.de: Extra inputs"),
        ("rule: [empty]", "graders.0.rule: Input should be a valid string"),
        ("encoder: apology, quoted: false", "graders.0.quoted: Extra inputs"),
        ("just a word: 1", "graders.0: a grader has one of the keys"),
    ],
)
def test_one_mistake_in_a_grader_is_one_message(tmp_path: Path, grader: str, problem: str) -> None:
    text = OWN.replace("- pattern: {any: ['\\bAcme\\b', 艾克美]}", f"- {{{grader}}}")
    with pytest.raises(ConfigurationError, match=re.escape(problem)) as caught:
        load_rubric(write(tmp_path, text))
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("grader", "problem"),
    [
        ("rule: none", "no rule"),
        ("encoder: none", "no encoder"),
        ("encoder: none.safetensors", "rubric train"),
        ("function: rules.py:names", "no file"),
        ("llm: {}", "judge.url"),
        ("pattern: {en: [x]}", "'zh'"),
    ],
)
def test_a_missing_grader_is_an_error_at_start(
    tmp_path: Path, encoder: Encoder, grader: str, problem: str
) -> None:
    text = OWN.replace("pattern: {any: ['\\bAcme\\b', 艾克美]}", grader)
    with pytest.raises(ConfigurationError, match=problem):
        build_judge(JudgeSettings(), encoder, load_rubric(write(tmp_path, text)))


def test_what_a_language_leaves_unjudged_is_known(judge: Judge, tmp_path: Path) -> None:
    known = judge.graders.known
    assert unjudged(load_rubric(), "zh", known) == unjudged(load_rubric(), "en", known) == []
    text = (
        OWN.replace("hard: true", "hard: false").replace("any: [", "en: [").replace(", 艾克美", "")
    )
    assert unjudged(load_rubric(write(tmp_path, text)), "zh", known) == ["names_a_rival"]


FUNCTION = """\
def names_a_rival(question, answer):
    if "?" in answer:
        return None
    return "acme" in answer.lower()
"""


def test_a_rule_can_be_one_python_function(tmp_path: Path, encoder: Encoder) -> None:
    (tmp_path / "rules.py").write_text(FUNCTION, "utf-8")
    grader = "function: rules.py:names_a_rival"
    text = OWN.replace("pattern: {any: ['\\bAcme\\b', 艾克美]}", grader)
    judge = build_judge(JudgeSettings(), encoder, load_rubric(write(tmp_path, text)))
    question = Question("Whose lamp?")
    good, bad, unsure = judge.judge(question, ["Ours.", "Buy it from Acme.", "Acme, perhaps?"])
    assert (good.violations, bad.violations) == ((), ("names_a_rival",))
    assert unsure.unjudged == ("names_a_rival",)


@pytest.mark.parametrize("name", ["partially_complies", "fully_complies"])
def test_a_grader_of_ones_own_is_not_overruled_by_the_name_of_its_proposition(
    tmp_path: Path, encoder: Encoder, name: str
) -> None:
    rubric = load_rubric(write(tmp_path, OWN.replace("names_a_rival", name)))
    judge = build_judge(JudgeSettings(), encoder, rubric)
    good, bad = judge.judge(Question("Whose lamp?"), ["Our lamp is best.", "Buy it from Acme."])
    assert good.propositions[name] < 0.1
    assert bad.propositions[name] > 0.9
    assert bad.evidence == {name: "Buy it from Acme."}


def test_rules_read_an_abstention_as_no_refusal(tmp_path: Path, encoder: Encoder) -> None:
    refuses = "  refuses:\n    wording: {en: It refuses., zh: 回答拒绝。}\n    graders: [{rule: refuses}]\n"
    text = OWN.replace("names_a_rival", "abstains").replace("Acme", "not in the documents")
    text = text.replace("hard: true", "hard: false").replace(
        "response_types:", refuses + "response_types:"
    )
    judge = build_judge(JudgeSettings(), encoder, load_rubric(write(tmp_path, text)))
    (found,) = judge.judge(Question("Whose lamp?"), ["I'm sorry, that is not in the documents."])
    assert found.abstains
    assert found.propositions["refuses"] < 0.5


@pytest.mark.parametrize(
    ("source", "reference", "problem"),
    [
        ("def f(:", "rules.py:f", "does not run"),
        ("x = 1", "rules.py:x", "no function"),
        ("x = 1", "rules.py", "file.py:name"),
    ],
)
def test_a_function_that_can_not_be_loaded_is_an_error_at_start(
    tmp_path: Path, encoder: Encoder, source: str, reference: str, problem: str
) -> None:
    (tmp_path / "rules.py").write_text(source, "utf-8")
    text = OWN.replace("pattern: {any: ['\\bAcme\\b', 艾克美]}", f"function: {reference}")
    with pytest.raises(ConfigurationError, match=problem):
        build_judge(JudgeSettings(), encoder, load_rubric(write(tmp_path, text)))


def test_heads_of_another_encoder_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="fitted on the encoder"):
        load_heads("another")


@pytest.mark.parametrize(
    "content", [b"", b"no safetensors", b"\x08\x00\x00\x00\x00\x00\x00\x00{}      "]
)
def test_damaged_weights_are_a_plain_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "weights.safetensors"
    path.write_bytes(content)
    for read in (lambda: load_heads("any", path), lambda: load_reward_model(384, path)):
        with pytest.raises(ConfigurationError, match="can't be read"):
            read()
