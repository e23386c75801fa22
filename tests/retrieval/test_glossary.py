from pathlib import Path

import pytest

from contract.errors import ConfigurationError
from contract.settings import RetrievalSettings
from ingest.build import Ingest
from retrieval.glossary import read_glossary
from retrieval.retrieve import Retriever
from text.encoder import Encoder

LINES = "# our own words\nPTO = paid time off, annual leave\n年终奖 = 十三薪，年底奖金\n"


def written(folder: Path, text: str) -> Path:
    path = folder / "glossary.txt"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_term_is_found_as_a_whole_word_in_both_languages(tmp_path: Path) -> None:
    glossary = read_glossary(written(tmp_path, LINES))
    assert glossary.definitions("How much PTO is left?") == ("PTO = paid time off, annual leave",)
    assert glossary.definitions("Is paid  time off taxed?")
    assert not glossary.definitions("Take a laptop.")
    assert glossary.definitions("今年的年终奖什么时候发？") == ("年终奖 = 十三薪, 年底奖金",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("PTO = leave\n\nnonsense\n", "line 3: write `term = synonym"),
        ("PTO =\n", "line 1: write"),
        ("= leave\n", "line 1: write"),
        ("PTO = leave\npto = holiday\n", "line 2: 'pto' stands in line 1 too"),
        ("the = a word\n", "line 1: each name needs a word"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        read_glossary(written(tmp_path, text))


def test_a_missing_file_is_an_error_at_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="retrieval.glossary"):
        read_glossary(tmp_path / "none.txt")


def test_a_synonym_finds_what_the_question_words_differently(
    tmp_path: Path, encoder: Encoder
) -> None:
    documents = tmp_path / "documents"
    documents.mkdir()
    (documents / "pay.txt").write_text("十三薪随一月工资发放。", "utf-8")
    for i in range(12):
        (documents / f"other{i}.txt").write_text(
            f"第{i}条：差旅费每年报销，年终盘点另行通知。", "utf-8"
        )
    Ingest(tmp_path / "index", encoder, RetrievalSettings()).run([documents], "default")
    question = "年终奖什么时候到账？"
    plain = Retriever(tmp_path / "index", encoder, RetrievalSettings())
    assert not plain.search(question)[0].chunk.document.endswith("pay.txt")
    settings = RetrievalSettings(glossary=written(tmp_path, LINES))
    taught = Retriever(tmp_path / "index", encoder, settings)
    evidence = taught.retrieve(question)
    assert evidence.passages[0].document.endswith("pay.txt")
    assert evidence.definitions == ("年终奖 = 十三薪, 年底奖金",)
