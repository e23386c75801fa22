"""Names of persons, where the text shows that they are names.

A title ("Dr Okafor", "王女士"), an introduction ("my name is …", "我叫…"), a label or a column of a table
("Patient: …", "姓名：…"), a greeting and a signature; a relation, an office or a verb of people beside it; personal
data beside it; a given and a family name that are known as such. A single name in running text can't be told from other
words by rule, and is not found.
"""

from __future__ import annotations

from collections.abc import Sequence

from text.names import chinese_cues, english_cues
from text.names.chinese import chinese_names
from text.names.english import Span, english_names
from text.names.tables import names_in_tables


def person_names(text: str, data: Sequence[Span] = (), mails: Sequence[str] = ()) -> list[Span]:
    """The spans of names, without titles; they may overlap.

    Args:
        data: spans of other personal data in the text.
        mails: the addresses of mail among them.
    """
    return [
        *names_in_tables(text),
        *english_names(text),
        *chinese_names(text),
        *english_cues.names_by_cues(text, data, mails),
        *chinese_cues.names_by_cues(text, data),
    ]
