"""Aircraft, the tracked objects."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, cast

import strawberry

from loaders.catalogue.declaration import Kind
from loaders.catalogue.network import MainCarrier, MainOrigin
from loaders.catalogue.register import Registration, Revisions
from loaders.planning import Request
from loaders.planning.request import request
from loaders.sections import Loaded, values_of
from resolvers.airlines import Airline
from resolvers.airports import Airport
from resolvers.analysis import Analysis, AnalysisOf, section_field
from resolvers.arguments import PeriodInput, period_of
from resolvers.batching import BATCH
from resolvers.context import Info, RequestContext
from resolvers.nodes import Node
from resolvers.selection import KNOWN, selected_of_aircraft

_MAIN_CARRIER = request(MainCarrier)
_MAIN_ORIGIN = request(MainOrigin)


def _tail_numbers(parents: Sequence["Aircraft"], _arguments: Mapping[str, Any], _context: object) -> Sequence[str]:
    return [parent.loaded.tail_number for parent in parents]


def _operators(parents: Sequence["Aircraft"], _arguments: Mapping[str, Any], context: RequestContext) -> Sequence[Any]:
    return _linked(Kind.AIRLINE, _MAIN_CARRIER, parents, context)


def _home_bases(parents: Sequence["Aircraft"], _arguments: Mapping[str, Any], context: RequestContext) -> Sequence[Any]:
    return _linked(Kind.AIRPORT, _MAIN_ORIGIN, parents, context)


def _linked(kind: Kind, asked: Request, parents: Sequence["Aircraft"], context: RequestContext) -> Sequence[Any]:
    get = context.links.get
    return [get(kind, row[0]) for row in values_of([parent.loaded for parent in parents], asked)]


def _analyses(parents: Sequence["Aircraft"], arguments: Mapping[str, Any], _context: object) -> Sequence[AnalysisOf]:
    period = period_of(arguments.get("period"))
    return [AnalysisOf(parent.loaded, period) for parent in parents]


@strawberry.type(description="An aircraft that is tracked.")
class Aircraft(Node):
    """Resolved from the sections that were loaded for it."""

    loaded: strawberry.Private[Loaded]

    @classmethod
    def is_type_of(cls, obj: Any, _info: object) -> bool:
        """Asked for every aircraft of an answer, where Strawberry's own takes longer than all else."""
        return isinstance(obj, cls)

    @strawberry.field(description="The tail number.", metadata={BATCH: _tail_numbers})
    def id(self) -> strawberry.ID:
        """The key."""
        return strawberry.ID(self.loaded.tail_number)

    @strawberry.field(description="The mark on the tail, such as N725MQ.", metadata={BATCH: _tail_numbers})
    def tail_number(self) -> str:
        """The key."""
        return self.loaded.tail_number

    registration: Any = section_field(Registration, lambda root: AnalysisOf(root.loaded, None))
    revisions: Any = section_field(Revisions, lambda root: AnalysisOf(root.loaded, None), always=True)

    @strawberry.field(
        description="The airline that flew most of its flights, the lowest code of equals; null with none.",
        metadata={BATCH: _operators},
    )
    def operator(self, info: Info) -> Airline | None:
        """A link."""
        return cast("Airline | None", _operators([self], {}, info.context)[0])

    @strawberry.field(
        description="The airport with most of its departures, the lowest code of equals; null with none.",
        metadata={BATCH: _home_bases},
    )
    def home_base(self, info: Info) -> Airport | None:
        """A link."""
        return cast("Airport | None", _home_bases([self], {}, info.context)[0])

    @strawberry.field(
        description="The analysis, section by section.", graphql_type=Analysis, metadata={BATCH: _analyses}
    )
    def analysis(
        self,
        period: Annotated[
            PeriodInput | None, strawberry.argument(description="Narrows the analysis to the flights of these dates.")
        ] = strawberry.UNSET,
    ) -> AnalysisOf:
        """Its sections are already loaded."""
        return _analyses([self], {"period": period or None}, None)[0]


async def load_aircraft(
    info: Info, ids: Sequence[str], paths: Iterable[tuple[str, ...]] = ((),)
) -> list[Aircraft | None]:
    """Aircraft by tail number, in the order of the ids, with all that the query asks of them; None where unknown.

    `paths` are the field names that lead from the field being resolved to the aircraft. Two waves: the sections, fused,
    then what they link to.
    """
    selection = selected_of_aircraft(info._raw_info, paths)
    loaders = info.context.loaders
    loaded = await loaders.sections.load((tuple(ids), selection.requests)) if ids else []
    is_known = loaded[0].column(KNOWN) if loaded else ()
    known = [one if is_known[one.place] is not None else None for one in loaded]
    await info.context.links.follow(selection.links, [one for one in known if one is not None])
    return [None if one is None else Aircraft(loaded=one) for one in known]
