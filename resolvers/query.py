"""The query type: where every request begins."""

from collections.abc import Sequence
from typing import Annotated

import strawberry

from resolvers.aircraft import Aircraft, load_aircraft
from resolvers.airlines import Airline
from resolvers.airports import Airport
from resolvers.context import Info
from resolvers.fleet import DEFAULT_PAGE, MAX_PAGE, AircraftConnection, FleetFilter, FleetOrder, fleet_page
from resolvers.nodes import NODE_TYPES, Node, parse_node_id
from resolvers.scopes import READ_SCOPES, ForbiddenError, RequiresScope, Scope

_TailNumber = Annotated[strawberry.ID, strawberry.argument(description="Tail number, such as N725MQ.")]
_Code = Annotated[strawberry.ID, strawberry.argument(description="The code, such as JFK or UA.")]


@strawberry.type(description="Where every query begins.")
class Query:
    """Each field is five lines or fewer: check, load, return."""

    @strawberry.field(
        description="One aircraft; null where nothing is known of it.", extensions=[RequiresScope(*READ_SCOPES)]
    )
    async def aircraft(self, info: Info, tail_number: _TailNumber) -> Aircraft | None:
        """Shares its statements with every other aircraft of the query."""
        return (await load_aircraft(info, [tail_number]))[0]  # type: ignore[return-value]  # resolved from what was loaded

    @strawberry.field(
        description="Aircraft in the order asked; null where nothing is known of an id. An id that is asked twice is"
        " answered twice and loaded once.",
        extensions=[RequiresScope(*READ_SCOPES)],
    )
    async def aircraft_by_ids(
        self,
        info: Info,
        ids: Annotated[list[strawberry.ID], strawberry.argument(description="Tail numbers, at most 500 by default.")],
    ) -> list[Aircraft | None]:
        """The dashboard's field."""
        return await load_aircraft(info, ids)  # type: ignore[return-value]  # resolved from what was loaded

    @strawberry.field(
        description="The tracked aircraft, page by page (Relay).", extensions=[RequiresScope(Scope.REGISTER)]
    )
    async def fleet(
        self,
        info: Info,
        first: Annotated[
            int | None, strawberry.argument(description=f"Aircraft on the page, 0 to {MAX_PAGE:,}.")
        ] = DEFAULT_PAGE,
        after: Annotated[
            str | None, strawberry.argument(description="Cursor that the page follows.")
        ] = strawberry.UNSET,
        filter: Annotated[FleetFilter | None, strawberry.argument(description="Which aircraft.")] = strawberry.UNSET,  # noqa: A002
        order_by: Annotated[FleetOrder | None, strawberry.argument(description="In which order.")] = strawberry.UNSET,
    ) -> AircraftConnection:
        """Pages run along an index."""
        return await fleet_page(info, first, after or None, filter or None, order_by or None)

    @strawberry.field(
        description="An airport; null where the register of airports lacks it.",
        extensions=[RequiresScope(Scope.REGISTER)],
    )
    async def airport(self, info: Info, code: _Code) -> Airport | None:
        """By its code."""
        return await info.context.loaders.airports.load(code)  # type: ignore[return-value]  # resolved from the record

    @strawberry.field(
        description="An airline; null where the register of airlines lacks it.",
        extensions=[RequiresScope(Scope.REGISTER)],
    )
    async def airline(self, info: Info, code: _Code) -> Airline | None:
        """By its code."""
        return await info.context.loaders.airlines.load(code)  # type: ignore[return-value]  # resolved from the record

    @strawberry.field(
        description="Anything by its `nodeId`, such as Aircraft:N725MQ; null where nothing is known of it.",
        extensions=[RequiresScope(*READ_SCOPES)],
    )
    async def node(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="A `nodeId`: `Aircraft:N725MQ`.")],  # noqa: A002
    ) -> Node | None:
        """Null where nothing is known of it."""
        return (await load_nodes(info, [id]))[0]

    @strawberry.field(
        description="Several nodes, in the order asked; null where nothing is known of an id.",
        extensions=[RequiresScope(*READ_SCOPES)],
    )
    async def nodes(
        self,
        info: Info,
        ids: Annotated[list[strawberry.ID], strawberry.argument(description="Each a `nodeId`: `Aircraft:N725MQ`.")],
    ) -> list[Node | None]:
        """One batch a type."""
        return await load_nodes(info, ids)


async def load_nodes(info: Info, ids: Sequence[str]) -> list[Node | None]:
    """Nodes by `Type:key`, in the order of the ids; None where nothing is known of an id, or it names no type.

    In place of an airport or an airline that the request may not read there is a ForbiddenError, for its own path.
    """
    asked = [parse_node_id(one) for one in ids]
    keys: dict[str, list[str]] = {type_name: [] for type_name in NODE_TYPES}
    for kind, key in filter(None, asked):
        keys[kind].append(key)
    loaders = info.context.loaders
    found: dict[tuple[str, str], object] = {}
    if keys["Aircraft"]:
        found |= _indexed("Aircraft", keys, await load_aircraft(info, keys["Aircraft"]))
    for kind, loader in (("Airport", loaders.airports), ("Airline", loaders.airlines)):
        if Scope.REGISTER not in info.context.scopes:
            found |= {(kind, key): ForbiddenError(f"{kind}:{key}"[:40], Scope.REGISTER) for key in keys[kind]}
        elif keys[kind]:
            found |= _indexed(kind, keys, await loader.load_many(keys[kind]))
    # Airports and airlines are resolved from records.
    return [None if one is None else found[one] for one in asked]  # type: ignore[misc]


def _indexed(kind: str, keys: dict[str, list[str]], records: Sequence[object]) -> dict[tuple[str, str], object]:
    return {(kind, key): record for key, record in zip(keys[kind], records, strict=True)}
