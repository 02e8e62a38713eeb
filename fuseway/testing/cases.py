"""Cases of generated tests: what of a model each is about, chosen without a database."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from random import Random
from typing import TYPE_CHECKING, TypeVar

from fuseway.testing.queries import QueryMaker, Seen
from fuseway.testing.routes import Routes
from gateway.schema import build_schema
from loaders.model.loading import load_model

if TYPE_CHECKING:
    from graphql import GraphQLSchema

    from loaders.model.model import Model

CASES = "fuseway_cases"
"""The attribute of a generated test that holds the function which returns its cases."""
Case = TypeVar("Case")
Function = TypeVar("Function", bound=Callable[..., object])


@dataclass(frozen=True, slots=True)
class CheckedModel:
    """A model with what generated tests are made from. `open_fields` are those that anybody may read."""

    model: Model
    schema: GraphQLSchema
    routes: Routes
    open_fields: frozenset[str] = frozenset()

    @classmethod
    def of(cls, model: Model, open_fields: Iterable[str] = ()) -> CheckedModel:
        """Return what is made from a model."""
        schema = build_schema(model)._schema
        return cls(model, schema, Routes(schema, model), frozenset(open_fields))

    @property
    def maker(self) -> QueryMaker:
        """Return a maker of queries that has seen nothing yet."""
        return QueryMaker(self.schema, self.routes, Seen())


@lru_cache(maxsize=8)
def checked_model(target: str, open_fields: tuple[str, ...]) -> CheckedModel:
    """Return a model with what generated tests are made from, once for a target."""
    return CheckedModel.of(load_model(target), open_fields)


def cases(make: Callable[[CheckedModel], Iterable[object]]) -> Callable[[Function], Function]:
    """Mark a test as generated: it is run for each case that the function returns, which is its argument `case`."""

    def mark(function: Function) -> Function:
        setattr(function, CASES, make)
        return function

    return mark


def chosen(every: Sequence[Case], count: int, seed: int) -> list[Case]:
    """Return so many cases at most, in their order, chosen by the seed."""
    if len(every) <= count:
        return list(every)
    places = sorted(Random(seed).sample(range(len(every)), count))  # noqa: S311 (nothing secret)
    return [every[place] for place in places]
