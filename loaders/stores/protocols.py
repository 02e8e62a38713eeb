"""The seam between loaders and stores: what a loader may ask, so that a test can stand in and count the statements."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

ANSWER_ROWS = "answer_rows"
"""The column that proves an answer of ClickHouse to be whole: in each row, the number of all rows of the answer."""

DATABASE_PARAMETER = "fw_database"
"""The parameter by which a statement of ClickHouse names the database of the URL: `{fw_database:Identifier}`. The store
binds it."""


def with_row_count(sql: str) -> str:
    """Return the statement with a column `ANSWER_ROWS` around it, in its own order.

    The order has to be asked for again, by the place of each row: ClickHouse does not keep that of a sub-select, since
    it goes on in several threads behind a window function.
    """
    return (
        f"select * except (answer_place), count() over () as {ANSWER_ROWS}\n"
        f"from (\nselect *, rowNumberInAllBlocks() as answer_place\nfrom (\n{sql}\n)\n)\norder by answer_place"
    )


class Row(Protocol):
    """One row: values by column name, or all of them in the order of the select list."""

    def __getitem__(self, key: str, /) -> Any: ...

    def __iter__(self) -> Iterator[Any]: ...


@dataclass(frozen=True, slots=True)
class Columns:
    """An answer column by column: `columns[i]` holds the values of `names[i]`, one for each row, all of one length.

    An answer without a row has neither names nor columns. `types` are those of the columns as the database names them,
    where the store knows them; a reader without them looks at the values.
    """

    names: tuple[str, ...]
    columns: Sequence[Sequence[Any]]
    types: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TypedColumns:
    """An answer column by column, with the types of the columns as the database names them; known without rows too."""

    names: tuple[str, ...]
    types: tuple[str, ...]
    columns: Sequence[Sequence[Any]]


class RelationalStore(Protocol):
    """PostgreSQL, as loaders see it."""

    async def rows(self, sql: str, *arguments: object) -> Sequence[Row]:
        """Run one statement with arguments for `$1`, `$2`, …; its rows in the statement's order, `[]` where none."""
        ...


class AnalyticalStore(Protocol):
    """ClickHouse, as loaders see it."""

    async def columns(self, sql: str, parameters: Mapping[str, object]) -> Columns:
        """Run one statement with parameters for `{name:Type}`; no columns where there is no row.

        A statement may have a column `ANSWER_ROWS` of its own, which is cheaper than the one that is added otherwise;
        it is not among the columns that are returned.
        """
        ...


class TypedRelationalStore(RelationalStore, Protocol):
    """PostgreSQL that says the types of an answer's columns too, as loaders of objects see it."""

    async def typed_columns(self, sql: str, *arguments: object) -> TypedColumns:
        """Run one statement like `rows`; its columns with their types, such as `uuid` or `text[]`."""
        ...

    async def describe(self, sql: str) -> TypedColumns:
        """Return the columns of a statement with their types and without rows. It is prepared, and not run."""
        ...

    async def explain(self, sql: str, *arguments: object) -> Any:
        """Return the plan of a statement, which is not run. It fails where the account may not read all of it."""
        ...


class TypedAnalyticalStore(AnalyticalStore, Protocol):
    """ClickHouse that says the types of an answer's columns too, as loaders of objects see it."""

    async def typed_columns(self, sql: str, parameters: Mapping[str, object]) -> TypedColumns:
        """Run one statement like `columns`; its columns with their types, such as `Nullable(UUID)`."""
        ...

    async def describe(self, sql: str, parameters: Mapping[str, object], *, reads_little: bool = False) -> TypedColumns:
        """Return the columns of a statement with their types and without rows. It is analyzed, and not run.

        Its scalar sub-selects are run all the same; with `reads_little`, those that read much fail.
        """
        ...
