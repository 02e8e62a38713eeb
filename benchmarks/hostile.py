"""Requests that cost a gateway as much as they can: what `make attack` sends, and what tests read."""

from collections.abc import Callable, Iterable

AIRCRAFT = 'aircraftByIds(ids: ["N14228"])'

Document = Callable[[int], str]
"""A document for a number, none like any other."""


def _each(count: int, part: Callable[[int], str]) -> str:
    return " ".join(map(part, range(count)))


def _salted(text: str) -> Document:
    """The text with another comment for each number, so that it is never remembered."""
    return lambda number: f"{text} #{number}"


DOCUMENTS: dict[str, Document] = {
    "aliases below @skip": _salted(
        f"{{ {AIRCRAFT} @skip(if: true) {{ {_each(600, lambda index: f'a{index}: id')} }} }}"
    ),
    "the same leaf": _salted(f"{{ {AIRCRAFT} {{ {'id ' * 1_900} }} }}"),
    "the same object": _salted(f"{{ {AIRCRAFT} {{ analysis {{ {'punctuality { flights } ' * 450} }} }} }}"),
    "the same root field": _salted(f"{{ {(AIRCRAFT + ' @skip(if: true) { id } ') * 100} }}"),
    "fragments alike": _salted(
        f"{{ {_each(150, lambda index: f'...F{index}')} }} "
        + _each(150, lambda index: f"fragment F{index} on Query {{ __typename }}")
    ),
    "fragments of fragments": _salted(
        "{ ...F0 } "
        + _each(
            22,
            lambda index: f"fragment F{index} on Query {{ {_each(22 - index, lambda to: f'...F{index + to + 1}')} a }}",
        )
        + "fragment F22 on Query { __typename }"
    ),
    "operations over fragments": _salted(
        _each(60, lambda index: f"query Q{index}($v: ID!) {{ ...F0 }}")
        + _each(60, lambda index: f"fragment F{index} on Query {{ ...F{index + 1} aircraft(tailNumber: $v) {{ id }} }}")
        + "fragment F60 on Query { __typename }"
    ),
    "operations": _salted(_each(390, lambda index: f"query Q{index} {{ __typename }}")),
    "inline fragments": _salted(f"{{ {'... { __typename } ' * 480} }}"),
    "defer": _salted(f"{{ {'... @defer { __typename } ' * 280} }}"),
    "deep": _salted("{ " + "... { " * 190 + "__typename" + " }" * 191),
    "values": _salted(f"{{ aircraftByIds(ids: [{'1 ' * 1_900}]) {{ id }} }}"),
    "unknown fields of an input": _salted(
        '{ aircraft(tailNumber: "a") { analysis(period: {' + _each(600, lambda index: f"a{index}: 1") + "}) { id } } }"
    ),
    "unknown fields": _salted(f"{{ {_each(1_900, lambda index: f'aircraftBy{index}')} }}"),
    "variables": _salted(f"query({_each(450, lambda index: f'$a{index}: ID')}) {{ __typename }}"),
    "directives": _salted(f"{{ __typename {'@skip(if: true) ' * 280} }}"),
    "a long comment": lambda number: f"#{'a' * 99_000}{number}\n{{ __typename }}",
    "comments": lambda number: "#\n" * 900 + f"{{ __typename }} #{number}",
    "commas": lambda number: f"{',' * 99_000}{{ __typename }} #{number}",
    "a long string": _salted('{ __type(name: "' + "a" * 99_000 + '") @skip(if: true) { name } }'),
    "escapes": _salted('{ __type(name: "' + "\\n" * 49_000 + '") @skip(if: true) { name } }'),
    "a block string": _salted('{ __type(name: """' + "a\n" * 49_000 + '""") @skip(if: true) { name } }'),
    "a long name": _salted("{ " + "a" * 99_000 + " }"),
    "not GraphQL": lambda number: "{" * 1_999 + str(number),
    "tiny": _salted("{ __typename }"),
}
"""Documents that take parsing or validation long, most of them valid."""

_MIB = 1 << 20
BODIES: dict[str, bytes] = {
    "objects": b"[" + b"{}," * (_MIB // 3 - 2) + b"{}",
    "lists": b"[" + b"[]," * (_MIB // 3 - 2) + b"[]]",
    "keys": b"{" + b",".join(b'"%x":1' % index for index in range(_MIB // 13)) + b"}",
    "numbers": b"[" + b"1," * (_MIB // 2 - 2) + b"1]",
    "long numbers": b"[" + (b"9" * 4_000 + b",") * 260 + b"1]",
    "deep": b"[" * 100_000,
    "no JSON": b"x" * _MIB,
    "nothing": b"{}",
}
"""Bodies that are no request."""


def variables(count: int) -> dict[str, object]:
    """A request with so many values that are not of their type."""
    query = "query($ids: [ID!]!) { aircraftByIds(ids: $ids) { id } }"
    return {"query": query, "variables": {"ids": [{} for _ in range(count)]}}


def batch(documents: Iterable[str]) -> list[dict[str, object]]:
    """The documents as one request."""
    return [{"query": document} for document in documents]
