"""English in names: singular and plural of nouns, and names of databases as those of Python and GraphQL."""

from __future__ import annotations

import re
import unicodedata

_ALIKE = frozenset(
    {
        "analytics",
        "data",
        "equipment",
        "feedback",
        "fish",
        "hardware",
        "history",
        "info",
        "information",
        "inventory",
        "media",
        "metadata",
        "money",
        "music",
        "news",
        "police",
        "rice",
        "series",
        "sheep",
        "sms",
        "software",
        "species",
        "staff",
        "stuff",
        "traffic",
        "weather",
    }
)
"""Nouns whose plural is spelled as their singular, or that have none."""
_IRREGULAR = {
    "analyses": "analysis",
    "axes": "axis",
    "children": "child",
    "cookies": "cookie",
    "criteria": "criterion",
    "diagnoses": "diagnosis",
    "feet": "foot",
    "halves": "half",
    "indices": "index",
    "knives": "knife",
    "leaves": "leaf",
    "lives": "life",
    "matrices": "matrix",
    "men": "man",
    "mice": "mouse",
    "movies": "movie",
    "people": "person",
    "shelves": "shelf",
    "shoes": "shoe",
    "teeth": "tooth",
    "ties": "tie",
    "vertices": "vertex",
    "women": "woman",
}
_IRREGULAR_PLURALS = {singular: plural for plural, singular in _IRREGULAR.items()}
_WITHOUT_ES = re.compile(r"(?:ss|sh|ch|x|zz|(?<![aeo])us|alias|atlas|bias|canvas|gas|[^aeiou]o)es$")
_ENDS_LIKE_A_PLURAL = re.compile(r"(?:ss|us|is|ics|ous)$")
_NEEDS_ES = re.compile(r"(?:s|sh|ch|x|z|[^aeiou]o)$")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_OTHER = re.compile(r"[^A-Za-z0-9]+")


def snake(name: str) -> str:
    """Return a database's name in lower-case letters, digits and single underscores; empty if nothing is left of it."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return _OTHER.sub("_", _HUMP.sub("_", plain)).strip("_").lower()


def pascal(name: str) -> str:
    """Return a name in snake case as a class's name."""
    return "".join(part[:1].upper() + part[1:] for part in name.split("_"))


def singular(name: str) -> str:
    """Return a name in snake case with its last word in the singular."""
    head, word = _last_word(name)
    return head + _singular(word)


def plural(name: str) -> str:
    """Return a name in snake case with its last word in the plural, where it is not yet."""
    head, word = _last_word(name)
    if word in _ALIKE or _singular(word) != word:
        return name
    if word in _IRREGULAR_PLURALS:
        return head + _IRREGULAR_PLURALS[word]
    if word.endswith("y") and word[-2:-1] not in tuple("aeiou"):
        return f"{head}{word[:-1]}ies"
    return f"{head}{word}es" if _NEEDS_ES.search(word) else f"{head}{word}s"


def sentence(text: str) -> str:
    """Return a database's comment as one line that ends as a sentence does; empty where there is none."""
    line = " ".join("".join(mark if mark.isprintable() else " " for mark in text).split())
    line = "".join(mark for mark in line if not "\ue000" <= mark <= "\uf8ff")
    return line if not line or line[-1] in ".!?:;)" else f"{line}."


def spoken(name: str) -> str:
    """Return a name in snake case with spaces, as it stands in a sentence."""
    return name.replace("_", " ")


def _last_word(name: str) -> tuple[str, str]:
    head, separator, word = name.rpartition("_")
    return head + separator, word


def _singular(word: str) -> str:
    if word in _ALIKE or word in _IRREGULAR_PLURALS or len(word) < 3:
        return word
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if word.endswith("ies") and len(word) > 4:
        return f"{word[:-3]}y"
    if _WITHOUT_ES.search(word):
        return word[:-2]
    if word.endswith("s") and not _ENDS_LIKE_A_PLURAL.search(word):
        return word[:-1]
    return word
