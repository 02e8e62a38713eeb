"""A model as its author hands it over, and its parts: types, sections, tables, databases, enums."""

from __future__ import annotations

import reprlib
import sys
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from types import ModuleType
from typing import Any

from loaders.model.arguments import Argument, Pick
from loaders.model.calls import noting_in
from loaders.model.class_reader import DeclaredField, bodies_of, fields_of
from loaders.model.classes import Declared, Filter, Object, Order, Query, options_of
from loaders.model.databases import Database, Relation, Rows, Table, Tenant, Value, Via
from loaders.model.places import Place, calling_place, file_of_class, place_of_class
from loaders.model.problems import RELATION, Problems
from loaders.model.references import Fragment, Reference
from loaders.model.resolver_functions import FunctionError, ResolverFunction, resolver_function
from loaders.model.shapes import ValueKind

SetUp = Callable[[Mapping[Database, Any]], Awaitable[str | None]]
"""Fills empty databases. What it returns is the key of a tenant that a first request can be for, if any."""


@noting_in("__init__", "m.Model")
class ModelDeclaration:
    """A model: its name, its ways in, its object types, and how a viewer's tenant is known.

    `types` are all object types, those that only other modules name among them. `mutation` is a Strawberry class, whose
    fields may answer `ref(Type, key)`. `descriptions` replaces descriptions that the gateway writes, by schema
    coordinate: `CustomerConnection.edges`, `Query.customer(id:)`, `CustomerOrderField.EMAIL`.

    `setup` fills empty databases of `gateway run`: an async function, or where one is, as `module:function`. It is
    called with the stores by database. `examples` is a file or folder of GraphQL documents, relative to the model's
    file, each with its variables in a JSON file of the same name beside it, or none. `exports` are further names under
    /export, beside those of the object types.
    """

    mistakes: tuple[str, ...] = ()

    def __init__(
        self,
        name: str,
        *,
        query: type[Query],
        types: Sequence[type[Object]],
        tenant: Tenant | None = None,
        mutation: type | None = None,
        descriptions: Mapping[str, str] | None = None,
        setup: SetUp | str | None = None,
        examples: str = "",
        exports: Mapping[str, type[Object]] | None = None,
    ) -> None:
        self.name = name
        self.query = query
        self.has_list_of_types = isinstance(types, Sequence) and not isinstance(types, str)
        self.types = tuple(types) if self.has_list_of_types else (types,)
        self.tenant = tenant
        self.mutation = mutation
        self.descriptions = dict(descriptions or {})
        self.setup = setup
        self.examples = examples
        self.exports = dict(exports or {})
        self.place = calling_place()

    def path(self, name: str) -> Path:
        """Return a path that is relative to the model's file."""
        return Path(self.place.file).parent / name


@dataclass(slots=True)
class ModelParts:
    """The classes, tables, relations, arguments and enums of a model, each once, in the order met."""

    fields: dict[type[Declared], list[DeclaredField]] = field(default_factory=dict)
    tables: dict[Table, None] = field(default_factory=dict)
    relations: dict[Relation, Fragment] = field(default_factory=dict)
    databases: dict[Database, None] = field(default_factory=dict)
    arguments: dict[Argument[Any], None] = field(default_factory=dict)
    picks: dict[Pick, None] = field(default_factory=dict)
    enums: dict[type[Enum], Place] = field(default_factory=dict)
    functions: dict[str, ResolverFunction] = field(default_factory=dict)
    """The functions that answer fields, by the fields' subjects."""
    model_file: str = ""
    """The file that makes the model."""

    @property
    def bodies(self) -> frozenset[tuple[str, str]]:
        """File and qualified name of each class whose body has fields of the model: its classes and their mixins."""
        classes = {body for cls in self.fields for body in bodies_of(cls)}
        return frozenset((file_of_class(cls), cls.__qualname__) for cls in classes)

    @property
    def files(self) -> list[str]:
        """The files that declare parts of the model, each once, in the order of their names."""
        declared = {place.file for place in (*(table.place for table in self.tables), *self.enums.values())}
        return sorted({self.model_file, *declared, *(file for file, _ in self.bodies)} - {""})

    @property
    def modules(self) -> list[ModuleType]:
        """The modules of these files."""
        files = frozenset(self.files)
        return [module for module in list(sys.modules.values()) if getattr(module, "__file__", None) in files]

    def classes(self, base: type[Declared]) -> Iterator[type[Declared]]:
        """Return the classes of one kind."""
        return (cls for cls in self.fields if issubclass(cls, base))

    def all_fields(self) -> Iterator[DeclaredField]:
        """The fields of all classes."""
        for fields in self.fields.values():
            yield from fields


def parts_of(model: ModelDeclaration, problems: Problems) -> ModelParts:
    """Return the parts of a model: everything that its types and its query lead to.

    Annotations and SQL that cannot be read are noted as problems.
    """
    names: dict[str, type] = {}
    types: tuple[Any, ...] = model.types
    query: Any = model.query
    if not model.has_list_of_types:
        name = getattr(types[0], "__name__", repr(types[0]))
        message = f"types= is a list of object types, and this one is {name}: write types=[Customer, …]."
        problems.add(model.place, "Model", message)
        types = ()
    for cls in types:
        if not isinstance(cls, type) or not issubclass(cls, Object):
            problems.add(model.place, "Model", _no_type(cls))
        elif names.setdefault(cls.__name__, cls) is not cls:
            message = f"types= has two classes {cls.__name__}, also at {place_of_class(cls)}: rename one of them."
            problems.add(place_of_class(names[cls.__name__]), cls.__name__, message)
    if not isinstance(query, type) or not issubclass(query, Query):
        problems.add(model.place, "Model", f"query= is a class derived from m.Query, and is {query!r}.")
        return _Walk(model.place.file, names, problems).of(names.values())
    return _Walk(model.place.file, names, problems).of([*names.values(), model.query])


def _no_type(value: Any) -> str:
    """Return what is wrong with what stands in a list of types and is no object type."""
    if isinstance(value, str):
        return f"types= has the text {value!r}: write the class, {value}, without quotes."
    if not isinstance(value, type):
        return f"types= has {reprlib.repr(value)}, which is no class derived from m.Object."
    hint = (
        "is found by the fields that have it: leave it out" if issubclass(value, Declared) else "is none: leave it out"
    )
    return f"types= has object types, classes derived from m.Object, and {value.__name__} {hint}."


class _Walk:
    def __init__(self, file: str, names: dict[str, Any], problems: Problems) -> None:
        self._names = names
        self._problems = problems
        self._reached = ModelParts(model_file=file)

    def of(self, classes: Iterable[type]) -> ModelParts:
        for cls in classes:
            self._class(cls)
        return self._reached

    def _class(self, cls: type) -> None:
        if cls in self._reached.fields or not issubclass(cls, Declared):
            return
        fields = self._reached.fields[cls] = fields_of(cls, self._names, self._problems)
        for value in options_of(cls).values():
            self._source(value)
            if isinstance(value, str):
                self._text(value, place_of_class(cls), cls.__name__)
        columns = frozenset(each.name for each in fields if issubclass(cls, Object) and each.is_own_column)
        for each in fields:
            self._field(each)
            if each.word_name == "resolver":
                self._function(each, columns)

    def _field(self, declared: DeclaredField) -> None:
        shape = declared.shape
        if shape is not None and shape.kind in (ValueKind.OBJECT, ValueKind.SECTION, ValueKind.GROUP):
            self._class(shape.type)
        elif shape is not None and isinstance(shape.type, type) and issubclass(shape.type, Enum):
            self._reached.enums.setdefault(shape.type, place_of_class(shape.type))
        for value in declared.word.options.values() if declared.word is not None else ():
            if isinstance(value, type) and issubclass(value, Filter | Order):
                self._class(value)
            else:
                self._source(value)
            if isinstance(value, str):
                self._text(value, declared.place, declared.subject)

    def _function(self, declared: DeclaredField, columns: frozenset[str]) -> None:
        try:
            function = resolver_function(
                declared.option("function"), declared.option("points"), columns, {**self._names}
            )
        except FunctionError as error:
            self._problems.add(declared.place, declared.subject, str(error))
            return
        self._reached.functions[declared.subject] = function
        for argument in function.arguments:
            if issubclass(argument.shape.type, Enum):
                self._reached.enums.setdefault(argument.shape.type, place_of_class(argument.shape.type))

    def _source(self, value: Any) -> None:
        if isinstance(value, Table):
            self._table(value)
        elif isinstance(value, Relation) and value not in self._reached.relations:
            self._reached.databases[value.database] = None
            self._reached.relations[value] = Fragment(())
            self._reached.relations[value] = self._text(value.sql, value.place, RELATION)
        elif isinstance(value, Pick):
            self._reference(value)

    def _text(self, sql: Any, place: Place, subject: str) -> Fragment:
        try:
            fragment = Fragment.of(sql if isinstance(sql, str) else "")
        except ValueError as error:
            self._problems.add(place, subject, str(error))
            return Fragment(())
        for reference in fragment.references():
            self._reference(reference)
        return fragment

    def _reference(self, reference: Reference) -> None:
        if isinstance(reference, Rows | Value):
            self._table(reference.table)
        elif isinstance(reference, Relation):
            self._source(reference)
        elif isinstance(reference, Pick) and reference not in self._reached.picks:
            self._reached.picks[reference] = None
            self._reference(reference.argument)
            for sql in reference.sql.values():
                self._text(sql, reference.place, reference.argument.name)
        elif isinstance(reference, Argument):
            self._reached.arguments[reference] = None
            if isinstance(reference.default, Value):
                self._table(reference.default.table)
            if isinstance(reference.type, type) and issubclass(reference.type, Enum):
                self._reached.enums.setdefault(reference.type, place_of_class(reference.type))

    def _table(self, table: Table) -> None:
        if table in self._reached.tables:
            return
        self._reached.tables[table] = None
        self._reached.databases[table.database] = None
        if isinstance(table.options.tenant, Via):
            self._table(table.options.tenant.parent)
        if isinstance(table.options.zone, Value):
            self._table(table.options.zone.table)
