"""Export the objects of one type as newline-delimited JSON, page by page or by their ids."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
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
from gateway.http.errors import HTTPError, bad_request
from gateway.http.request_deadline import RequestDeadline
from gateway.request_context import open_context
from loaders.deadline import working_until
from loaders.statements.section_request import section_request
from resolvers.connections import holds_objects
from resolvers.object_types import SEPARATOR
from resolvers.roots import RootKind
from resolvers.section_arguments import list_identity
from resolvers.time_limits import DEADLINE_EXCEEDED

if TYPE_CHECKING:
    from gateway.schema import GatewaySchema
    from gateway.stores import Stores
    from loaders.model.model import Model
    from resolvers.roots import Root

BATCH = 50
"""Objects that are loaded and held at once: what bounds the memory of an export, whatever its length."""

Charge = Callable[[int], Awaitable[None]]
"""Charges the points of a batch before it is loaded."""
Turn = Callable[[], AbstractAsyncContextManager[None]]
"""Gives a batch its turn, for as long as it is loaded."""


def export_name(type_name: str) -> str:
    """Return the name of an object type in paths and lines: `orderLine` of OrderLine."""
    return type_name[0].lower() + type_name[1:]


def export_types(model: Model) -> Mapping[str, str]:
    """Return the names of the object types by their names in paths, and by those that the model gives them besides."""
    return {export_name(name): name for name in model.objects} | dict(model.exports)


@dataclass(frozen=True, slots=True)
class ObjectExport:
    """The export of one type: all of its objects by the model's page of them, or listed ones by their keys.

    `page` and `listing` are the root fields that answer these, None where the model has none.
    """

    schema: GatewaySchema
    type_name: str
    page: Root | None
    listing: Root | None
    batch_timeout_s: float | None = None
    """Seconds that each batch may take, None without a limit. An export as a whole takes as long as its client."""

    @classmethod
    def of(cls, schema: GatewaySchema, type_name: str, batch_timeout_s: float | None = None) -> ObjectExport:
        """Return the export of a type of a model's schema."""
        roots = list(schema.types.roots.values())
        own = [root for root in roots if root.object_type == type_name]
        page = next((root for root in own if root.kind is RootKind.PAGE and root.section is not None), None)
        by_key = [root for root in own if root.kind is RootKind.KEY and root.is_list]
        nodes = [root for root in roots if root.kind is RootKind.NODE and root.is_list]
        return cls(schema, type_name, page, next(iter(by_key + nodes), None), batch_timeout_s)

    def pages(self, after: str | None, tenant: str | None = None) -> PageBatches:
        """Return the batches of all objects after a cursor. Raises HTTPError for a type without a page."""
        if self.page is None:
            raise bad_request(f"The model has no page of {self.type_name}: list what to export in ids.")
        return PageBatches(self, self.page, after, tenant or "")

    def listed(self, ids: Sequence[str]) -> ListedBatches:
        """Return the batches of listed objects. Raises HTTPError for a type that is not looked up by lists of keys."""
        if self.listing is None:
            raise bad_request(f"The model looks {self.type_name} up by no list of keys: leave out ids.")
        return ListedBatches(self, self.listing, ids)

    def selection(self) -> str:
        """Return what a line holds: all that GraphQL answers of the object with its defaults, and of objects that it
        links to their own columns. Lists of other objects are theirs to export.
        """
        return self._selection(self.type_name)

    def _selection(self, type_name: str, *, is_linked: bool = False) -> str:
        declared = self.schema._schema.type_map[type_name]
        fields = declared.fields if isinstance(declared, GraphQLObjectType) else {}
        parts = (self._part(name, field, is_linked=is_linked) for name, field in fields.items())
        return "{ " + " ".join(filter(None, parts)) + " }"

    def _part(self, name: str, field: GraphQLField, *, is_linked: bool) -> str:
        named = get_named_type(field.type)
        if field.deprecation_reason or _requires_arguments(field):
            return ""
        if is_leaf_type(named):
            return name
        if is_linked or not isinstance(named, GraphQLObjectType) or holds_objects(_origin(named)):
            return ""
        is_object = named.name in self.schema.model.objects
        if is_object and isinstance(get_nullable_type(field.type), GraphQLList):
            return ""
        return f"{name} {self._selection(named.name, is_linked=is_object)}"

    def points(self, query: str, variables: Mapping[str, Any], scopes: frozenset[str], tenant: str | None) -> int:
        """Return the price of a batch."""
        document = self.schema.documents.get(query)
        operation, _ = document.operation(None)
        core: Any = self.schema._schema
        values: Any = coerced(core, document.node, operation, dict(variables))  # type: ignore[arg-type]
        return self.schema.estimate(operation, document.fragments, values, scopes, tenant).points

    async def batch(
        self, stores: Stores, query: str, variables: Mapping[str, Any], scopes: frozenset[str], tenant: str | None
    ) -> Any:
        """Return what the only root field answers, by a deadline of this batch. Raises like `answer`, and HTTPError."""
        if self.batch_timeout_s is None:
            return await self.answer(stores, query, variables, scopes, tenant)
        deadline = RequestDeadline.beginning(asyncio.get_running_loop().time(), self.batch_timeout_s)
        try:
            with working_until(deadline.stores):
                async with deadline.answer.enforced():
                    return await self.answer(stores, query, variables, scopes, tenant)
        except TimeoutError:
            if deadline.answer.left_s():
                raise
            message = f"A batch was not loaded within {self.batch_timeout_s:g} s: go on after the last line."
            raise HTTPError(504, message, DEADLINE_EXCEEDED) from None

    async def answer(
        self, stores: Stores, query: str, variables: Mapping[str, Any], scopes: frozenset[str], tenant: str | None
    ) -> Any:
        """Return what the only root field answers. Raises the first of its errors."""
        context = open_context(stores, scopes, tenant)
        try:
            result: Any = await self.schema.execute(query, variable_values=dict(variables), context_value=context)
        finally:
            await context.release()
        try:
            if result.errors:
                raise result.errors[0]
            return next(iter(result.data.values()))
        finally:
            del result  # the error's traceback has this frame: the error would have itself


@dataclass(slots=True)
class PageBatches:
    """All objects in the order of the model's page.

    They go on after a line's cursor; where the page is ordered by the key alone, lines have none, and these go on after
    an id.
    """

    export: ObjectExport
    root: Root
    after: str | None
    tenant: str = ""

    def is_any(self) -> bool:
        """Return whether there may be any objects."""
        return True

    @property
    def query(self) -> str:
        selection = self.export.selection()
        nodes = f"nodes {selection}" if self._is_by_key else f"edges {{ cursor node {selection} }}"
        arguments = "first: $first, after: $after"
        field = f"{self.root.name}({arguments}) {{ {nodes} pageInfo {{ hasNextPage }} }}"
        return f"query Export($first: Int!, $after: String) {{ {field} }}"

    @property
    def variables(self) -> dict[str, Any]:
        limit = self.root.section.max if self.root.section is not None else BATCH
        after = self._cursor_after_key(self.after) if self._is_by_key and self.after is not None else self.after
        return {"first": min(BATCH, limit or BATCH), "after": after}

    @property
    def _is_by_key(self) -> bool:
        section = self.root.section
        return section is not None and section.default_order == section.tie_break

    def _cursor_after_key(self, text: str) -> str:
        """Return the cursor of the object with this key, which need not exist. Raises HTTPError where it is no key."""
        if self.root.section is None:
            raise TypeError(f"{self.root.name} is no page.")
        value = self.export.schema.model.objects[self.export.type_name].key.read(text)
        if value is None:
            raise bad_request("after must be an id.")
        values = value if isinstance(value, tuple) else (value,)
        cursors = self.export.schema.types.parts.arguments.cursors
        return cursors.seal(values, list_identity(section_request(self.root.section)), self.tenant)

    async def lines(
        self, stores: Stores, scopes: frozenset[str], tenant: str | None, charge: Charge, turn: Turn = nullcontext
    ) -> AsyncIterator[bytes]:
        """Yield a line for each object; each page but the first is charged before it is loaded."""
        name = export_name(self.export.type_name)
        while True:
            async with turn():
                page = await self.export.batch(stores, self.query, self.variables, scopes, tenant)
            for edge in page.get("edges") or ({"node": node} for node in page.get("nodes", ())):
                node = edge["node"]
                cursor = {"cursor": edge["cursor"]} if "cursor" in edge else {}
                self.after = edge.get("cursor", node["id"])
                yield orjson.dumps({"id": node["id"], **cursor, name: node}) + b"\n"
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

    def is_any(self) -> bool:
        """Return whether anything is listed."""
        return bool(self.ids)

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
        self, stores: Stores, scopes: frozenset[str], tenant: str | None, charge: Charge, turn: Turn = nullcontext
    ) -> AsyncIterator[bytes]:
        """Yield a line for each id; each batch but the first is charged before it is loaded."""
        name = export_name(self.export.type_name)
        while self.ids:
            async with turn():
                answer = await self.export.batch(stores, self.query, self.variables, scopes, tenant)
            for key, item in zip(self.ids[:BATCH], answer, strict=True):
                self.after = key
                yield orjson.dumps({"id": key, name: item}) + b"\n"
            self.ids = self.ids[BATCH:]
            if self.ids:
                await charge(self.export.points(self.query, self.variables, scopes, tenant))


Batches = PageBatches | ListedBatches


def _origin(declared: GraphQLObjectType) -> object:
    return getattr(declared.extensions.get("strawberry-definition"), "origin", None)


def _requires_arguments(field: GraphQLField) -> bool:
    return any(map(is_required_argument, field.args.values()))
