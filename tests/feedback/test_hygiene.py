"""What is taken out of an export, and that nothing else is."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from contract.errors import ConfigurationError
from contract.messages import Message
from contract.passage import Evidence, Passage
from feedback.export import export
from feedback.log import Log
from feedback.options import Hygiene, Options, Quality, Selection
from feedback.records import CompletionRecord
from plumbline import cli
from server.prompt import build_prompt
from tests.feedback.test_export import TOPICS
from tests.feedback.test_log import candidate, completion, feedback, write


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return Log(tmp_path / "log.sqlite")


@pytest.fixture
def run(log: Log, tmp_path: Path):
    """Export, and give the rows of all files and the card."""

    def export_to(
        kind: str = "sft", name: str = "out", **options: object
    ) -> tuple[list[dict], dict]:
        folder = tmp_path / name
        chosen = Options(**{"kind": kind, "validation": 0.0} | options)  # type: ignore[arg-type]
        export(log, folder, chosen, lambda *_: None)
        rows = [
            json.loads(line)
            for file in sorted(folder.glob("*.jsonl"))
            for line in file.read_text("utf-8").splitlines()
        ]
        return rows, json.loads((folder / "card.json").read_text())

    return export_to


def liked(log: Log, question: str, answer: str = "27 days.", **changes: object) -> CompletionRecord:
    """A turn whose answer somebody found good."""
    record = completion(question=question, **changes)
    best = replace(record.candidates[0], text=answer)
    record = replace(record, candidates=(best, *record.candidates[1:]))
    write(log, record, feedback(record.id, "rating", value=True))
    return record


def questions(rows: list[dict]) -> list[str]:
    return [row["prompt"][-1]["content"] for row in rows]


def answers(rows: list[dict]) -> list[str]:
    return [row["completion"][0]["content"] for row in rows]


@pytest.mark.parametrize(
    ("question", "again"),
    [
        ("How do I reset the pump in hall 3?", "hello, how do i reset the  pump in hall three"),
        ("How do I reset the pump in hall 3?", "How do I resett the pump in hall 3 ? (sent again)"),
        ("三号车间的水泵怎么重启？", "您好，请问三号车间的水泵怎么重起"),
        ("打印机连不上办公室的无线网络怎么办？", "打印机连不上办公室的无线网絡怎么办"),
    ],
)
def test_one_of_those_that_ask_the_same_stays(log: Log, run, question: str, again: str) -> None:
    liked(log, question)
    liked(log, again)
    rows, card = run()
    assert questions(rows) == [question]
    assert card["dropped_turns"] == {"it asks nearly the same as another turn": 1}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("How many days of annual leave do I get?", "How many days of sick leave do I get?"),
        ("Convert 100 EUR to USD", "Convert 100 USD to EUR"),
        ("Which files are deleted after 30 days?", "Which files are deleted after 90 days?"),
        ("Can I take the laptop home?", "Can I not take the laptop home?"),
        ("年假有多少天？", "病假有多少天？"),
        ("合同可以提前终止吗？", "合同不可以提前终止吗？"),
    ],
)
def test_those_that_look_alike_and_ask_something_else_stay(
    log: Log, run, one: str, other: str
) -> None:
    liked(log, one)
    liked(log, other)
    assert len(run()[0]) == 2


def test_of_those_that_ask_the_same_the_one_people_said_most_about_stays(log: Log, run) -> None:
    liked(log, "Who signs the travel form?", "Nobody knows.")
    better = liked(log, "who signs the travel form", "Your manager.")
    write(log, feedback(better.id, "rating", value=5, rater="ann"))
    assert answers(run()[0]) == ["Your manager."]


def test_a_person_is_heard_so_often_and_the_unknown_are_no_one_person(
    log: Log, run, tmp_path: Path
) -> None:
    for topic in TOPICS[:8]:
        liked(log, f"Where do I read about {topic}?", person="ann")
        liked(log, f"Who decides on {topic} here?", person="unknown")
    rows, card = run(hygiene=Hygiene(per_person=3))
    assert len(rows) == 3 + 8
    assert card["persons"] == {"persons": 1, "turns of unknown persons": 8}
    assert "not capped" in (tmp_path / "out" / "README.md").read_text()


PRIVATE = [
    "Write to jane.doe@example.org, please.",
    "My name is Ngozi Okafor and I need a badge.",
    "请联系王丽华女士，电话 13812345678。",
    "Send it to 14 Harbour View Road, Bristol BS1 4QD.",
    "收件地址：杭州市西湖区文三路 90 号 3 单元 502 室",
    "My card 4111 1111 1111 1111 was declined.",
    "身份证号是 11010519491231002X，请登记。",
    "I can't reach 10.20.30.40 from my machine.",
]


@pytest.mark.parametrize("text", PRIVATE)
def test_rows_with_personal_data_are_left_out_unless_they_are_wanted(
    log: Log, run, text: str
) -> None:
    liked(log, text, "I have passed it on.")
    liked(log, "What is on the menu today?", text)
    assert run()[0] == []
    assert len(run(name="kept", hygiene=Hygiene(pii="keep"))[0]) == 2
    rows, card = run(name="masked", hygiene=Hygiene(pii="redact"))
    assert len(rows) == 2 and card["personal_data"]
    shown = json.dumps(rows, ensure_ascii=False)
    for secret in (
        "jane.doe",
        "Okafor",
        "王丽华",
        "138123",
        "Harbour",
        "文三路",
        "4111",
        "110105",
        "10.20.",
    ):
        assert secret not in shown


def test_a_passage_is_masked_in_each_prompt_that_shows_it_and_nothing_else_of_them(
    log: Log, run
) -> None:
    """A number alone is a telephone where the passage's source says so."""
    texts = ("020 7946 0958 is reception.", "Leave is 27 days.\nRegards,", "Anna is a town.")
    passages = tuple(
        Passage(n, "d", "d.md", "Telephones", "", None, 0, 0, len(text), text, 1.0)
        for n, text in enumerate(texts, 1)
    )
    prompts = []
    for question in ("Who opens the gate?", "When do lunches begin?"):
        asked = Message(role="user", content=question)
        prompts.append(build_prompt([asked], Evidence(question, "en", passages)).messages)
        liked(log, question, prompt=list(prompts[-1]))
    rows, card = run(hygiene=Hygiene(pii="redact"))
    assert card["personal_data"] == {"phone": 2}
    for row, prompt in zip(rows, prompts, strict=True):
        masked = prompt[-1]["content"].replace("020 7946 0958", "[PHONE]")
        assert row["prompt"][-1]["content"] == masked


def test_numbers_that_are_nobodys_stay(log: Log, run) -> None:
    liked(log, "Is order 4111-2222-3333-4444 for part no. 020-7946-0958 version 10.2.3.4 sent?")
    assert len(run()[0]) == 1


def test_prompts_of_an_evaluation_are_not_trained_on(log: Log, run, tmp_path: Path) -> None:
    liked(log, "how many days of parental leave do i get")
    liked(log, "Where is the nearest printer?")
    file = tmp_path / "eval.jsonl"
    file.write_text('{"question": "How many days of parental leave do I get?"}\n')
    rows, card = run(hygiene=Hygiene(evaluation=(file,)))
    assert questions(rows) == ["Where is the nearest printer?"]
    assert card["dropped_turns"] == {"its prompt is one of an evaluation": 1}


@pytest.mark.parametrize("content", ["", '{"id": 3}\n', "not json\n"])
def test_an_evaluation_file_without_prompts_is_said(run, tmp_path: Path, content: str) -> None:
    file = tmp_path / "eval.jsonl"
    file.write_text(content)
    with pytest.raises(ConfigurationError, match=r"eval\.jsonl"):
        run(hygiene=Hygiene(evaluation=(file,)))


def test_refusals_are_not_taught_alone(log: Log, run) -> None:
    for number, topic in enumerate(TOPICS * 2):
        record = completion(question=f"Where do I find the rules on {topic}, part {number}?")
        refusing = replace(
            candidate(record.id, 0, f"I won't talk about {topic}.", 2.0, served=True),
            judgement={"compliance": {"full_refusal": 0.99}},
        )
        helping = replace(
            candidate(record.id, 1, f"They are in {topic}.md.", 0.0),
            judgement={"compliance": {"full_refusal": 0.01}},
        )
        write(log, replace(record, candidates=(refusing, helping)))
        ids = {"preferred_id": refusing.id, "rejected_id": helping.id}
        write(log, feedback(record.id, "pair", **ids))
    rows, card = run("dpo")
    assert len(rows) == 20, "only so many as a hand-made set may hold"
    assert card["dropped_rows"] == {"refusals out of balance": 20}
    assert card["refusals"] == {"rows that teach to refuse": 20}
    assert len(run("dpo", "all", hygiene=None)[0]) == 40


def test_answers_to_imitate_are_chosen_by_length_language_and_reward(log: Log, run) -> None:
    liked(log, "What is the wifi called?", "Yes.")
    liked(log, "What is the guest wifi called?", "网络的名字是 guest。")
    liked(
        log,
        "How does one print in colour?",
        "Choose the colour tray in the dialogue of the printer.",
    )
    rows, card = run(quality=Quality(characters=(6, 500), same_language=True))
    assert questions(rows) == ["How does one print in colour?"]
    assert card["dropped_rows"] == {"the answer's language": 1, "the answer's length": 1}
    assert run(name="good", quality=Quality(min_reward=9.0))[0] == []


def test_prompts_that_are_not_novel_are_left_out_on_request(log: Log, run) -> None:
    liked(log, "Write a friendly letter to the tenants about the noisy repair of the lift in March")
    liked(log, "Write a friendly letter to the tenants about the noisy repair of the roof in April")
    liked(log, "Which bus stops at the harbour?")
    assert len(run()[0]) == 3
    rows, card = run(name="novel", quality=Quality(novelty=0.7))
    assert len(rows) == 2
    assert card["dropped_turns"] == {"its prompt is not novel": 1}


def test_a_selection_covers_what_was_asked(log: Log, run) -> None:
    for way in ("request", "cancel", "extend", "split", "shorten", "postpone"):
        liked(log, f"How do I {way} my annual leave in summer?")
    liked(log, "Which bolts hold the pump to its base plate?")
    liked(log, "水泵的密封圈多久换一次？")
    rows, _ = run(quality=Quality(select=3))
    assert len(rows) == 3
    assert {q for q in questions(rows) if "leave" not in q} == {
        "Which bolts hold the pump to its base plate?",
        "水泵的密封圈多久换一次？",
    }


def test_turns_are_selected_by_time_policy_collection_and_label(log: Log, run) -> None:
    liked(log, "Old?", created=10.0)
    liked(log, "Other policy?", policy_version="q")
    liked(log, "Other documents?", collection="b")
    liked(log, "Secret?", labels=[["staff"]], created=2.0)
    selected = {
        "Old?": Selection(since=5.0),
        "Other policy?": Selection(policies=("q",)),
        "Other documents?": Selection(collections=("b",)),
        "Secret?": Selection(labels=("staff", "board")),
    }
    for name, (question, selection) in enumerate(selected.items()):
        assert questions(run(name=str(name), selection=selection)[0]) == [question]
    open_to_all = run(name="open", selection=Selection(until=5.0, without_labels=("staff",)))[0]
    assert questions(open_to_all) == ["Other policy?", "Other documents?"]


def test_a_person_is_in_one_file_only(log: Log, run, tmp_path: Path) -> None:
    for number, topic in enumerate(TOPICS):
        for way in ("explains", "changes"):
            liked(log, f"Who {way} the rules on {topic}?", person=f"person {number}")
    run(validation=0.4)
    files = {
        name: (tmp_path / "out" / f"{name}.jsonl").read_text() for name in ("train", "validation")
    }
    for topic in TOPICS:
        assert (f" {topic}?" in files["train"]) != (f" {topic}?" in files["validation"])


def test_raters_can_be_kept_apart_and_are_not_named(log: Log, run, tmp_path: Path) -> None:
    for number, topic in enumerate(TOPICS):
        record = completion(question=f"Who wrote the page on {topic}?")
        rater = f"rater{number % 6}@example.org"
        write(log, record, feedback(record.id, "correction", correction="Ann did.", rater=rater))
    run("dpo", validation=0.5, split_by="rater")
    texts = [(tmp_path / "out" / f"{name}.jsonl").read_text() for name in ("train", "validation")]
    raters = [{json.loads(line)["rater"] for line in text.splitlines()} for text in texts]
    assert raters[0] and raters[1] and not raters[0] & raters[1]
    assert "@" not in texts[0] + texts[1]


def test_the_card_says_how_far_raters_agree(log: Log, run) -> None:
    for number, topic in enumerate(TOPICS[:4]):
        record = completion(question=f"Who wrote the page on {topic}?")
        first, second = (c.id for c in record.candidates)
        write(log, record)
        for rater, better, worse in (
            ("a", first, second),
            ("b", *((first, second) if number else (second, first))),
        ):
            write(
                log,
                feedback(record.id, "pair", preferred_id=better, rejected_id=worse, rater=rater),
                feedback(record.id, "rating", value=5 if better == first else 1, rater=rater),
            )
    agreement = run("dpo")[1]["rater_agreement"]
    assert agreement["preferences_compared"] == 4
    assert agreement["preferences_agreeing"] == 0.75
    assert agreement["ratings_compared"] == 8
    assert agreement["ratings_alpha"] == 0.0


def test_equal_places_of_a_ranking_are_no_preference(log: Log, run) -> None:
    record = completion()
    three = [candidate(record.id, n, text, float(-n)) for n, text in enumerate("abc")]
    write(log, replace(record, candidates=tuple(three)))
    ids = [c.id for c in three]
    write(log, feedback(record.id, "ranking", ranking=[ids[0], [ids[1], ids[2]]]))
    rows, _ = run("rm")
    pairs = [(r["chosen"][0]["content"], r["rejected"][0]["content"]) for r in rows]
    assert pairs == [("a", "b"), ("a", "c")]
    assert [row["weight"] for row in rows] == [0.5, 0.5]


def test_every_losing_candidate_is_there_with_its_scores(log: Log, run) -> None:
    record = completion()
    bad = replace(
        candidate(record.id, 2, "You idiot.", -3.0),
        judgement={"violations": ["insulting_language"]},
    )
    write(log, replace(record, candidates=(*record.candidates, bad)))
    rows, _ = run("dpo", sources=("judge",))
    assert [(r["rejected"][0]["content"], r["rejected_reward"]) for r in rows] == [
        ("Many days.", 0.5),
        ("You idiot.", -3.0),
        ("You idiot.", -3.0),
    ]
    assert {row["rejected_violations"] for row in rows} == {"", "insulting_language"}
    (row,), _ = run("grpo", "grpo", sources=("judge",))
    assert [c["reward"] for c in row["candidates"]] == [2.0, 0.5, -3.0]


def test_openais_file_has_its_columns_only_and_one_source(log: Log, run) -> None:
    record = completion()
    write(log, record, feedback(record.id, "correction", correction="Twenty-seven."))
    (row,), _ = run("openai-dpo")
    assert set(row) == {"input", "preferred_output", "non_preferred_output"}
    assert row["input"]["messages"] == record.prompt
    with pytest.raises(ConfigurationError, match="two folders"):
        run("openai-dpo", "both", sources=("human", "judge"))


def test_turns_with_tools_or_pictures_are_left_out(log: Log, run) -> None:
    call = {"role": "assistant", "content": None, "tool_calls": [{"id": "1"}]}
    liked(log, "Book it", prompt=[{"role": "user", "content": "Book it"}, call])
    liked(log, 'What does "tool_calls": mean in JSON?')
    rows, card = run()
    assert questions(rows) == ['What does "tool_calls": mean in JSON?']
    assert card["dropped_turns"] == {"there are tools or pictures in it": 1}


def test_few_shot_examples_of_one_instruction_are_in_one_file(
    log: Log, run, tmp_path: Path
) -> None:
    for number, topic in enumerate(TOPICS):
        for part in ("first", "second"):
            record = completion(
                id=f"import-{number:031x}{'12'[part == 'second']}",
                question=f"Name the {part} thing that comes to mind about {topic}.",
                reply={"metadata": {"few_shot_set": topic}, "choices": []},
                decision="import",
            )
            write(log, record, feedback(record.id, "correction", correction="Paper."))
    run(validation=0.5)
    files = [(tmp_path / "out" / f"{name}.jsonl").read_text() for name in ("train", "validation")]
    for topic in TOPICS:
        assert (f" {topic}." in files[0]) != (f" {topic}." in files[1])


def test_what_is_public_is_no_secret_and_the_card_says_where_a_secret_stood(log: Log, run) -> None:
    liked(log, "Whom do I tell about a stolen laptop?", "Write to security@firm.example.")
    liked(log, "Who keeps the spare keys?", "Ask ann.mole@home.example.")
    liked(log, "Can you reach me on 0113 496 0000?", "No.")
    rows, card = run(hygiene=Hygiene(public=("@FIRM.example",)))
    assert questions(rows) == ["Whom do I tell about a stolen laptop?"]
    assert card["dropped_rows"] == {
        "personal data in an answer": 1,
        "personal data in the prompt or its passages": 1,
    }


def test_the_command_says_what_is_missing_and_what_contradicts(log: Log, tmp_path: Path) -> None:
    liked(log, "Where do visitors park?")
    log.close()

    def command(*arguments: str) -> tuple[int, str]:
        place = ["--data-dir", str(tmp_path), "--out", str(tmp_path / "out")]
        result = CliRunner().invoke(cli, ["export", "sft", *place, *arguments])
        return result.exit_code, result.output

    code, said = command("--validation", "0.01")
    assert code == 0 and "no validation.jsonl" in said
    code, said = command("--policy", "none")
    assert code == 0 and "No turn was selected" in said
    code, said = command("--no-hygiene", "--pii", "redact")
    assert code == 2 and "--pii can't be asked for beside it" in said
    code, said = command("--min-grade", "4")
    assert code == 2 and "--model-url" in said
