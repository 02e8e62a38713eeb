"""PostgreSQL's statements: the object sections of a source fused, a list of rows on its own."""

from collections.abc import Sequence
from functools import partial
from typing import cast

from loaders.catalogue.declaration import ListSection
from loaders.planning.section_request import SectionRequest
from loaders.planning.statement import Statement, fused_reader, read_rows


def fused(requests: Sequence[SectionRequest]) -> Statement:
    """One statement for object sections over one source, which has at most one row a key."""
    relation = requests[0].section.relation
    columns = [f"{relation.key} as key"]
    for request in requests:
        name = request.section.name
        wanted = (column for column in request.section.columns if request.wants(column))
        columns += [f"{column.sql} as {name}__{column.name}" for column in wanted]
    listed = ",\n    ".join(columns)
    sql = f"select {listed}\nfrom {relation.sql}\nwhere {relation.key} = any($1::text[])"
    return Statement(relation.source, sql, {}, tuple(requests), fused_reader(requests), (tuple(requests),))


def rows(request: SectionRequest) -> Statement:
    """One statement for the first rows of each key, each key's found on the index that its order runs along."""
    section = cast("type[ListSection]", request.section)
    relation = section.relation
    columns = ", ".join(f"{column.sql} as {column.name}" for column in section.columns)
    order = ", ".join(section.order)
    sql = (
        f"select asked.key, listed.*\n"
        f"from unnest($1::text[]) as asked(key)\n"
        f"cross join lateral (\n"
        f"    select {columns}\n    from {relation.sql}\n    where {relation.key} = asked.key\n"
        f"    order by {order}\n    limit $2\n"
        f") as listed\n"
        f"order by asked.key, {order}"
    )
    read = partial(read_rows, request)
    return Statement(relation.source, sql, {"first": request.first}, (request,), read, ((request,),))
