"""Names: of Python, of GraphQL, and of tables in a database."""

from __future__ import annotations

import re

from loaders.model.databases import Database, Kind

_UNDERSCORE = re.compile(r"_([a-z0-9])")
_GRAPHQL = re.compile(r"[A-Za-z][A-Za-z0-9_]*", re.ASCII)
_MODEL = re.compile("[a-z][a-z0-9_-]{0,62}", re.ASCII)
_DATABASE = re.compile("[a-z][a-z0-9_]{0,30}", re.ASCII)
_TAKEN_DATABASES = {
    "gateway": "metrics call the gateway's own database so: choose another name.",
    "default": "metrics call a database without a name so: choose another name, or none.",
}
_COLUMN = re.compile(r'\s*(?:"((?:[^"\\]|"")+)"|([^\W\d][\w$]*(?:\.\w[\w$]*)*))\s*(?:,|$)')
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,100}", re.ASCII)
"""A scope of RFC 6749: no space, quote or backslash, since scopes are listed with spaces between."""
_TABLE = re.compile(r'(?:"(?:[^"\\]|"")+"|[a-zA-Z_][a-zA-Z0-9_]*)', re.ASCII)


def camel(name: str) -> str:
    """Return a snake-case name in camel case, without the underscore that keeps a name from being Python's."""
    return _UNDERSCORE.sub(lambda match: match.group(1).upper(), name.rstrip("_"))


def is_graphql_name(name: str) -> bool:
    """Return whether a name may stand in a schema; names with two underscores in front are GraphQL's own."""
    return _GRAPHQL.fullmatch(name) is not None


def is_model_name(name: object) -> bool:
    """Return whether a model may have the name: lower-case letters, digits, - and _, at most 63."""
    return isinstance(name, str) and _MODEL.fullmatch(name) is not None


def database_name_mistake(database: Database) -> str:
    """Return what is wrong with the name of a database, and what to do; an empty text where nothing is."""
    name = database.name
    if name and not _DATABASE.fullmatch(name):
        return "a database's name is part of its setting's: use lower-case letters, digits and _."
    if database.kind is Kind.POSTGRES and f"_{name}".endswith("_direct"):
        return f"{database.variable} is the setting of another database's URL past any pooler: choose another name."
    return _TAKEN_DATABASES.get(name, "")


def is_scope(text: object) -> bool:
    """Return whether a text may be a scope; an empty one stands for none."""
    return isinstance(text, str) and (not text or _SCOPE.fullmatch(text) is not None)


def table_parts(name: str) -> tuple[str, ...]:
    """Return the parts of `schema.table`, without their quotes. Raises ValueError where it is no such name."""
    parts: list[str] = []
    position = 0
    while True:
        match = _TABLE.match(name, position)
        if match is None:
            raise ValueError(name)
        text = match.group()
        parts.append(text[1:-1].replace('""', '"') if text.startswith('"') else text)
        position = match.end()
        if position == len(name):
            return tuple(parts)
        if name[position] != "." or len(parts) == 2:
            raise ValueError(name)
        position += 1


def column_names(text: object) -> tuple[str, ...]:
    """Return the columns that a text names, as the database has them. Raises ValueError where it is anything else.

    A text names columns between commas, each as it is, or in double quotes where it has other characters. It is no SQL.
    """
    names: list[str] = []
    position = 0
    while isinstance(text, str) and (match := _COLUMN.match(text, position)) is not None:
        quoted, plain = match.groups()
        names.append(plain if quoted is None else quoted.replace('""', '"'))
        position = match.end()
        if position == len(text) and not match.group().endswith(","):
            return tuple(names)
    raise ValueError(text)


def columns_in(text: object) -> tuple[str, ...]:
    """Return the columns that a text names, or an empty tuple if the text is not a list of columns."""
    try:
        return column_names(text)
    except ValueError:
        return ()


def quoted_name(name: str, kind: Kind) -> str:
    """Return a column's name in quotes: `user` and `order` mean something else without them."""
    mark = '"' if kind is Kind.POSTGRES else "`"
    return f"{mark}{name.replace(mark, mark * 2)}{mark}"
