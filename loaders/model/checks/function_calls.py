"""Functions that SQL of a model calls: each computes from its arguments alone, or is allowed by the author."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from loaders.model.arguments import Pick
from loaders.model.checks.python_texts import python_mistakes
from loaders.model.class_reader import DeclaredField
from loaders.model.classes import Object, Section, options_of
from loaders.model.databases import Database, Kind, Relation, Table
from loaders.model.declaration import ModelDeclaration, ModelParts
from loaders.model.places import Place, place_of_class
from loaders.model.problems import RELATION, Problems, misspelled, suggestion
from loaders.model.references import Fragment
from loaders.model.sql_functions import (
    is_known_function,
    is_type_with_brackets,
    known_functions,
    known_in,
    names_in,
    replacement,
)
from loaders.model.sql_words import REFERENCE, SQLWord, words

_KEYWORDS = names_in(
    """
    all and any as asc between by case cast cross cube desc distinct else end except exists filter from full group
    having ilike in inner intersect interval is join lateral left like limit natural not null offset on only or
    order ordinality outer over partition prewhere qualify recursive right rollup rows select sets similar some then
    union unnest using values when where window with within
    """
)
"""Words that have something in brackets behind them and are no functions; ClickHouse's any() and left() are known."""
_LANGUAGE = frozenset({"Freshness", "Notifies", "Polls", "Tenant", "Word"})
"""Classes of the language whose values Python shows as calls."""
_NAMES = {Kind.POSTGRES: "PostgreSQL", Kind.CLICKHOUSE: "ClickHouse"}
_NAME = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)?", re.ASCII)
_NOTHING = SQLWord("other", "", 0)
_ENDS_WITH = frozenset({"select", "values", "table"})
"""Words that begin the query behind the common table expressions of a `with`."""


def check_functions(_model: ModelDeclaration, parts: ModelParts, problems: Problems) -> None:
    """Check the functions that databases allow beside the known ones, and those that all SQL of the model calls."""
    for database in parts.databases:
        _check_named(database, problems)
    enums, python_names = _enums(parts), _python_names(parts)
    for text in _texts(parts):
        for database in text.databases:
            _check_text(text, database, enums, python_names, problems)


def _enums(parts: ModelParts) -> dict[str, type[Enum]]:
    """Return the enums of the model's modules, by their names."""
    values = [*parts.enums, *(value for module in parts.modules for value in vars(module).values())]
    return {value.__name__: value for value in values if isinstance(value, type) and issubclass(value, Enum)}


def _check_named(database: Database, problems: Problems) -> None:
    functions: Any = database.functions
    is_list = isinstance(functions, Sequence) and not isinstance(functions, str)
    names = functions if is_list else []
    wrong = [name for name in names if not isinstance(name, str) or not _NAME.fullmatch(name)]
    for value in wrong if is_list else [functions]:
        subject = f"{type(database).__name__}({database.name!r})"
        message = f"functions= is a list of names such as similarity or app.score, and has {value!r}."
        problems.add(database.place, subject, message)


def _python_names(parts: ModelParts) -> frozenset[str]:
    """Return the names of classes whose values Python shows as a call: those of the language, and the model's own."""
    values = [value for module in parts.modules for value in vars(module).values()]
    classes = [value if isinstance(value, type) else type(value) for value in values]
    own = {module.__name__ for module in parts.modules}
    return _LANGUAGE | {cls.__name__ for cls in classes if cls.__module__ in own}


@dataclass(frozen=True, slots=True)
class _Text:
    """SQL of a model, and the databases that it is sent to."""

    sql: Any
    place: Place
    subject: str
    databases: tuple[Database, ...]


def _texts(parts: ModelParts) -> Iterator[_Text]:
    for relation in parts.relations:
        yield _Text(relation.sql, relation.place, RELATION, (relation.database,))
    of_class = _databases_of_classes(parts)
    for cls in parts.classes(Section):
        yield _Text(options_of(cls).get("where"), place_of_class(cls), cls.__name__, of_class[cls])
    for declared in parts.all_fields():
        own = of_class[declared.owner]
        if declared.has_sql_link and issubclass(declared.owner, Object):
            own = _databases([declared.option("over")])
        for sql in declared.expressions:
            yield _Text(sql, declared.place, declared.subject, own)
        yield _Text(declared.option("order"), declared.place, declared.subject, _rows_of(declared))


def _databases_of_classes(parts: ModelParts) -> defaultdict[type, tuple[Database, ...]]:
    """Return the databases that the SQL in the fields of a class is sent to: those of the lists that use it."""
    sources: defaultdict[type, list[Any]] = defaultdict(list)
    for cls in parts.classes(Section):
        sources[cls].append(options_of(cls).get("over"))
    for declared in parts.all_fields():
        if declared.shape is not None and declared.option("over") is not None:
            sources[declared.shape.type].append(declared.option("over"))
        for used in (declared.option("filter"), declared.option("order")):
            if isinstance(used, type) and declared.shape is not None:
                sources[used].append(_options(declared.shape.type).get("table"))
    databases: defaultdict[type, tuple[Database, ...]] = defaultdict(tuple)
    databases.update({cls: _databases(each) for cls, each in sources.items()})
    return databases


def _rows_of(declared: DeclaredField) -> tuple[Database, ...]:
    """Return the database of the rows that a field's order is over."""
    options = _options(declared.shape.type) if declared.shape is not None else {}
    return _databases([declared.option("over") or options.get("over") or options.get("table")])


def _options(cls: Any) -> dict[str, Any]:
    return options_of(cls) if isinstance(cls, type) and issubclass(cls, Object | Section) else {}


def _databases(sources: Iterable[Any]) -> tuple[Database, ...]:
    return tuple(dict.fromkeys(each.database for each in sources if isinstance(each, Table | Relation)))


def _check_text(
    text: _Text, database: Database, enums: Mapping[str, type[Enum]], python_names: Collection[str], problems: Problems
) -> None:
    picks = [text.sql] if isinstance(text.sql, Pick) else []
    try:
        fragment = Fragment.of(text.sql) if isinstance(text.sql, str) else Fragment(())
    except ValueError:  # noted when the model was walked
        return
    picks += [each for each in fragment.references() if isinstance(each, Pick)]
    for pick in picks:
        for sql in pick.sql.values():
            _check_text(_Text(sql, pick.place, str(pick.argument.name), ()), database, enums, python_names, problems)
    sql = fragment.shown(REFERENCE)
    for offset, mistake in python_mistakes(sql, database.kind, enums):
        problems.add(_line(text, sql, offset), text.subject, mistake, is_cause=True)
    for offset, name in unknown_functions(sql, database.kind, database.functions):
        written = sql[offset : offset + len(name)]
        called = written if written.lower() == name.lower() else name
        problems.add(_line(text, sql, offset), text.subject, _advice(called, name, database, python_names))


def _advice(written: str, name: str, database: Database, python_names: Collection[str]) -> str:
    """Return what to do about an unknown function: as its author wrote it, and as the database takes its name."""
    other = Kind.CLICKHOUSE if database.kind is Kind.POSTGRES else Kind.POSTGRES
    if written in python_names:
        return f"{written}(…) is Python's and no SQL: an f-string wrote a value of Python here."
    in_other = known_in(written, other)
    if in_other:
        message = f"{written}() is a function of {_NAMES[other]}, and this SQL is {_NAMES[database.kind]}'s"
        instead = replacement(in_other, database.kind)
        return (
            f"{message}: write {instead}." if instead else f"{message}: write it with those of {_NAMES[database.kind]}."
        )
    known = known_functions(database.kind)
    if meant := misspelled(written, known):
        return f'{written}() is no function that may be called here. Did you mean "{meant}"?'
    owner = f"{database.name!r}, " if database.name else ""
    allowed = f"m.{type(database).__name__}({owner}functions=[{name!r}])"
    message = (
        f"{written}() is no function that computes from its arguments alone.{suggestion(written, known, likeness=0.75)}"
    )
    return f"{message} If it reads and changes nothing of other tenants', allow it: {allowed}."


def _line(text: _Text, sql: str, offset: int) -> Place:
    """Return the line of a place inside of a text."""
    return Place(text.place.file, text.place.line + sql.count("\n", 0, offset) if text.place.line else 0)


def unknown_functions(sql: str, kind: Kind, more: Iterable[str] = ()) -> Iterator[tuple[int, str]]:
    """Yield offset and name of each function that SQL calls and that is neither known nor among some more."""
    named = frozenset(more)
    result = words(sql)
    definitions = set(_definitions(result))
    for place, word in enumerate(result):
        before = result[place - 1] if place else _NOTHING
        after = result[place + 1] if place + 1 < len(result) else _NOTHING
        if word.kind != "name" or after.text != "(" or place in definitions or _is_no_call(word, before):
            continue
        name = _plain(word.text, kind)
        if before.text == "." or not is_known_function(name, kind, named):
            yield word.offset, name


def _is_no_call(word: SQLWord, before: SQLWord) -> bool:
    """Return whether a name before brackets is a keyword, the alias of a table with its columns, or a type."""
    return word.lower in _KEYWORDS or before.lower == "as" or is_type_with_brackets(word.text)


def _definitions(result: Sequence[SQLWord]) -> Iterator[int]:
    """Yield the places of common table expressions that name their columns: `with t(a, b) as (…)`."""
    open_withs: list[bool] = [False]
    for place, word in enumerate(result):
        if word.text == "(":
            open_withs.append(False)
        elif word.text == ")" and len(open_withs) > 1:
            open_withs.pop()
        elif word.lower == "with":
            open_withs[-1] = True
        elif word.lower in _ENDS_WITH:
            open_withs[-1] = False
        elif open_withs[-1] and word.kind == "name" and _is_definition(result[place + 1 :]):
            yield place


def _is_definition(following: Sequence[SQLWord]) -> bool:
    """Return whether names in brackets, `as` and a query in brackets follow."""
    for place, word in enumerate(following):
        if word.text == ")":
            behind = [each.lower for each in following[place + 1 : place + 3]]
            return behind[:1] == ["as"] and behind[1:] in (["("], ["materialized"], ["not"])
        if place == 0 and word.text != "(":
            return False
        if word.text not in ("(", ",") and word.kind != "name":
            return False
    return False


def _plain(name: str, kind: Kind) -> str:
    """Return a function's name without quotes; what is not quoted is in lower case in PostgreSQL."""
    parts = re.findall(r'"(?:[^"]|"")+"|`[^`]+`|[^."`]+', name)
    is_folded = kind is Kind.POSTGRES
    plain = [part[1:-1] if part[0] in '"`' else part.lower() if is_folded else part for part in parts]
    return ".".join(plain)
