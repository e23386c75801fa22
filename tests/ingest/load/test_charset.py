"""Texts in the encodings that people's files are in, short and long."""

import pytest

from contract.errors import DocumentUnreadable
from ingest.load.charset import decode, decode_noted

UNICODE = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le")
TEXTS = {
    ("gb18030", "gbk", *UNICODE): (
        "请把会议资料送到三楼。",
        "未休年假可以结转到下一年，法定节假日另计。",
        "编号,姓名,部门\nE1,欧阳明,财务部\n",
    ),
    ("big5", *UNICODE): ("臺北市立圖書館舉辦讀書會，名額三十人。", "請假單"),
    ("cp932", "euc_jp", "iso2022_jp", *UNICODE): (
        "会議は四月十二日の午後三時から行います。",
        "お知らせ",
    ),
    ("cp949", *UNICODE): ("이번 주 금요일 오후 두 시에 회의가 열립니다.", "안녕하세요"),
    ("cp1252", *UNICODE): ("It is “quoted” – 5 € more", "naïve résumé façade", "5 °C ± 2"),
    ("latin-1", *UNICODE): ("Les élèves très pressés ont terminé le 3 août.",),
    ("cp1251", "koi8-r", "cp866", *UNICODE): ("Собрание жильцов состоится в среду.",),
}
CASES = [(name, text) for names, texts in TEXTS.items() for name in names for text in texts]


@pytest.mark.parametrize(("encoding", "text"), CASES)
@pytest.mark.parametrize("times", [1, 3000])
def test_the_encoding_is_found(encoding: str, text: str, times: int) -> None:
    text = "\n".join([text] * times)
    assert decode(text.encode(encoding)) == text


def test_one_line_in_another_encoding_far_down_is_read() -> None:
    content = b"Plain words.\n" * 20_000 + "The café’s bill was €40.".encode("cp1252")
    assert decode(content).endswith("The café’s bill was €40.")


def test_lines_in_two_encodings_are_both_read() -> None:
    content = "第一行用的是统一码。\n".encode() + "第二行的编码是国标。\n".encode("gbk")
    assert decode(content) == "第一行用的是统一码。\n第二行的编码是国标。\n"


def test_a_few_broken_bytes_are_replaced_and_counted() -> None:
    text = "员工每年享有二十七天年假，法定节假日另计。" * 4
    found, notes = decode_noted(text.encode() + b"\xff\xfe\xff" + text.encode()[:-1])
    assert text in found
    assert notes == ("4 characters could not be decoded and stand as \ufffd.",)


def test_what_a_page_declares_is_believed_if_it_fits() -> None:
    assert decode("Žluť".encode("cp1250"), "windows-1250") == "Žluť"
    assert decode("年假".encode("gbk"), "gb2312") == "年假"
    assert decode("年假二十七天".encode(), "iso-8859-1") == "年假二十七天"
    assert decode("请把会议资料送到三楼。".encode("gbk"), "utf-8") == "请把会议资料送到三楼。"
    assert decode("café".encode("cp1252"), "no-such-charset") == "café"


def test_zero_bytes_are_left_out() -> None:
    assert decode(b"one line\n" * 50 + b"\0" * 30 + b"another line").endswith("another line")
    assert "\0" not in decode(b"one line\0 another line")


def test_a_binary_is_no_text() -> None:
    with pytest.raises(DocumentUnreadable):
        decode(bytes(range(1, 32)) * 50)
