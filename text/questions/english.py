"""English questions in the form in which they are compared.

What is left of a question is what it asks for (how long, who, what price …) and its words in order, as stems,
without those that only make it a sentence. Whatever could change its sense stays: numbers, codes, names,
negation, prepositions of direction, every word that is not known to mean the same as another.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import snowballstemmer

_STEMMER = snowballstemmer.stemmer("english")
_WORD = re.compile(r"[^\W_]+(?:[.,:/'+#&@-]+[^\W_]+)*[+#%@]*|[$€£¥%]", re.UNICODE)

# "IT" is no "it", and "Building A" no building: what is written in capitals is a name.
_SHOUTED = re.compile(r"(?<=\S )(?:A|[A-Z]{2,})(?![\w'-])")
_HELPED = re.compile(r"\b(?:do|does|did)\b")

_CONTRACTIONS = (
    (re.compile(r"\bcan't\b|\bcannot\b"), "can not"),
    (re.compile(r"\bwon't\b"), "will not"),
    (re.compile(r"n't\b"), " not"),
    (re.compile(r"\b(what|who|where|when|how|it|that|there)'s\b"), r"\1 is"),
    (re.compile(r"\bi'm\b"), "i am"),
    (re.compile(r"'(?:ve|re|ll|d|m)\b"), ""),
)
_POLITE = re.compile(
    r"^(?:(?:hi|hello|hey|please|excuse me|quick question|good (?:morning|afternoon|evening))\b[\s,:.!-]*"
    r"|(?:could|can|would|will) you (?:please |kindly )?(?:tell|show|explain to|let) me (?:know )?"
    r"|(?:please )?(?:tell|show) me |i(?: would| 'd)? (?:like|want|need) to know |i wonder "
    r"|do you know |i was wondering )+"
)
_THANKS = re.compile(r"[\s,.!?]*(?:please|thanks|thank you)[\s,.!?]*$")
# "During probation, how long …": what stands in front of the question goes to its end.
_FRONTED = re.compile(
    r"^((?:in|on|at|over|during|for|after|before|within|under|with|without)\b[^,?]{1,60}),\s*(?=\w+ \w+)(.+)$"
)

# What a question asks for, however it says so; the first that fits is taken out of it.
_ASPECTS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (name, re.compile(pattern))
    for name, pattern in (
        (
            "%frequency",
            r"\bhow often (?:is|are|do|does)\b|\bwhat is the (?:interval|frequency) of\b",
        ),
        (
            "%price",
            r"\bhow much (?:does|do) (?P<w>.+?) cost\b|\bwhat (?:does|do) (?P<x>.+?) cost\b",
        ),
        ("%price", r"\b(?:what is|what are) the (?:price|cost|costs) of\b"),
        (
            "%price",
            r"\bhow much (?:is|are) (?=(?:a|an|the) [^?]+$)(?!.*(?:paid|allowed|due|left|taken))",
        ),
        ("%warranty", r"\bhow long is the (?:warranty|guarantee) (?:on|of|for)\b"),
        ("%warranty", r"\bwhat is the (?:warranty|guarantee) (?:period|time|term) (?:on|of|for)\b"),
        ("%color", r"\b(?:what|which) colou?r (?:is|are)\b|\bwhat is the colou?r of\b"),
        ("%deadline", r"\b(?:by when|until when|what is the deadline (?:for|to))\b"),
        ("%length", r"\bhow long (?:is|are)\b|\bwhat is the (?:length|duration) of\b"),
        ("%count", r"\bhow many\b"),
        ("%amount", r"\bhow much\b"),
        ("%often", r"\bhow often\b"),
        ("%long", r"\bhow long\b"),
        ("%far", r"\bhow (?:far|old|big|large|high|tall|heavy|fast|deep|wide|hot|cold)\b"),
        ("%who", r"\bwhom\b|\bwho\b"),
        ("%whose", r"\bwhose\b"),
        ("%when", r"\b(?:at )?(?:what|which) time\b|\bwhen\b"),
        ("%where", r"\bwhere\b"),
        ("%why", r"\bwhy\b|\bwhat is the reason (?:for|why)\b"),
        ("%how", r"\bhow\b|\bin what way\b|\bwhat is the (?:way|procedure) (?:to|for)\b"),
        ("%what", r"\bwhat\b|\bwhich\b"),
        ("%whether+may", r"^%may\b|^(?:is|are) (?=.*%may)"),
        (
            "%whether",
            r"^(?:is|are|do|does|am)\b|^(?=(?:was|were|did|can|must|should|will|has|have|%must)\b)",
        ),
    )
)
# How old, how big: the word itself says what.
_SAYS_ITSELF = "%far"
# What may be who or what does it as well as whom or what it is done to.
_SUBJECTS = ("%who", "%what", "%whose", "%count", "%amount")
# "Can I", "am I allowed to", "is it possible to" ask for a permission; "must I" for a duty.
_MODALS = (
    (
        re.compile(
            r"\b(?:am|are|is) (?:(?:i|we|one|it|there) )?(?:allowed|permitted|possible) to\b"
            r"|\b(?:can|may|could)(?: (?:i|we|one))?\b"
        ),
        " %may ",
    ),
    (
        re.compile(r"\b(?:do|does) (?:i|we|one) (?:have|need) to\b|\bmust(?: (?:i|we|one))?\b"),
        " %must ",
    ),
    (re.compile(r"\b(?:permitted|allowed)\b"), " %may "),
    (re.compile(r"\b(?:do|does) (?:i|we|one)\b|\b(?:i|we|one)\b"), " "),
)
# Words that make a sentence of a question and are no part of what it is about.
_EMPTY = frozenset(
    "a an the is are be been being am do does have has i my we our one please there it %may".split()
)
# These stay, as they are: they change what is asked.
_STANDING = frozenset(
    "not no never without nor none neither except only all any every each both either or and if than "
    "did will had would was were should shall might "
    "from to into onto by of off on in out up down over under before after between against via per at for "
    "with within during until since about above below behind through across he she him her his they them "
    "me us you your their this that these those".split()
)
_SAME = {
    word: words.split()[0]
    for words in (
        "holiday vacation holidays vacations",
        "employee staff employees",
        "cancel terminate",
        "cellphone mobile",
        "phone telephone",
        "call ring",
        "color colour",
        "center centre",
        "organization organisation",
        "license licence",
        "required needed necessary need require",
        "purchase buy",
        "lift elevator",
        "begin start commence",
        "toilet restroom",
        "submit hand-in",
        "photo photograph picture",
        "bike bicycle",
        "fix repair mend",
        "illness sickness",
        "receive obtain",
    )
    for word in words.split()
}
_PHRASES = (
    (re.compile(r"\bhand(?:ed)? in\b"), "submit"),
    (re.compile(r"\b(?:get|gets|become|becomes) (?=(?:stuck|lost|broken|sick|ill)\b)"), "is "),
    (re.compile(r"\bas well as\b"), "and"),
    (re.compile(r"\ba csv file\b"), "csv"),
    (re.compile(r"\blog in\b|\blogin\b|\bsign in\b"), "log-in"),
    (
        re.compile(
            r"\b(in|since|until|till|by|of|from|to|before|after|during|early|late|\d+(?:st|nd|rd|th)?) may\b"
        ),
        r"\1 month5",
    ),
)
_NUMBERS = {
    word: str(value)
    for value, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
        "sixteen seventeen eighteen nineteen twenty".split()
    )
    if word != "one"
} | {
    word: str(10 * value)
    for value, word in enumerate("thirty forty fifty sixty seventy eighty ninety".split(), 3)
}


def english_forms(question: str) -> Iterator[str]:
    """The forms of a question: the same for questions that ask the same; none where little would be left."""
    text = " ".join(question.replace("’", "'").split())
    plain = _expanded(_SHOUTED.sub(r"\g<0>@", text).lower().rstrip(" ?.!"))
    fronted = _FRONTED.match(plain)
    if fronted:
        plain = f"{fronted[2]} {fronted[1]}"
    for pattern, replacement in _MODALS:
        plain = pattern.sub(replacement, plain)
    aspect, rest = _aspect(" ".join(plain.split()))
    words = list(_words(rest))
    if sum(word.isalnum() and not word.startswith("%") for word in words) >= 1 and words:
        yield " ".join([aspect, *words])


def _expanded(text: str) -> str:
    for pattern, replacement in _CONTRACTIONS:
        text = pattern.sub(replacement, text)
    text = _THANKS.sub("", _POLITE.sub("", text)).strip()
    for pattern, replacement in _PHRASES:
        text = pattern.sub(replacement, text)
    return text


def _aspect(text: str) -> tuple[str, str]:
    """What is asked for, and the rest of the question. Whether "do" helps the verb tells who does what to
    whom in "who pays them" and "who do they pay", so it stands with it."""
    helped = "+do" if _HELPED.search(text) else ""
    for name, pattern in _ASPECTS:
        found = pattern.search(text)
        if found is None:
            continue
        inside = next((part for part in found.groupdict().values() if part), "")
        if name == _SAYS_ITSELF:
            inside = found.group().split()[-1]
        rest = f"{text[: found.start()]} {inside} {text[found.end() :]}"
        return name + (helped if name in _SUBJECTS else ""), rest
    return "%none", text


def _words(text: str) -> Iterator[str]:
    for word in re.findall(r"%[a-z]+|" + _WORD.pattern, text):
        known = word if word in _STANDING else _stem(word)
        if word not in _EMPTY and known not in _EMPTY:
            yield known


def _stem(word: str) -> str:
    if word.startswith("%"):
        return word
    word = _NUMBERS.get(word, word)
    known = _SAME.get(word)
    if known is not None:
        return known
    if any(character.isdigit() for character in word):
        return word
    if word.endswith("'s"):
        word = word[:-2] + " 's"
        return " ".join(_stem(part) if part != "'s" else part for part in word.split())
    stem: str = _STEMMER.stemWord(word)
    return _SAME.get(stem, stem)
