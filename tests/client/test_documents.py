"""Queries are told from everything else, whatever the text does to look like one; graphql-core is the judge."""

import random

import pytest
from graphql import GraphQLSyntaxError, OperationDefinitionNode, OperationType, parse

from fuseway_client.documents import is_query

QUERIES = [
    ("{ a }", None),
    ("query { a }", None),
    ("\ufeff\n,, # mutation { a }\n query Q { a }", None),
    ("query Q { a } mutation M { a }", "Q"),
    ("mutation M { a } query Q { a }", "Q"),
    ("fragment mutation on T { a } { ...mutation }", None),
    ("query mutation { mutation }", None),
    ("query mutation { a } mutation query { a }", "mutation"),
    ('query Q($a: I = {b: "}"}) @d(c: {e: [{}]}) { a(b: "} mutation M { a }") }', None),
    ('{ a(b: """ } mutation M { a } { """) }', None),
    ('{ a(b: """ \\""" } mutation M { a } """) }', None),
    ('{ a(b: "\\"} mutation M { a }") }', None),
    ('{ a(b: "\\\\") } # "', None),
    ('{ a(b: "") c(d: """""") }', None),
    ('{ a(b: """"quoted" """) }', None),
    ("{ a # } mutation M { a }\r }", None),
    ("{ mutation: a query: b }", None),
]
OTHERS = [
    ("mutation { a }", None),
    ("subscription { a }", None),
    ("# query\nmutation M { a }", None),
    ("# query\rmutation M { a }", None),
    ("#\r\n,\ufeffmutation M { a }", None),
    ("mutation query { a }", None),
    ("mutation query { a } query mutation { a }", "query"),
    ("fragment query on T { a } mutation { ...query }", None),
    ('mutation M($a: String = "} query Q { a }") { a }', None),
    ('mutation M { a(b: """ } query Q { a } \\""" """) }', "M"),
    ("mutation M @d(a: {b: 1}) { a } # { a }", None),
    ("query Q { a } mutation M { a }", None),
    ("query Q { a } mutation M { a }", "M"),
    ("query Q { a }", "P"),
    ("query Q { a } query Q { a }", "Q"),
    ("fragment F on T { a }", None),
    ("type T { a: Int } query { a }", None),
    ("type T { a: Int } query Q { a }", "Q"),
    ("scalar S query { a }", None),
    ("{ a } query", None),
    ('{ a(b: """ ") }', None),
    ("", None),
    ("{", None),
    ("}", None),
    ("(}", None),
    ("){{}", None),
    ('"""', None),
    ('{ a(b: """) }', None),
    ('{ a(b: "\n") }', None),
    ('{ a(b: "\\\r") }', None),
    ("{ a } \u2028 { b }", None),
    ("{ a }\0", None),
    ('{ a(b: "\ud800") }', None),
    ("query Q { a } \uff5d mutation { a }", None),
    ("{" * 100_000, None),
    ('"' * 99_999, None),
    ('{ a(b: "' + "\\" * 99_999, None),
]


def _judged(document: str, name: str | None) -> bool | None:
    """Whether graphql-core would run a query; None where it would run nothing, or it is not clear what."""
    try:
        definitions = parse(document).definitions
    except (GraphQLSyntaxError, RecursionError):
        return None
    operations = [item for item in definitions if isinstance(item, OperationDefinitionNode)]
    meant = [item.operation for item in operations if name is None or (item.name and item.name.value == name)]
    return meant[0] is OperationType.QUERY if len(meant) == 1 else None


@pytest.mark.parametrize(("document", "name"), QUERIES)
def test_a_query_is_one_for_graphql_core_too(document: str, name: str | None) -> None:
    assert is_query(document, name)
    assert _judged(document, name) is True


@pytest.mark.parametrize(("document", "name"), OTHERS)
def test_nothing_else_is_taken_for_a_query(document: str, name: str | None) -> None:
    assert not is_query(document, name)


STRINGS = [
    '"}"',
    '"{"',
    '"\\""',
    '"\\\\"',
    '""',
    '"#"',
    '"""}"""',
    '"""\\"""{"""',
    '""""a" """',
    '""""""',
    '"""\\\\ """',
]
BLANKS = [" ", "\n", "\r", ",", "\t", "\ufeff", "# } {\n", '# "\r', '# """\n', "#\n"]
NAMES = ["query", "mutation", "subscription", "fragment", "a", "_1"]


def _document(choose: random.Random) -> str:
    """One to three valid definitions, with whatever could mislead between their words."""

    def joined(*words: str) -> str:
        return "".join(word + choose.choice(BLANKS) + choose.choice(["", *BLANKS]) for word in words)

    def value() -> str:
        return choose.choice([*STRINGS, "{a: [{}]}", "[" + choose.choice(STRINGS) + "]", "-1.5e+3", "query", "$v"])

    def selection(depth: int = 0) -> str:
        below = [selection(depth + 1)] if depth < 2 and choose.random() < 0.4 else []
        return joined("{", choose.choice(NAMES), "(", "x", ":", value(), ")", *below, "...", "F", "}")

    def definition() -> str:
        kind = choose.choice(["query", "query", "mutation", "subscription", "{", "fragment"])
        if kind == "{":
            return selection()
        if kind == "fragment":
            return joined("fragment", choose.choice(NAMES), "on", "T") + selection()
        variables = joined("(", "$v", ":", "I", "=", value().replace("$v", "1"), ")") if choose.random() < 0.5 else ""
        directive = joined("@d", "(", "x", ":", value().replace("$v", "2"), ")") if choose.random() < 0.5 else ""
        return joined(kind, choose.choice(["", *NAMES])) + variables + directive + selection()

    return choose.choice(["", *BLANKS]) + "".join(definition() for _ in range(choose.randint(1, 3)))


def test_valid_documents_are_judged_as_graphql_core_judges_them() -> None:
    choose = random.Random(17)
    verdicts = []
    for _ in range(600):
        document, name = _document(choose), choose.choice([None, *NAMES])
        verdicts.append(_judged(document, name))
        if verdicts[-1] is None:
            parse(document)  # it is valid: only the operation was not clear
        assert is_query(document, name) is (verdicts[-1] is True), (document, name)
    assert {True, False, None} == set(verdicts)


@pytest.mark.slow
def test_broken_documents_are_never_queries_where_graphql_core_runs_something_else() -> None:
    choose = random.Random(23)
    judged = []
    for _ in range(3_000):
        document = _document(choose)
        for _ in range(choose.randint(1, 3)):
            index = choose.randrange(len(document))
            document = (
                document[:index] + choose.choice(["", '"', '"""', "\\", "#", "\n", "{", "}"]) + document[index + 1 :]
            )
        judged.append(_judged(document, None))
        if judged[-1] is False:
            assert not is_query(document, None), document
    assert judged.count(False) > 50
