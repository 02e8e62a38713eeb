"""The parts of the page that describe types: objects, groups, sections, filters, orders, enums and the rest."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLScalarType,
    is_introspection_type,
    is_specified_scalar_type,
)

from gateway.model_tools.docs import schema_tables
from gateway.model_tools.docs.blocks import (
    Block,
    Code,
    CodeBlock,
    Heading,
    Paragraph,
    Text,
    joined,
    prose,
    table,
)
from gateway.model_tools.docs.field_sources import FieldSources
from gateway.model_tools.docs.prices import LOAD_HEAD, load_row
from gateway.model_tools.docs.sources import Sources, database_name, tenant_text
from gateway.model_tools.docs.uses import Use, enums, uses
from loaders.model.bound_sections import RECORD
from resolvers.input_types import FIRST, order_member
from resolvers.object_types import ID, NODE_ID

if TYPE_CHECKING:
    from gateway.schema import GatewaySchema
    from loaders.model.class_reader import DeclaredField
    from loaders.model.model import FieldsType, ObjectType, SectionType


class TypePages:
    """Writes the parts about the types of one schema."""

    def __init__(self, schema: GatewaySchema) -> None:
        self._model = schema.model
        self._parts = schema.types.parts
        self._types: Mapping[str, Any] = schema._schema.type_map
        self._uses = uses(self._model)
        self._by_path = {use.path: use for use in self._uses}
        self.sources = Sources.of(self._model)
        self._field_sources = FieldSources(self._model, self.sources, self._by_path)
        self._described: set[str] = {"Query", "Mutation"}

    def objects(self) -> Iterator[Block]:
        """Yield each object type, in the model's order."""
        yield Heading(2, "Object types")
        for kind in self._model.objects.values():
            yield from self._object(kind)

    def _object(self, kind: ObjectType) -> Iterator[Block]:
        yield from self._head(kind.name, kind.description)
        yield Paragraph(self._rows_of(kind))
        fields = {field.graphql_name: field for field in kind.fields}
        shown = self._types[kind.name].fields
        sources = {
            name: self._field_sources.of_object_field(f"{kind.name}.{name}", fields[name])
            for name in shown
            if name in fields
        }
        key = joined(Code(column) for column in kind.key.columns)
        sources |= {ID: key, NODE_ID: (Code(f"{kind.name}:"), " and ", *key)}
        yield from schema_tables.fields(shown, sources)
        yield from schema_tables.arguments(shown, self._bounds(kind.fields, [f"{kind.name}."]))
        record = self._model.bound_sections[f"{kind.name}.{RECORD}"]
        rows = [load_row(self._parts, ("its own columns",), record)]
        rows += [
            load_row(self._parts, (Code(use.path.partition(".")[2]),), use.section)
            for use in self._uses
            if use.path.startswith(f"{kind.name}.")
        ]
        yield from table(LOAD_HEAD, rows)

    def _rows_of(self, kind: ObjectType) -> Text:
        keys = joined(Code(column) for column in kind.key.columns)
        database = f" ({database_name(kind.table.database)}), known by "
        tenant, scopes = tenant_text(kind.table, self._model), self._parts.object_scopes(kind.name)
        alternatives = (joined((Code(each) for each in scope.split()), " or ") for scope in sorted(scopes))
        return (
            *("Rows of ", Code(kind.table.name), database, *keys, "."),
            *((" Tenant: ", *tenant, ".") if tenant else ()),
            *((" Needs ", *joined(alternatives, " and "), ".") if scopes else ()),
        )

    def _bounds(self, fields: Iterable[DeclaredField], prefixes: Iterable[str]) -> dict[str, str]:
        """Return the bounds of arguments that their descriptions may lack, by `field.argument`."""
        result: dict[str, str] = {}
        for prefix in prefixes:
            for field in fields:
                use = self._by_path.get(f"{prefix}{field.graphql_name}")
                if use is None:
                    continue
                result[f"{field.graphql_name}.{FIRST}"] = f"0 to {use.section.max:,}."
                for argument in use.section.arguments:
                    least, most = argument.bounds
                    ends = f"{'' if least is None else f'{least:,}'} to {'' if most is None else f'{most:,}'}"
                    if least is not None or most is not None:
                        result[f"{field.graphql_name}.{argument.name}"] = f"{ends}.".strip()
        return result

    def groups(self) -> Iterator[Block]:
        """Yield each group of sections."""
        if self._model.groups:
            yield Heading(2, "Groups of sections")
        for group in self._model.groups.values():
            yield from self._head(group.name, group.description)
            prefixes = dict.fromkeys(
                use.path.rpartition(".")[0] for use in self._uses if use.field.owner.__name__ == group.name
            )
            yield Paragraph(("Answered by ", *joined(map(Code, prefixes)), "."))
            shown = self._types[group.name].fields
            first = next(iter(prefixes), "")
            sources = {
                field.graphql_name: self._field_sources.of_object_field(f"{first}.{field.graphql_name}", field)
                for field in group.fields
            }
            yield from schema_tables.fields(shown, sources)
            yield from schema_tables.arguments(shown, self._bounds(group.fields, [f"{each}." for each in prefixes]))

    def sections(self) -> Iterator[Block]:
        """Yield each section type, under a heading for each module where they lie in several."""
        by_module: dict[str, list[SectionType]] = {}
        for section in self._model.sections.values():
            by_module.setdefault(section.fields[0].owner.__module__ if section.fields else "", []).append(section)
        for module, sections in by_module.items():
            name = f": {module.rpartition('.')[2].replace('_', ' ')}" if len(by_module) > 1 else ""
            yield Heading(2, f"Sections{name}")
            text = inspect.getdoc(sys.modules.get(module)) if name else None
            if text:
                yield Paragraph(prose(text.partition("\n\n")[0]))
            for section in sections:
                yield from self._section(section)

    def _section(self, section: SectionType) -> Iterator[Block]:
        yield from self._head(section.name, section.description)
        answered = [
            use for use in self._uses if use.field.shape is not None and use.field.shape.type.__name__ == section.name
        ]
        rows = dict.fromkeys(
            (*self.sources.rows(use.section), f" ({database_name(use.section.database)})") for use in answered
        )
        paths = joined((Code(use.path), f"{_how_many(use)}") for use in answered)
        text: Text = ("Reads ", *joined(rows, "; "), ". " if rows else "")
        yield Paragraph((*text, "Answered by ", *paths, "."))
        sources = {field.graphql_name: self._field_sources.of_section_field(field) for field in section.fields}
        yield from schema_tables.fields(self._types[section.name].fields, sources)

    def relations(self) -> Iterator[Block]:
        """Yield the SQL of each relation."""
        if self.sources.numbers:
            yield Heading(2, "Relations")
        for relation, number in self.sources.numbers.items():
            yield Paragraph((f"Relation {number}, in {database_name(relation.database)}:",))
            yield CodeBlock("sql", _dedented(self.sources.sql(relation.fragment)))

    def filters_and_orders(self) -> Iterator[Block]:
        """Yield each filter and each order."""
        if self._model.filters or self._model.orders:
            yield Heading(2, "Filters and orders")
        for declared in self._model.filters.values():
            yield from self._head(declared.name, declared.description)
            yield from self._conditions(declared)
        for declared in self._model.orders.values():
            yield from self._head(declared.name, declared.description)
            yield from schema_tables.inputs(self._types[declared.name].fields, {}, {})
            yield from self._members(declared)

    def _conditions(self, declared: FieldsType) -> Iterator[Block]:
        sections = self._model.bound_sections.values()
        bound = next((each.filters for each in sections if _is_of(each.filters, declared)), {})
        sources = {field.graphql_name: self._field_sources.of_condition(field) for field in declared.fields}
        scopes = {
            field.graphql_name: joined(map(Code, sorted(bound[field.name].scopes)), " and ")
            for field in declared.fields
            if field.name in bound
        }
        yield from schema_tables.inputs(self._types[declared.name].fields, sources, scopes)

    def _members(self, declared: FieldsType) -> Iterator[Block]:
        name = f"{declared.name}Field"
        sections = self._model.bound_sections.values()
        bound = next((each.orders for each in sections if _is_of(each.orders, declared)), {})
        sources = {order_member(field.name): self._field_sources.of_order_member(field) for field in declared.fields}
        scopes = {order_member(each): joined(map(Code, sorted(bound[each].scopes)), " and ") for each in bound}
        yield from self._head(name, self._types[name].description or "")
        yield from schema_tables.values(self._types[name], sources, "by", scopes)
        yield Paragraph(("By default ", Code(declared.default), "."))

    def enums(self) -> Iterator[Block]:
        """Yield the enums of the model, with their labels in the databases."""
        declared = enums(self._model)
        if declared:
            yield Heading(2, "Enums")
        for name, kind in declared.items():
            yield from self._head(name, self._types[name].description or "")
            labels: dict[str, Text] = {member.name: (Code(str(member.value)),) for member in kind}
            yield from schema_tables.values(self._types[name], labels, "in the database")

    def others(self) -> Iterator[Block]:
        """Yield the types that the gateway adds, by name: pages, the interface of objects, inputs, scalars."""
        yield Heading(2, "Other types")
        rest = [each for name, each in sorted(self._types.items()) if name not in self._described]
        for declared in rest:
            if is_introspection_type(declared) or isinstance(declared, GraphQLScalarType):
                continue
            yield from self._head(declared.name, declared.description or "")
            if isinstance(declared, GraphQLObjectType | GraphQLInterfaceType):
                yield from schema_tables.fields(declared.fields)
                yield from schema_tables.arguments(declared.fields, {})
            elif isinstance(declared, GraphQLInputObjectType):
                yield from schema_tables.inputs(declared.fields, {}, {})
            elif isinstance(declared, GraphQLEnumType):
                yield from schema_tables.values(declared, {}, "")
        scalars = (each for each in rest if isinstance(each, GraphQLScalarType) and not is_specified_scalar_type(each))
        yield from schema_tables.types(scalars)

    def _head(self, name: str, description: str) -> Iterator[Block]:
        self._described.add(name)
        yield Heading(3, name)
        if text := (self._types[name].description or description):
            yield Paragraph(prose(text))


def _how_many(use: Use) -> str:
    return f" (first {use.section.first:,} of {use.section.max:,})" if use.section.max else ""


def _is_of(bound: Mapping[str, Any], declared: FieldsType) -> bool:
    return bool(bound) and list(bound) == [field.name for field in declared.fields]


def _dedented(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    indent = min((len(line) - len(line.lstrip()) for line in lines[1:] or lines), default=0)
    return "\n".join(line[indent:] if line[:indent].isspace() else line.strip() for line in lines)
