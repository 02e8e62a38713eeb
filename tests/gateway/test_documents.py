"""Documents are read once, as many as there is room for."""

import gc
import tracemalloc

import pytest
from graphql import build_schema as build_core_schema

from benchmarks.hostile import DOCUMENTS
from gateway.documents import Document, Documents
from tests.fleet.served import SCHEMA

pytestmark = pytest.mark.slow


@pytest.fixture
def documents() -> Documents:
    return Documents(build_core_schema("type Query { a: Int }"))


def test_of_256_documents_those_used_least_lately_go_first(documents: Documents) -> None:
    texts = [f"query A{index} {{ a }}" for index in range(257)]
    for text in texts[:256]:
        documents.get(text)
    assert all(map(documents.known, texts[:256]))
    documents.known(texts[0])
    documents.get(texts[256])
    assert documents.known(texts[0])
    assert documents.known(texts[1]) is None
    assert len(documents._kept) == 256


def test_a_long_document_is_read_each_time(documents: Documents) -> None:
    for spaces, is_kept in ((64 * 1_024 - 5, True), (64 * 1_024 - 4, False)):
        text = "{ a }" + " " * spaces
        documents.get(text)
        assert (documents.known(text) is not None) is is_kept


def test_a_document_that_is_in_use_is_not_read_again(documents: Documents) -> None:
    text = "{ a }" + " " * (64 << 10)
    document = documents.get(text)
    assert documents.get(text) is document
    del document
    assert documents.known(text) is None


def test_kept_documents_are_bounded_in_bytes() -> None:
    documents = Documents(build_core_schema("type Query { a: Int }"), max_bytes=1 << 20)
    for index in range(100):
        documents.get(f"{{ a }} #{index}")
        assert documents.bytes <= 1 << 20
    assert documents.bytes == sum(item.bytes for item in documents._kept.values()) > (1 << 20) * 0.9
    assert documents.known("{ a } #99")
    documents.get(large := "{ " + "a " * 2_000 + "}")
    assert documents.known(large) is None, "of 1.3 MiB, it would drive out all others"
    assert documents.known("{ a } #99")


def _read(documents: Documents, text: str) -> tuple[Document, int]:
    """Return a document, and the bytes that it takes: the least of three times, since threads take some meanwhile."""
    sizes = []
    for _ in range(3):
        gc.collect()
        tracemalloc.start()
        document = documents.read(text)
        gc.collect()
        sizes.append(tracemalloc.get_traced_memory()[0])
        tracemalloc.stop()
    return document, min(sizes)


def test_a_document_that_is_not_graphql_is_kept_without_what_was_parsed_of_it() -> None:
    documents = Documents(build_core_schema("type Query { a: Int }"))
    text = "{ " + "a " * 1_900 + "}}"
    documents.read("{ a }}")
    document, taken = _read(documents, text)
    assert taken < document.bytes < 50_000
    assert document.tokens == 1_903


@pytest.mark.parametrize("name", ["aliases below @skip", "unknown fields of an input", "operations", "a long comment"])
def test_what_a_document_takes_is_not_estimated_as_less(name: str) -> None:
    documents = Documents(SCHEMA._schema)
    documents.get(DOCUMENTS["tiny"](0))
    text = DOCUMENTS[name](0)
    document, taken = _read(documents, text)
    assert document.bytes / 3 < taken < document.bytes
