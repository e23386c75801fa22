from text.terms import content_terms, terms


def test_english_words_lose_their_endings_and_stop_words() -> None:
    assert terms("The managers' approvals are needed") == terms("manager approval need")


def test_chinese_becomes_characters_and_pairs() -> None:
    assert {"年", "假", "年假", "结转"} <= set(terms("年假可以结转"))


def test_full_width_and_half_width_are_the_same() -> None:
    assert terms("ＶＰＮ１２") == terms("vpn12")


def test_question_words_carry_nothing() -> None:
    assert content_terms("请问年假有多少天？") == ["年", "假", "有", "年假", "假有", "天"]
    assert content_terms("How many days do I get?") == content_terms("many days")


def test_terms_hold_letters_and_digits_only() -> None:
    for term in terms('a"b\' OR 1=1; -- NEAR(x) * ^ {col}: 年"假'):
        assert term.isalnum()


def test_a_code_is_one_term_with_a_dash_or_without() -> None:
    assert "e1042" in terms("Fault E-1042") and "e1042" in terms("Fault e1042")
    assert terms("E-1042")[:2] == ["e", "1042"]
