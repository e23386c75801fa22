"""Names of persons, where the sentence itself shows that they are names.

A title ("Dr Okafor", "王女士"), an introduction ("my name is …", "我叫…"), a label or a column of a table
("Patient: …", "姓名：…"), a greeting and a signature. A bare name in running text can't be told from other
words by rule, and is not found.
"""

from __future__ import annotations

from text.names.chinese import chinese_names
from text.names.english import Span, english_names
from text.names.tables import names_in_tables


def person_names(text: str) -> list[Span]:
    """The spans of names, without titles; they may overlap."""
    return [*names_in_tables(text), *english_names(text), *chinese_names(text)]
