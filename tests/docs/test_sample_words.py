"""The floors, the model language and the client serve any model: they have no word of the samples' domains."""

import re
from pathlib import Path

import pytest

from loaders.model.loading import load_model

ROOT = Path(__file__).parents[2]
FOLDERS = ("gateway", "resolvers", "loaders", "fuseway", "deploy/embedded", "clients/python/fuseway_client")
GENERATED = {"node_modules", "assets", "__pycache__", "package-lock.json"}
APPLIED = "loaders/migrations/own/0001_api_keys.sql"
"""A migration is never edited, and keys of the first release were good for the sample alone."""

WORDS = re.compile(
    r"(?i:aircraft|airline|airport|tail[ _-]?number|flight|fleet|registration|N14228|workspace|invoice|members?_by)"
    r"|\b(?:Member|Project)(?:\b|[A-Z])"  # names of types, which are ordinary words in lower case
)
STANDARD_TERMS = re.compile(r"in[ _-]?flight|preflight", re.IGNORECASE)
"""Caches have loads in flight, and browsers send a preflight."""


def sample_words(text: str) -> list[str]:
    """Return the words of the samples in a text."""
    return WORDS.findall(STANDARD_TERMS.sub("", text))


def test_no_file_has_a_word_of_the_samples() -> None:
    files = [file for folder in FOLDERS for file in (ROOT / folder).rglob("*") if file.is_file()]
    texts = {file.relative_to(ROOT).as_posix(): file.read_text() for file in files if GENERATED.isdisjoint(file.parts)}
    assert {"gateway/graphiql/page.js", "loaders/cache/scripts.py", "fuseway/__init__.py", APPLIED} <= texts.keys()
    words = {name: sample_words(text) for name, text in texts.items() if name != APPLIED}
    assert {name: result for name, result in words.items() if result} == {}


@pytest.mark.parametrize(("model", "ordinary"), [("deploy.fleet.model", set()), ("deploy.analytics.model", {"Plan"})])
def test_names_of_the_samples_types_are_words_of_them(model: str, ordinary: set[str]) -> None:
    assert {name for name in load_model(model).objects if not sample_words(name)} == ordinary


@pytest.mark.parametrize(
    "text", ["loads in flight", "InFlightLoad", "_in_flight", "_PREFLIGHTED", "members of an enum"]
)
def test_standard_terms_are_no_words_of_the_samples(text: str) -> None:
    assert sample_words(text) == []
