"""Find the kind of operation that a document would run, without parsing it."""

from __future__ import annotations

import re

_TOKEN = re.compile(
    r"""
    (?: [\t\n\r\ ,\ufeff]++ | \#[^\n\r]*+ )
    | (?:
          \"{3} (?: [^"\\] | \\"{3} | \\(?!"{3}) | "(?!"") )* \"{3}
        | "(?!"") (?: [^"\\\n\r] | \\[^\n\r] )* "
      )
    | (?P<word> [_A-Za-z][_0-9A-Za-z]*+ | \.\.\. | [!$&()\[\]{}:=@|] )
    | -?[0-9][0-9A-Za-z_.+-]*+
    """,
    re.VERBOSE,
)
_OPENING, _CLOSING = frozenset("([{"), frozenset(")]}")
_KINDS = frozenset({"query", "mutation", "subscription", "fragment"})


def is_query(document: str, operation_name: str | None) -> bool:
    """Return whether what would run is surely a query, which reads and may be asked again.

    False where the document is not understood, is none that may be sent as text, or does not say which operation runs.
    """
    definitions = _definitions(document)
    operations = [(kind, name) for kind, name in definitions or () if kind != "fragment"]
    meant = [kind for kind, name in operations if operation_name is None or name == operation_name]
    return meant == ["query"] and _is_text(document)


def _is_text(document: str) -> bool:
    try:
        document.encode()
    except UnicodeEncodeError:  # a lone surrogate
        return False
    return True


def _definitions(document: str) -> list[tuple[str, str | None]] | None:
    """Return kind and name of the executable definitions, or None if there is any other definition.

    A definition ends with the brace that closes its selection set: of all braces outside of brackets, these alone open
    one, since values are in parentheses.
    """
    definitions: list[tuple[str, str | None]] = []
    head: list[str] = []
    index = depth = 0
    while index < len(document):
        match = _TOKEN.match(document, index)
        if match is None:
            return None
        index, word = match.end(), match["word"]
        if word is None:
            continue
        if depth == 0:
            head.append(word)
        depth += (word in _OPENING) - (word in _CLOSING)
        if word == "}" and depth == 0:
            definitions.append(_kind_and_name(head))
            head = []
    understood = depth == 0 and not head and all(kind in _KINDS for kind, _ in definitions)
    return definitions if understood else None


def _kind_and_name(head: list[str]) -> tuple[str, str | None]:
    if head[0] == "{":
        return "query", None
    name = "".join(head[1:2])
    return head[0], name if name.isidentifier() else None
