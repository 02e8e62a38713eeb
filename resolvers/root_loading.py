"""RequestValues root fields: reads what is asked below one, and loads it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from graphql.execution.collect_fields import FieldDetails
from graphql.execution.values import VariableValues

from loaders.model.bound_sections import COUNT
from loaders.model.key_texts import is_storable
from loaders.objects.existence import existing
from loaders.objects.object_record import ObjectRecord
from loaders.objects.section_error import SectionError
from loaders.statements.section_request import SectionRequest
from loaders.stores.errors import StoreError
from resolvers.connections import count_request, make_page
from resolvers.fields import Resolve
from resolvers.function_calls import answers_of, checked_answers, function_call, reference_key
from resolvers.function_fields import function_shape
from resolvers.object_loading import load_objects
from resolvers.object_types import parse_node_id
from resolvers.operations import OperationCache, operation_cache
from resolvers.roots import Root, RootKind
from resolvers.scopes import ForbiddenError, unmet_scopes
from resolvers.section_arguments import canonical
from resolvers.selection_reader import SelectionReader
from resolvers.selection_tree import Follow, Selection, SelectionNode, Target

if TYPE_CHECKING:
    from graphql import GraphQLResolveInfo

    from resolvers.request_context import RequestContext
    from resolvers.schema_parts import SchemaParts

NO_KEY: tuple[Any, ...] = ()
"""The only key of a page."""


def resolver_of(parts: SchemaParts, root: Root) -> Resolve:
    """Return the function that answers a root field."""
    load = _LOADS[root.kind]

    async def resolve(info: Any, arguments: Mapping[str, Any]) -> Any:
        return await load(parts, root, info, arguments)

    return resolve


def entry_node(request: SectionRequest, selection: Selection, count: SectionRequest | None = None) -> SelectionNode:
    """Return the node above the objects of a page or of a look-up, whose rows are their own records."""
    requests = frozenset([request]) if count is None else frozenset([request, count])
    target = Target(request.section.key_space, None)
    return SelectionNode(target, requests, (Follow(request, None, selection.node),))


def page_requests(
    parts: SchemaParts,
    root: Root,
    arguments: Mapping[str, Any],
    scopes: frozenset[str],
    tenant: str,
    *,
    is_counted: bool,
) -> tuple[SectionRequest, SectionRequest | None]:
    """Return the request of a page, and that of how many objects all pages have where it is counted."""
    if root.section is None:
        raise TypeError(f"{root.name} is no page.")
    request = parts.arguments.request(root.section, arguments, scopes=scopes, tenant=tenant)
    count = parts.model.bound_sections[f"{root.section.name}.{COUNT}"] if is_counted else None
    return request, None if count is None else count_request(count, request)


def remembered(
    known: OperationCache | None, key: tuple[object, ...], tenant: str, read: Callable[[], Selection]
) -> Selection:
    """Return the selection below a root field, read once an operation. One with cursors is cached for one tenant."""
    selection: Selection | None = None if known is None else known.get(key)
    if selection is None or selection.tenant not in (None, tenant):
        selection = read()
        if known is not None:
            known[key] = selection
    return selection


def selection_key(parts: SchemaParts, field_name: object, type_name: str) -> tuple[object, ...]:
    """Return the key of a selection in the cache of an operation, which belongs to a viewer's scopes."""
    return (Selection, id(parts), field_name, type_name)


def selected(parts: SchemaParts, info: GraphQLResolveInfo[Any], type_name: str, context: RequestContext) -> Selection:
    """Return what is asked of objects of a type below the root field that is being resolved."""
    # Strawberry hands resolvers the coerced values alone, graphql-core's functions want them in their container.
    variables: Any = info.variable_values

    def read() -> Selection:
        values = VariableValues({}, variables)
        reader = SelectionReader(
            parts, info.schema, info.operation, info.fragments, values, context.scopes, context.tenant
        )
        return reader.selection([FieldDetails(node, None) for node in info.field_nodes], info.return_type, type_name)

    if info.path.prev is not None:
        return read()
    known = operation_cache(info.operation, info.fragments, variables, context.scopes)
    return remembered(known, selection_key(parts, info.path.key, type_name), context.tenant, read)


async def _by_key(parts: SchemaParts, root: Root, info: Any, arguments: Mapping[str, Any]) -> Any:
    result = await _objects(parts, info, root.object_type, root.texts(arguments))
    return result if root.is_list else result[0]


async def _objects(parts: SchemaParts, info: Any, type_name: str, texts: Sequence[str]) -> list[Any]:
    """Return the objects of these ids, in order; None where nothing is known of one, or it cannot be a key.

    The error stands in the place of one of which it is not known whether it exists.
    """
    context: RequestContext = info.context
    node = selected(parts, info._raw_info, type_name, context).node
    return await _of_keys(context, node, node.target.key_space.key.read_all(texts))


async def _of_keys(context: RequestContext, node: SelectionNode, keys: Sequence[Any]) -> list[Any]:
    if node.target.record is None:
        raise TypeError(f"{node.target.key_space.name} is no object type.")
    known = [key for key in keys if key is not None]
    objects = existing(node.target.record, await load_objects(context, node, known))
    if len(known) == len(keys):
        return objects
    result = iter(objects)
    return [None if key is None else next(result) for key in keys]


async def _by_unique_column(parts: SchemaParts, root: Root, info: Any, arguments: Mapping[str, Any]) -> Any:
    context: RequestContext = info.context
    if root.section is None:
        raise TypeError(f"{root.name} looks nothing up.")
    selection = selected(parts, info._raw_info, root.object_type, context)
    request = parts.arguments.request(root.section, {}, scopes=context.scopes)
    node = entry_node(request, selection)
    keys = unique_keys(root, arguments)
    known = iter(await load_objects(context, node, [key for key in keys if key is not None]))
    result = [None if key is None else _value_or_error(next(known), request) for key in keys]
    return result if root.is_list else result[0]


def _value_or_error(record: ObjectRecord, request: SectionRequest) -> Any:
    try:
        return record.get(request)
    except SectionError as error:
        return error


def unique_keys(root: Root, arguments: Mapping[str, Any]) -> list[Any]:
    """Return the keys that a look-up lists, canonical; None for what cannot be one."""
    if root.section is None:
        raise TypeError(f"{root.name} looks nothing up.")
    values = root.texts(arguments)
    if root.columns:
        parts = [_key_part(part, name) for part, name in zip(values[0], root.columns, strict=True)]
        return [None if None in parts else tuple(parts)]
    if len(root.section.key.scalars) > 1:
        return root.section.key.read_all(values)
    return [_key_part(value, root.argument) for value in values]


def _key_part(value: Any, name: str) -> Any:
    """Return a value to look up by; None for one that no object can have."""
    return None if isinstance(value, str) and not is_storable(value) else canonical(value, name)


async def _page(parts: SchemaParts, root: Root, info: Any, arguments: Mapping[str, Any]) -> Any:
    context: RequestContext = info.context
    selection = selected(parts, info._raw_info, root.object_type, context)
    request, count = page_requests(
        parts, root, arguments, context.scopes, context.tenant, is_counted=selection.is_counted
    )
    (entry,) = await load_objects(context, entry_node(request, selection, count), [NO_KEY])
    total: Any = None
    if count is not None:
        row = _value_or_error(entry, count)
        total = row if isinstance(row, StoreError) else row[0]
    return make_page(request, entry.get(request), selection.node.target.record, total)


async def _current(parts: SchemaParts, root: Root, info: Any, _arguments: Mapping[str, Any]) -> Any:
    context: RequestContext = info.context
    node = selected(parts, info._raw_info, root.object_type, context).node
    tenant = context.loaders.tenant
    return (await _of_keys(context, node, [None if tenant is None else tenant.value]))[0]


async def _function(parts: SchemaParts, root: Root, info: Any, arguments: Mapping[str, Any]) -> Any:
    """Call a function once, and load the objects that it refers to."""
    context: RequestContext = info.context
    call = function_call(parts.model, root.function_name, function_shape(root.field), arguments)
    answer = await answers_of(call, {}, context)
    if not call.target:
        (value,) = checked_answers(call, [answer], 1)
        return value
    return await objects_of_references(parts, info, context, call.name, call.target, answer, is_list=root.is_list)


async def objects_of_references(
    parts: SchemaParts, info: Any, context: RequestContext, name: str, target: str, answer: Any, *, is_list: bool
) -> Any:
    """Return the objects that an answer refers to, with what is selected of them; None where one is not known.

    Raises FunctionAnswerError, which names the field, for what is no reference to an object of the target's type.
    """
    if answer is None:
        return None
    node = selected(parts, info._raw_info, target, context).node
    key = node.target.key_space.key
    references = list(answer) if is_list else [answer]
    keys = [None if each is None else reference_key(name, target, key, each) for each in references]
    result = await _of_keys(context, node, keys)
    return result if is_list else result[0]


async def _nodes(parts: SchemaParts, root: Root, info: Any, arguments: Mapping[str, Any]) -> Any:
    """Return objects of any type; None where nothing is known of an id, or it names no type.

    In place of an object of a type that the request may not read there is a ForbiddenError, for its own path.
    """
    context: RequestContext = info.context
    ids = [parse_node_id(text) for text in root.texts(arguments)]
    texts: dict[str, list[str]] = {}
    for each in ids:
        if each is not None and each[0] in parts.model.objects:
            texts.setdefault(each[0], []).append(each[1])
    result: dict[tuple[str, str], Any] = {}
    loads = (_nodes_of_type(parts, info, type_name, keys, context.scopes) for type_name, keys in texts.items())
    for of_type in await asyncio.gather(*loads):
        result |= of_type
    nodes = [None if each is None else result.get(each) for each in ids]
    if root.is_list:
        return nodes
    if isinstance(nodes[0], Exception):
        raise nodes[0]
    return nodes[0]


async def _nodes_of_type(
    parts: SchemaParts, info: Any, type_name: str, keys: Sequence[str], scopes: frozenset[str]
) -> dict[tuple[str, str], Any]:
    unmet = unmet_scopes(parts.object_scopes(type_name), scopes)
    if unmet:
        return {(type_name, key): ForbiddenError(f"{type_name}:{key}"[:40], *unmet) for key in keys}
    node_class = parts.registry[type_name].node_class
    objects = await _objects(parts, info, type_name, keys)
    return {
        (type_name, key): node_class(each.key, each.values, each.place) if isinstance(each, ObjectRecord) else each
        for key, each in zip(keys, objects, strict=True)
    }


_LOADS: Mapping[RootKind, Callable[..., Any]] = {
    RootKind.KEY: _by_key,
    RootKind.UNIQUE: _by_unique_column,
    RootKind.NODE: _nodes,
    RootKind.PAGE: _page,
    RootKind.CURRENT: _current,
    RootKind.RESOLVER: _function,
}
