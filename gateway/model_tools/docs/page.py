"""The page of documentation of a model: what can be asked, where it comes from, what it costs, who may."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from gateway.model_tools.docs import schema_tables
from gateway.model_tools.docs.blocks import Block, Code, Heading, Paragraph, Text, joined, prose, table
from gateway.model_tools.docs.prices import LOAD_HEAD, load_row
from gateway.model_tools.docs.sources import CACHED_HEAD, database_name, freshness_text, tenant_text, zone_text
from gateway.model_tools.docs.type_pages import TypePages
from loaders.model.bound_sections import RECORD
from loaders.model.change_feeds import Polls
from resolvers.cost_estimate import OPERATION_POINTS, REQUEST_POINTS
from resolvers.roots import Root, RootKind

if TYPE_CHECKING:
    from gateway.schema import GatewaySchema
    from loaders.model.databases import Table
    from loaders.model.model import FieldsType, Model, ObjectType

_INTRODUCTION = (
    "This page is written from the model by `gateway model docs`. In SQL, braces are references: `{table by column}`"
    " are a table's rows of the objects that are asked for, `{table}` all its rows of the tenant, any other name an"
    " argument or another field."
)
_PRICES = (
    "Points are what the gateway's limits count: about ten microseconds of CPU each. A query costs"
    f" {REQUEST_POINTS + OPERATION_POINTS} beside its fields; a field's points here are those of its statements, where"
    " it is asked for alone, with default arguments and nothing cached. Fields over the same rows share one, so that"
    " together they cost less."
)
_CACHED = (
    "Answers are served from the cache while they are fresh, then for a time while a new one is loaded, and for a time"
    " where that fails: the three times are written one behind another, such as 1 min / 10 min / 1 day."
)


def page(schema: GatewaySchema) -> list[Block]:
    """Return the page of a schema's model. It is the same for the same model."""
    types = TypePages(schema)
    return list(_blocks(schema, types))


def _blocks(schema: GatewaySchema, types: TypePages) -> Iterator[Block]:
    model = schema.model
    yield Heading(1, f"The model {model.name}")
    yield Paragraph(prose(_INTRODUCTION))
    yield Paragraph((_PRICES,))
    yield Paragraph((_CACHED,))
    yield from _queries(schema)
    yield from types.objects()
    yield from types.groups()
    yield from types.sections()
    yield from types.filters_and_orders()
    yield from types.enums()
    yield from types.others()
    yield from _databases(model)
    yield from types.relations()
    yield from _scopes(model)
    yield from _errors(model)


def _queries(schema: GatewaySchema) -> Iterator[Block]:
    core = schema._schema
    yield Heading(2, "Queries")
    if core.query_type is not None:
        if core.query_type.description:
            yield Paragraph(prose(core.query_type.description))
        sources = {name: _root_source(schema.model, root) for name, root in schema.types.roots.items()}
        yield from schema_tables.fields(core.query_type.fields, sources)
        yield from schema_tables.arguments(core.query_type.fields, _root_bounds(schema.types.roots))
        yield from table(LOAD_HEAD, _root_loads(schema))
    if core.mutation_type is not None:
        yield Heading(2, "Mutations")
        yield from schema_tables.fields(core.mutation_type.fields)
        yield from schema_tables.arguments(core.mutation_type.fields, {})


def _root_source(model: Model, root: Root) -> Text:
    if root.kind is RootKind.RESOLVER:
        function = model.functions[root.function_name]
        return (
            Code(f"{function.function.__module__}.{function.function.__qualname__}"),
            f", {function.points:,g} points",
        )
    if root.kind is RootKind.NODE:
        return ("any object type",)
    kind = model.objects[root.object_type]
    if root.kind is RootKind.PAGE:
        return (Code(kind.table.name), ", page by page")
    if root.kind is RootKind.CURRENT:
        return (Code(kind.table.name), " by the tenant")
    columns = root.section.key_columns if root.section is not None else kind.key.columns
    return (Code(kind.table.name), " by ", *joined(Code(column) for column in columns))


def _root_loads(schema: GatewaySchema) -> Iterator[tuple[Text, ...]]:
    """Yield what each root field takes that finds objects of one type."""
    for name, root in schema.types.roots.items():
        if root.object_type and root.kind is not RootKind.RESOLVER:
            section = root.section or schema.model.bound_sections[f"{root.object_type}.{RECORD}"]
            yield load_row(schema.types.parts, (Code(name),), section)


def _root_bounds(roots: Mapping[str, Root]) -> dict[str, str]:
    sections = {name: root.section for name, root in roots.items() if root.kind is RootKind.PAGE}
    return {f"{name}.first": f"0 to {section.max:,}." for name, section in sections.items() if section is not None}


def _databases(model: Model) -> Iterator[Block]:
    yield Heading(2, "Databases and tables")
    yield from table(
        ("database", "its URL is in"),
        (((database_name(each),), (Code(each.variable),)) for each in model.databases),
    )
    yield from table(
        ("table", "database", "tenant", "time", "time zone", "version that counts", CACHED_HEAD, "changes", "needs"),
        (_table_row(each, model) for each in model.tables),
    )


def _table_row(each: Table, model: Model) -> tuple[Text, ...]:
    options = each.options
    return (
        (Code(each.name),),
        (database_name(each.database),),
        tenant_text(each, model),
        (Code(options.time),) if options.time else (),
        zone_text(each),
        ("greatest ", Code(options.latest)) if options.latest else (),
        (freshness_text(options.freshness),),
        _changes(each),
        (Code(options.scope),) if options.scope else (),
    )


def _changes(each: Table) -> Text:
    feed = each.options.changes
    if feed is None:
        return ()
    if isinstance(feed, Polls):
        return ("looked for by ", Code(feed.column), f" each {feed.every_s:g} s")
    return ("heard on the channel ", Code(feed.channel))


def _scopes(model: Model) -> Iterator[Block]:
    yield Heading(2, "Scopes")
    needed_for: dict[str, dict[Text, None]] = {scope: {} for scope in sorted(model.scopes)}
    for scope, what in _scope_uses(model):
        needed_for[scope][what] = None
    yield from table(("scope", "needed for"), (((Code(scope),), joined(uses)) for scope, uses in needed_for.items()))
    if not needed_for:
        yield Paragraph(("No field needs a scope.",))


def _scope_uses(model: Model) -> Iterator[tuple[str, Text]]:
    """Yield each scope with a table, a type or a field that says it."""
    yield from ((each.options.scope, (Code(each.name),)) for each in model.tables if each.options.scope)
    for kind in model.objects.values():
        yield from ((scope, (Code(kind.name), " (any of its scopes is enough)")) for scope in kind.readable_with)
    owners: list[ObjectType | FieldsType] = [*model.objects.values(), *model.groups.values()]
    for owner in owners:
        for field in owner.fields:
            scopes = sorted({field.option("scope") or "", *field.option("readable_with", ())} - {""})
            yield from ((scope, (Code(f"{owner.name}.{field.graphql_name}"),)) for scope in scopes)


def _errors(model: Model) -> Iterator[Block]:
    yield Heading(2, "Errors")
    yield Paragraph(("Each error of an answer has a ", Code("code"), " in its ", Code("extensions"), "."))
    stores = joined(database_name(each) for each in model.databases)
    rows: list[tuple[Text, Text, Text]] = [
        ((Code("FORBIDDEN"),), ("A field, a filter or an order needs a scope that the viewer lacks.",), ("null",)),
        (
            (Code("STORE_UNAVAILABLE"), ", ", Code("STORE_TIMEOUT")),
            ("A database is away, or late: ", *stores, "."),
            ("null, with one error for all objects; ask again",),
        ),
        ((Code("BAD_USER_INPUT"),), ("An argument is out of its bounds, or no value of its type.",), ("null",)),
        ((Code("LIMIT_EXCEEDED"),), ("The query is over a limit, such as its points.",), ("nothing is executed",)),
        (
            (Code("VALUE_UNREPRESENTABLE"),),
            ("The field's type cannot represent its value; the log has the error's ", Code("id"), "."),
            ("null",),
        ),
        (
            (Code("INTERNAL_SERVER_ERROR"),),
            ("Something went wrong; the log has the error's ", Code("id"), "."),
            ("null",),
        ),
    ]
    if model.tenant is not None:
        claim: Text = ("The viewer's token or API key has no ", Code(model.tenant.claim), ", which names the tenant.")
        rows.insert(0, ((Code("FORBIDDEN"),), claim, ("the request is refused with status 403",)))
    yield from table(("code", "when", "the field"), rows)
