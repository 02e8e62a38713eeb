"""The price of reading a text is known before it is parsed."""

import pytest
from graphql import Lexer, Source, TokenKind, get_introspection_query, parse
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.hostile import DOCUMENTS
from gateway.document_scan import scan
from tests.fleet.served import SCHEMA
from tests.queries import DASHBOARD, TRENDS, everything

EVERYTHING = everything(SCHEMA._schema)

PRICES = {
    "aliases below @skip": (1_820, 5_576),
    "the same leaf": (1_913, 5_861),
    "operations": (1_951, 6_047),
    "deep": (574, 1_774),
    "a long comment": (4, 1_689),
    "comments": (904, 384),
    "commas": (4, 1_689),
    "a long string": (19, 1_734),
    "escapes": (19, 4_780),
    "a block string": (19, 6_618),
    "a long name": (4, 1_689),
    "not GraphQL": (2_000, 6_063),
    "tiny": (4, 39),
}


@pytest.mark.parametrize(("name", "tokens", "points"), [(name, *price) for name, price in PRICES.items()])
def test_a_text_is_priced_by_its_tokens_comments_characters_and_escapes(name: str, tokens: int, points: int) -> None:
    assert scan(DOCUMENTS[name](7), 2_000)[:2] == (tokens, points)


@pytest.mark.parametrize("query", [DASHBOARD, TRENDS, EVERYTHING, get_introspection_query()])
def test_tokens_are_counted_as_the_parser_counts_them(query: str) -> None:
    assert scan(query, 2_000).tokens == parse(query).token_count


LEXEMES = ["a", "_b1", "1", "-2.5e3", "0", "...", "{", "}", "(", ")", "[", "]", ":", "$", "@", "!", "|", "=", "&"]
STRINGS = [
    '""',
    '"a"',
    r'"\""',
    r'"\\"',
    '"#"',
    '""""""',
    '"""a"b"""',
    r'"""\"""x\\ """',
    '"""\n#, " "" """',
    "#\n",
    '#"\n',
]
GAPS = [" ", ",", "\n", "\t", "\r\n", "\ufeff", " , \n"]


@given(st.lists(st.tuples(st.sampled_from([*LEXEMES, *STRINGS]), st.sampled_from(GAPS)), max_size=40))
def test_any_lexemes_are_counted_as_the_lexer_counts_them(parts: list[tuple[str, str]]) -> None:
    text = "".join(lexeme + gap for lexeme, gap in parts)
    comments = sum(lexeme.startswith("#") for lexeme, _ in parts)
    assert scan(text, 2_000).tokens == len(parts)
    lexer, tokens = Lexer(Source(text)), 0
    while lexer.advance().kind is not TokenKind.EOF:
        tokens += 1
    assert tokens + comments == len(parts)


def test_past_the_most_tokens_or_comments_nothing_more_is_looked_at() -> None:
    assert scan("a " * 10_000, 2_000).tokens == 2_001
    assert scan("#\n" * 10_000, 2_000).tokens == 1_001


@pytest.mark.parametrize(
    "text", [" " * 100_000, '"' * 100_000, "\\" * 100_000, '"""' + "\\" * 100_000, '"' + "\\a" * 50_000]
)
def test_a_scan_is_linear(text: str) -> None:
    """It would take minutes if it went back at each character."""
    assert scan(text, 2_000).tokens <= 2_001
