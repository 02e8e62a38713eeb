"""Documents are read once, as many as there is room for."""

import pytest
from graphql import build_schema

from gateway.documents import Documents


@pytest.fixture
def documents() -> Documents:
    return Documents(build_schema("type Query { a: Int }"))


def test_of_256_documents_those_used_least_lately_go_first(documents: Documents) -> None:
    texts = [f"query A{at} {{ a }}" for at in range(257)]
    first, second, *_ = [documents.get(text) for text in texts[:256]]
    assert documents.get(texts[0]) is first
    documents.get(texts[256])
    assert documents.get(texts[0]) is first
    assert documents.get(texts[1]) is not second


def test_a_long_document_is_read_each_time(documents: Documents) -> None:
    for spaces, is_kept in ((64 * 1_024 - 5, True), (64 * 1_024 - 4, False)):
        text = "{ a }" + " " * spaces
        assert (documents.get(text) is documents.get(text)) is is_kept
