import pytest

from text.language import language_of, reply_language


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("How many days?", "en"),
        ("年假有几天？", "zh"),
        ("VPN 怎么申请？", "zh"),
        ("What does 年假 mean in our leave policy?", "en"),
        ("こんにちは世界", "other"),
        ("12345", "other"),
        ("", "other"),
    ],
)
def test_the_script_decides(text: str, language: str) -> None:
    assert language_of(text) == language


def test_a_text_without_letters_is_answered_in_the_default() -> None:
    assert reply_language("42?", default="zh") == "zh"
