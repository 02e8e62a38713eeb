"""The lock file of a model: the catalogs of the tables that it names, as they were when they were last read.

It is JSON with a line for each column, key and index, sorted, so that a change of a database is a readable diff.
Numbers of rows and versions of servers are left out, since they change by themselves.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from loaders.catalog.catalog import Column, DatabaseCatalog, ForeignKey, Index, TableCatalog
from loaders.errors import GatewayError
from loaders.model.databases import STORE_NAMES
from loaders.model.model import Model

_FORMAT = 1
_KINDS = {name: kind for kind, name in STORE_NAMES.items()}


class LockFileError(GatewayError):
    """A lock file that cannot be read."""


def lock_path(model: Model) -> Path:
    """Return the path of a model's lock file: `model.lock` beside `model.py`."""
    name = model.file.stem if model.file.stem != "__init__" else "model"
    return model.file.with_name(f"{name}.lock")


def is_written(path: Path, text: str) -> bool:
    """Return whether a lock file has this text already."""
    try:
        return path.read_bytes() == text.encode()
    except OSError:  # it is not there, or cannot be read
        return False


def read_lock(path: Path) -> list[DatabaseCatalog] | None:
    """Return the catalogs of a lock file; None where there is no such file.

    Raises LockFileError where it cannot be read, or was written by another version of the gateway.
    """
    try:
        return parse_lock(path.read_text(encoding="utf-8"), path.name)
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise LockFileError(f"{path} cannot be read: {error}.") from error


def parse_lock(text: str, name: str) -> list[DatabaseCatalog]:
    """Return the catalogs in the text of a lock file; `name` is that of the file, for LockFileError."""
    try:
        content = json.loads(text)
        if content["format"] != _FORMAT:
            raise LockFileError(
                f"{name} has another format than this gateway reads: write it anew, gateway model pull."
            )
        return [_database(each) for each in content["databases"]]
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        message = f"{name} is no lock file ({type(error).__name__}: {error}): write it anew with gateway model pull."
        raise LockFileError(message) from error


def lock_text(catalogs: Iterable[DatabaseCatalog]) -> str:
    """Return the text of a lock file with these catalogs, in the order of their names."""
    ordered = sorted(catalogs, key=lambda each: (STORE_NAMES[each.kind], each.name))
    content = {"format": _FORMAT, "databases": [_written_database(catalog) for catalog in ordered]}
    return f"{_json(content)}\n"


def _database(content: Mapping[str, Any]) -> DatabaseCatalog:
    tables = {name: _table(name, table) for name, table in content["tables"].items()}
    return DatabaseCatalog(_KINDS[content["kind"]], _text(content["name"]), "", tables)


def _text(value: Any) -> str:
    """Return a value that is a text. Raises TypeError for any other."""
    if not isinstance(value, str):
        raise TypeError(f"a text is needed, not {json.dumps(value)[:50]}")
    return value


def _texts(values: Any) -> tuple[str, ...]:
    if not isinstance(values, list):
        raise TypeError(f"a list is needed, not {json.dumps(values)[:50]}")
    return tuple(map(_text, values))


def _table(name: str, content: Mapping[str, Any]) -> TableCatalog:
    return TableCatalog(
        name,
        {column: _column(column, each) for column, each in content["columns"].items()},
        is_view=content.get("is_view", False),
        comment=_text(content.get("comment", "")),
        primary_key=_texts(content.get("primary_key", [])),
        unique=tuple(map(_texts, content.get("unique", ()))),
        foreign_keys=tuple(
            ForeignKey(_texts(each["columns"]), _text(each["table"]), _texts(each["referenced_columns"]))
            for each in content.get("foreign_keys", ())
        ),
        indexes=tuple(_index(index, each) for index, each in content.get("indexes", {}).items()),
        sorting_key=_texts(content.get("sorting_key", [])),
        partition_key=_text(content.get("partition_key", "")),
        engine=_text(content.get("engine", "")),
        version=_text(content.get("version", "")),
    )


def _column(name: str, content: Mapping[str, Any]) -> Column:
    return Column(
        name,
        _text(content["type"]),
        content.get("is_nullable", False),
        _text(content.get("comment", "")),
        _texts(content.get("labels", [])),
    )


def _index(name: str, content: Mapping[str, Any]) -> Index:
    return Index(
        name,
        _texts(content["terms"]),
        content.get("is_unique", False),
        _text(content.get("method", "btree")),
        _text(content.get("condition", "")),
    )


def _written_database(catalog: DatabaseCatalog) -> Mapping[str, Any]:
    tables = {name: _written_table(catalog.tables[name]) for name in sorted(catalog.tables)}
    return {"kind": STORE_NAMES[catalog.kind], "name": catalog.name, "tables": tables}


def _written_table(table: TableCatalog) -> Mapping[str, Any]:
    foreign_keys = [
        {"columns": list(key.columns), "table": key.table, "referenced_columns": list(key.referenced_columns)}
        for key in sorted(table.foreign_keys, key=lambda key: (key.columns, key.table, key.referenced_columns))
    ]
    return _without_defaults(
        {
            "is_view": table.is_view,
            "comment": table.comment,
            "engine": table.engine,
            "version": table.version,
            "sorting_key": list(table.sorting_key),
            "partition_key": table.partition_key,
            "primary_key": list(table.primary_key),
            "unique": [list(columns) for columns in sorted(table.unique)],
            "foreign_keys": foreign_keys,
            "indexes": {
                index.name: _written_index(index) for index in sorted(table.indexes, key=lambda each: each.name)
            },
        }
    ) | {"columns": {name: _written_column(table.columns[name]) for name in sorted(table.columns)}}


def _written_column(column: Column) -> Mapping[str, Any]:
    others = {"is_nullable": column.is_nullable, "labels": list(column.labels), "comment": column.comment}
    return {"type": column.type, **_without_defaults(others)}


def _written_index(index: Index) -> Mapping[str, Any]:
    others = {"is_unique": index.is_unique, "condition": index.condition}
    method = {} if index.method == "btree" else {"method": index.method}
    return {"terms": list(index.terms), **method, **_without_defaults(others)}


def _without_defaults(content: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in content.items() if value}


def _json(value: Any, indent: str = "") -> str:
    """Return JSON in which each object or list stands in one line, unless it holds objects or several lists."""
    if not isinstance(value, dict | list) or not _is_tall(value):
        return json.dumps(value, ensure_ascii=False)
    inner = f"{indent}  "
    if isinstance(value, dict):
        lines = [f"{inner}{json.dumps(name, ensure_ascii=False)}: {_json(item, inner)}" for name, item in value.items()]
    else:
        lines = [f"{inner}{_json(item, inner)}" for item in value]
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    return f"{opening}\n" + ",\n".join(lines) + f"\n{indent}{closing}"


def _is_tall(value: Any) -> bool:
    items = value.values() if isinstance(value, dict) else value
    if isinstance(value, list):
        return any(isinstance(item, dict | list) for item in items)
    return any(isinstance(item, dict) or (isinstance(item, list) and _is_tall(item)) for item in items)
