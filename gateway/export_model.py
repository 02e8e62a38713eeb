"""Export the objects of one type as newline-delimited JSON, page by page or by their ids."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson
from graphql import (
    GraphQLField,
    GraphQLObjectType,
    get_named_type,
    get_nullable_type,
    is_leaf_type,
    is_required_argument,
)
from graphql.type import GraphQLList

from gateway.execution.variables import coerced
from gateway.http.errors import bad_request
from gateway.request_context import open_context
from resolvers.object_types import NODE_ID, SEPARATOR
from resolvers.roots import RootKind

if TYPE_CHECKING:
    from gateway.schema import GatewaySchema
    from gateway.stores import Stores
    from loaders.model.model import Model
    from resolvers.roots import Root

BATCH = 50
"""Objects that are loaded and held at once: what bounds the memory of an export, whatever its length."""

Charge = Callable[[int], Awaitable[None]]
"""Charges the points of a batch before it is loaded."""


def export_name(type_name: str) -> str:
    """Return the name of an object type in paths and lines: `invoiceLine` of InvoiceLine."""
    return type_name[0].lower() + type_name[1:]


def export_types(model: Model) -> Mapping[str, str]:
    """Return the names of the object types by their names in paths."""
    return {export_name(name): name for name in model.objects}


@dataclass(frozen=True, slots=True)
class ObjectExport:
    """The export of one type: all of its objects by the model's page of them, or listed ones by their keys.

    `page` and `listing` are the root fields that answer these, None where the model has none.
    """

    schema: GatewaySchema
    type_name: str
    page: Root | None
    listing: Root | None

    @classmethod
    def of(cls, schema: GatewaySchema, type_name: str) -> ObjectExport:
        """Return the export of a type of a model's schema."""
        roots = list(schema.types.roots.values()) if schema.types is not None else []
        own = [root for root in roots if root.object_type == type_name]
        page = next((root for root in own if root.kind is RootKind.PAGE and root.section is not None), None)
        by_key = [root for root in own if root.kind is RootKind.KEY and root.is_list]
        nodes = [root for root in roots if root.kind is RootKind.NODE and root.is_list]
        return cls(schema, type_name, page, next(iter(by_key + nodes), None))

    def pages(self, after: str | None) -> PageBatches:
        """Return the batches of all objects after a cursor. Raises HTTPError for a type without a page."""
        if self.page is None:
            raise bad_request(f"The model has no page of {self.type_name}: list what to export in ids.")
        return PageBatches(self, self.page, after)

    def listed(self, ids: Sequence[str]) -> ListedBatches:
        """Return the batches of listed objects. Raises HTTPError for a type that is not looked up by lists of keys."""
        if self.listing is None:
            raise bad_request(f"The model looks {self.type_name} up by no list of keys: leave out ids.")
        return ListedBatches(self, self.listing, ids)

    def selection(self) -> str:
        """Return what a line holds: the object's columns, sections and lists of rows, of links the id alone.

        Lists of other objects are theirs to export.
        """
        return self._selection(self.type_name)

    def _selection(self, type_name: str) -> str:
        declared = self.schema._schema.type_map[type_name]
        fields = declared.fields if isinstance(declared, GraphQLObjectType) else {}
        parts = [part for name, field in fields.items() if (part := self._part(name, field))]
        return "{ " + " ".join(parts) + " }"

    def _part(self, name: str, field: GraphQLField) -> str:
        named = get_named_type(field.type)
        if name == NODE_ID or field.deprecation_reason or _requires_arguments(field):
            return ""
        if is_leaf_type(named):
            return name
        if not isinstance(named, GraphQLObjectType) or "pageInfo" in named.fields:
            return ""
        objects = self.schema.model.objects if self.schema.model is not None else {}
        if named.name in objects:
            return "" if isinstance(get_nullable_type(field.type), GraphQLList) else f"{name} {{ id }}"
        return f"{name} {self._selection(named.name)}"

    def points(self, query: str, variables: Mapping[str, Any], scopes: frozenset[str], tenant: str | None) -> int:
        """Return the price of a batch."""
        document = self.schema.documents.get(query)
        operation, _ = document.operation(None)
        core: Any = self.schema._schema
        values: Any = coerced(core, document.node, operation, dict(variables))  # type: ignore[arg-type]
        return self.schema.pricing.estimate(operation, document.fragments, values, scopes, tenant or "").points

    async def answer(
        self, stores: Stores, query: str, variables: Mapping[str, Any], scopes: frozenset[str], tenant: str | None
    ) -> Any:
        """Return what the only root field answers. Raises the first of its errors."""
        context = open_context(stores, scopes, tenant)
        try:
            result: Any = await self.schema.execute(query, variable_values=dict(variables), context_value=context)
        finally:
            await context.release()
        if result.errors:
            raise result.errors[0]
        return next(iter(result.data.values()))


@dataclass(slots=True)
class PageBatches:
    """All objects in the order of the model's page."""

    export: ObjectExport
    root: Root
    after: str | None

    @property
    def query(self) -> str:
        edges = f"edges {{ cursor node {self.export.selection()} }} pageInfo {{ hasNextPage }}"
        arguments = "first: $first, after: $after"
        return f"query Export($first: Int!, $after: String) {{ {self.root.name}({arguments}) {{ {edges} }} }}"

    @property
    def variables(self) -> dict[str, Any]:
        limit = self.root.section.max if self.root.section is not None else BATCH
        return {"first": min(BATCH, limit or BATCH), "after": self.after}

    async def lines(
        self, stores: Stores, scopes: frozenset[str], tenant: str | None, charge: Charge
    ) -> AsyncIterator[bytes]:
        """Yield a line for each object; each page but the first is charged before it is loaded."""
        name = export_name(self.export.type_name)
        while True:
            page = await self.export.answer(stores, self.query, self.variables, scopes, tenant)
            for edge in page["edges"]:
                self.after = edge["cursor"]
                line = {"id": edge["node"]["id"], "cursor": self.after, name: edge["node"]}
                yield orjson.dumps(line) + b"\n"
            if not page["pageInfo"]["hasNextPage"]:
                return
            await charge(self.export.points(self.query, self.variables, scopes, tenant))

    async def ids(self, stores: Stores, scopes: frozenset[str], tenant: str | None) -> AsyncIterator[str]:
        """Yield the ids of all objects."""
        arguments = "first: $first, after: $after"
        query = (
            f"query Ids($first: Int!, $after: String) {{ {self.root.name}({arguments})"
            " { nodes { id } pageInfo { hasNextPage endCursor } } }"
        )
        section = self.root.section
        first, after, follows = (section.max if section is not None else 0) or BATCH, None, True
        while follows:
            variables = {"first": first, "after": after}
            page = await self.export.answer(stores, query, variables, scopes, tenant)
            for node in page["nodes"]:
                yield node["id"]
            after, follows = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]


@dataclass(slots=True)
class ListedBatches:
    """Listed objects, in their order; null where nothing is known of an id. `after` is the last that was exported."""

    export: ObjectExport
    root: Root
    ids: Sequence[str]
    after: str | None = None

    @property
    def query(self) -> str:
        selection = self.export.selection()
        if self.root.kind is RootKind.NODE:
            selection = f"{{ ... on {self.export.type_name} {selection} }}"
        return f"query Export($ids: [ID!]!) {{ {self.root.name}({self.root.argument}: $ids) {selection} }}"

    @property
    def variables(self) -> dict[str, Any]:
        prefix = f"{self.export.type_name}{SEPARATOR}" if self.root.kind is RootKind.NODE else ""
        return {"ids": [f"{prefix}{key}" for key in self.ids[:BATCH]]}

    async def lines(
        self, stores: Stores, scopes: frozenset[str], tenant: str | None, charge: Charge
    ) -> AsyncIterator[bytes]:
        """Yield a line for each id; each batch but the first is charged before it is loaded."""
        name = export_name(self.export.type_name)
        while self.ids:
            answer = await self.export.answer(stores, self.query, self.variables, scopes, tenant)
            for key, item in zip(self.ids[:BATCH], answer, strict=True):
                self.after = key
                yield orjson.dumps({"id": key, name: item}) + b"\n"
            self.ids = self.ids[BATCH:]
            if self.ids:
                await charge(self.export.points(self.query, self.variables, scopes, tenant))


Batches = PageBatches | ListedBatches


def _requires_arguments(field: GraphQLField) -> bool:
    return any(map(is_required_argument, field.args.values()))
