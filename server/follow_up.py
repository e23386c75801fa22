"""Follow-up questions: "And is it paid?" can't be searched for alone."""

from __future__ import annotations

import re

from text.terms import content_terms

# With fewer content terms than this a question names no topic of its own.
_TOPIC_TERMS = {"en": 3, "zh": 4}

_OPENS_BACK = re.compile(
    r"^\s*(?:and|but|so|what about|how about|what if|why|also|then)\b|^\s*(?:那么?|那|还有|如果|另外|后来|然后|为什么)"
    r"|呢\W*$|\b(?:it|its|they|them|those|that one|this one|there)\b|(?:它|这个|那个|其中|上述|前者|后者|该)",
    re.IGNORECASE,
)


def refers_back(question: str) -> bool:
    """Does a question lean on what was said before?

    It does if it opens like a follow-up or holds a pronoun, and is short.
    """
    found = content_terms(question)
    language = "zh" if any(len(term) <= 2 and not term.isascii() for term in found) else "en"
    if len(found) < _TOPIC_TERMS[language]:
        return True
    return len(found) < 3 * _TOPIC_TERMS[language] and bool(_OPENS_BACK.search(question))
