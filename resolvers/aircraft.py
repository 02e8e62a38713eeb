"""Aircraft, the tracked objects."""

from collections.abc import Mapping, Sequence
from itertools import repeat
from typing import Annotated, Any, cast

import strawberry

from loaders.catalogue.declaration import Kind
from loaders.catalogue.network import MainCarrier, MainOrigin
from loaders.catalogue.register import Registration, Revisions
from loaders.planning import SectionRequest
from loaders.planning.section_request import section_request
from loaders.sections import Loaded, values_of
from resolvers.airlines import Airline
from resolvers.airports import Airport
from resolvers.analysis import Analysis, AnalysisOf, section_field
from resolvers.arguments import PeriodInput, period_of
from resolvers.batching import BATCH, by_class
from resolvers.context import Info, RequestContext
from resolvers.deferred import when_there
from resolvers.nodes import Node, node_id_field
from resolvers.scopes import RequiresScope, Scope
from resolvers.selection import KNOWN, Selection, selected_of_aircraft

_MAIN_CARRIER = section_request(MainCarrier)
_MAIN_ORIGIN = section_request(MainOrigin)


def _tail_numbers(parents: Sequence[Loaded], _arguments: Mapping[str, Any], _context: object) -> Sequence[str]:
    return [tail_number for tail_number, _, _ in parents]


def _operators(parents: Sequence[Loaded], _arguments: Mapping[str, Any], context: RequestContext) -> Sequence[Any]:
    return _linked(Kind.AIRLINE, _MAIN_CARRIER, parents, context)


def _home_bases(parents: Sequence[Loaded], _arguments: Mapping[str, Any], context: RequestContext) -> Sequence[Any]:
    return _linked(Kind.AIRPORT, _MAIN_ORIGIN, parents, context)


def _linked(kind: Kind, asked: SectionRequest, parents: Sequence[Loaded], context: RequestContext) -> Sequence[Any]:
    return when_there(values_of(parents, asked), lambda rows: context.links.records(kind, [row[0] for row in rows]))


def _analyses(parents: Sequence[Loaded], arguments: Mapping[str, Any], _context: object) -> Sequence[AnalysisOf]:
    return list(zip(parents, repeat(period_of(arguments.get("period")))))


@strawberry.type(description="An aircraft that is tracked.")
class Aircraft(Node):
    """Resolved from what was loaded of it: `self` is a Loaded."""

    @classmethod
    @by_class
    def is_type_of(cls, obj: Any, _info: object) -> bool:
        """What was loaded is the type's value."""
        return isinstance(obj, Loaded)

    @strawberry.field(description="The tail number.", metadata={BATCH: _tail_numbers})
    def id(self) -> strawberry.ID:
        """The key."""
        return strawberry.ID(self.tail_number)

    node_id: strawberry.ID = node_id_field("Aircraft", _tail_numbers)
    registration: Any = section_field(Registration, of_aircraft=True)
    revisions: Any = section_field(Revisions, of_aircraft=True, always=True)
    tail_number: str = strawberry.field(
        description="The mark on the tail, such as N725MQ.", metadata={BATCH: _tail_numbers}
    )

    @strawberry.field(
        description="The airline that flew most of its flights, the lowest code of equals; null with none.",
        metadata={BATCH: _operators},
        extensions=[RequiresScope(Scope.REGISTER)],
    )
    def operator(self, info: Info) -> Airline | None:
        """A link."""
        return cast("Airline | None", _operators([cast("Loaded", self)], {}, info.context)[0])

    @strawberry.field(
        description="The airport with most of its departures, the lowest code of equals; null with none.",
        metadata={BATCH: _home_bases},
        extensions=[RequiresScope(Scope.REGISTER)],
    )
    def home_base(self, info: Info) -> Airport | None:
        """A link."""
        return cast("Airport | None", _home_bases([cast("Loaded", self)], {}, info.context)[0])

    @strawberry.field(
        description="The analysis, section by section.",
        graphql_type=Analysis,
        metadata={BATCH: _analyses},
        extensions=[RequiresScope(Scope.ANALYSIS)],
    )
    def analysis(
        self,
        period: Annotated[
            PeriodInput | None, strawberry.argument(description="Narrows the analysis to the flights of these dates.")
        ] = strawberry.UNSET,
    ) -> AnalysisOf:
        """Its sections are already loaded."""
        return _analyses([cast("Loaded", self)], {"period": period or None}, None)[0]


async def load_aircraft(info: Info, ids: Sequence[str], selection: Selection | None = None) -> list[Loaded | None]:
    """Aircraft by tail number, in the order of the ids, with all that the query asks of them; None where unknown.

    `selection` is what is asked, where it is not that of the field being resolved. Two waves: the sections, fused, then
    what they link to. What only deferred parts ask is loaded after the sections, fused too, and is not waited for.
    """
    selection = selection or selected_of_aircraft(info._raw_info)
    loaders = info.context.loaders
    loaded = await loaders.sections.load((tuple(ids), selection.requests)) if ids else []
    is_known = loaded[0].column(KNOWN) if loaded else ()
    known = [one if is_known[one.place] is not None else None for one in loaded]
    if selection.deferred is not None:
        known = _deferring(info.context, known, selection.deferred)
    await info.context.links.load(selection.links, [one for one in known if one is not None])
    return known


def _deferring(context: RequestContext, aircraft: Sequence[Loaded | None], asked: Selection) -> list[Loaded | None]:
    """The aircraft, with what is asked of them begun to be loaded."""
    known = [one for one in aircraft if one is not None]
    if not known:
        return list(aircraft)
    deferring = iter(context.deferred.begin(known, asked.requests, _load_deferred(context, known, asked)))
    return [None if one is None else next(deferring) for one in aircraft]


async def _load_deferred(context: RequestContext, aircraft: Sequence[Loaded], asked: Selection) -> Sequence[Loaded]:
    loaded = await context.loaders.sections.load((tuple(one.tail_number for one in aircraft), asked.requests))
    await context.links.load(asked.links, loaded)
    return loaded
