import pytest

from text.personal_data import personal_data


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("Write to jane.doe+news@mail.example.co.uk today.", ["mail"]),
        ("电话 138-0013-8000，座机 010-62345678。", ["phone", "phone"]),
        ("Call +49 30 1234567 or (212) 555-0187.", ["phone", "phone"]),
        ("身份证 11010519491231002X 有效", ["id_number"]),
        ("身份证 110105194912310021 无效", []),
        ("SSN 123-45-6789", ["id_number"]),
        ("Card 4111-1111-1111-1111", ["card"]),
        ("Order 1234567890123456", []),
        ("IBAN DE89 3704 0044 0532 0130 00", ["account"]),
        ("IBAN DE88 3704 0044 0532 0130 00", []),
        ("Room 2048, floor 12, 27 days, version 3.11.7, 2026-11-21", []),
    ],
)
def test_what_has_the_form_of_personal_data_is_found(text: str, kinds: list[str]) -> None:
    found = personal_data(text)
    assert [datum.kind for datum in found] == kinds
    assert all(text[datum.start : datum.end].strip() for datum in found)
