"""The generator of documents: what it writes is valid, and has everything in it."""

import pytest
from graphql import GraphQLSchema, parse, validate

from tests.asking import SCHEMA
from tests.execution.documents import Size, random_document
from tests.execution.synthetic import random_schema


def _schemas() -> list[GraphQLSchema]:
    return [SCHEMA._schema, *(random_schema(seed)._schema for seed in range(3))]


@pytest.mark.parametrize("schema", _schemas(), ids=["real", "random 0", "random 1", "random 2"])
def test_random_documents_are_valid(schema: GraphQLSchema) -> None:
    for seed in range(40):
        document = random_document(schema, seed)
        assert validate(schema, parse(document.text)) == [], f"seed {seed}: {document.text}"


def test_the_same_seed_writes_the_same_document() -> None:
    schema = SCHEMA._schema
    assert random_document(schema, 5) == random_document(schema, 5)
    assert random_document(schema, 5) != random_document(schema, 6)


def test_a_small_size_writes_a_small_document() -> None:
    texts = [random_document(SCHEMA._schema, seed, Size(depth=0, width=1, fragments=0)).text for seed in range(20)]
    assert max(map(len, texts)) < 120


@pytest.mark.parametrize(
    "form",
    [
        "... {",
        "... on ",
        "...F1",
        "@skip(if: $",
        "@include(if: true)",
        "__typename",
        "a: ",
        "null",
        ": $v",
        "$v0: Boolean!",
    ],
)
def test_among_random_documents_every_form_is_found(form: str) -> None:
    schema = random_schema(0)._schema
    assert any(form in random_document(schema, seed).text for seed in range(40))


def test_among_random_documents_are_fields_that_merge() -> None:
    schema = random_schema(0)._schema
    texts = [random_document(schema, seed, Size(depth=1, width=8, fragments=0)).text for seed in range(40)]
    assert any(text.count(" q0 {") > 1 for text in texts)
