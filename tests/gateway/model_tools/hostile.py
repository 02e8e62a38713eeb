"""A model whose descriptions, units and labels try to get out of the page that documents them."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Any

import strawberry

import fuseway as m

TEXT = """<script>alert("x")</script> | a & b | **bold** _under_ [x](javascript:alert(1)) ![y](z) `co|de` $1$ ~~no~~ \\ </td>"""

db = m.Postgres()
things = db.table('public."T|<b>`x`"', scope="thing:read")


class Label(Enum):
    """A label."""

    ONE, TWO = "<i>one|`one`</i>", "two"


class Thing(m.Object, table=things):
    __doc__ = f"# {TEXT}"

    id: int = m.key()
    name: str = m.column('a"b'.replace('"', ""), TEXT, unit="<b>|", deprecated=TEXT)
    label: Label


class Things(m.Section, over=things, where="name <> '<b>|`'"):
    __doc__ = f"1. {TEXT}"

    count: int = m.sql("count(*) filter (where name <> '</code>|``' || '')", TEXT)


def _length(id: Sequence[int], unit: str = "<b>") -> list[int]:  # noqa: A002
    return [len(unit)] * len(id)


class Owner(m.Object, table=db.table("public.owners")):
    """An owner."""

    id: int = m.key()
    things: Things = m.section("owner_id")
    sections: list[Thing] = m.many("owner_id", order="id")
    length: int = m.resolver(_length, points=3)


def _best(viewer: m.Viewer) -> Any:
    return m.ref(Owner, 1) if viewer.scopes else None


class Query(m.Query):
    __doc__ = TEXT

    owner: Owner | None = m.by_key()
    best: Owner | None = m.resolver(_best, points=2.5)


@strawberry.type
class Mutation:
    """Changes."""

    @strawberry.mutation
    def rename(self, id: int, name: str = "<b>") -> Owner | None:  # noqa: A002, ARG002
        """Answer the owner."""
        return m.ref(Owner, id)


model = m.Model("hostile", query=Query, types=[Owner, Thing], mutation=Mutation)
