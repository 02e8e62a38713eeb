"""Completing an author's options to the choices of a model: by questions, or with all that is missing at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar
from zoneinfo import available_timezones

from gateway.model_tools.scaffold.choices import Choices, SectionChoice, TableId, TenantChoice, tables_of
from gateway.model_tools.scaffold.matches import best_matches, is_sorted_by, matches_of
from gateway.model_tools.scaffold.selection import matching_tables, table_named
from gateway.model_tools.scaffold.tenants import recurring_columns, tenants_of
from gateway.model_tools.scaffold.words import singular, snake
from loaders.catalog.catalog import DatabaseCatalog, TableCatalog
from loaders.catalog.column_types import WITHOUT_ZONE, base_of_postgres
from loaders.errors import CallerError
from loaders.model.databases import Kind

Ask = Callable[[str], str]
"""Shows a question and returns what was typed, without the line's end."""
_Answer = TypeVar("_Answer")
_YES = ("y", "yes")
_EVERY = ("all", *_YES)
_NOTHING = ("", "n", "no", "none")
_NO_ZONE = "none"
_SHOWN = 40
"""Names of tables that a question lists."""


@dataclass(frozen=True, slots=True)
class NewOptions:
    """The options of `gateway model new` about the model itself, as they were given.

    Tables are patterns such as `shop.*`; `objects` are `TABLE=COLUMNS`, `sections` are `TABLE.COLUMNS=OTHER`. `is_all`
    chooses every table, `takes_matches` every offer about tables of ClickHouse. `zone` is the time zone of times that
    PostgreSQL keeps without one; "none" leaves these out.
    """

    name: str
    tables: Sequence[str] = ()
    schemas: Sequence[str] = ()
    is_all: bool = False
    without: Sequence[str] = ()
    tenant: str = ""
    claim: str = ""
    is_without_tenants: bool = False
    everyones: Sequence[str] = ()
    objects: Sequence[str] = ()
    sections: Sequence[str] = ()
    takes_matches: bool = False
    zone: str = ""


@dataclass(slots=True)
class _Completion:
    """A pass over the options. `ask` is None where nobody answers: what is missing is noted then."""

    options: NewOptions
    every: Mapping[TableId, TableCatalog]
    ask: Ask | None
    missing: list[str] = field(default_factory=list)


def complete(options: NewOptions, catalogs: Iterable[DatabaseCatalog], ask: Ask | None) -> Choices:
    """Return the choices. Raises CallerError for options that fit no table, or with a line for each missing one."""
    asked = _Completion(options, tables_of(catalogs), ask)
    chosen = _chosen_tables(asked)
    choices = Choices(options.name, frozenset(chosen), everyones=_named(asked, options.everyones))
    if chosen:
        choices = replace(choices, tenant=_tenant(asked, chosen))
        choices = replace(choices, everyones=choices.everyones | _more_of_everyone(asked, chosen, choices))
        choices = replace(choices, keys=_keys(asked, chosen), zone=_zone(asked, chosen))
        choices = replace(choices, sections=_sections(asked, chosen, choices))
    if asked.missing:
        raise CallerError("\n".join(["Some options are missing, and nobody can be asked:", *asked.missing]))
    return choices


def _chosen_tables(asked: _Completion) -> dict[TableId, TableCatalog]:
    options = asked.options
    patterns = [*options.tables, *(f"{schema}.*" for schema in options.schemas), *(["*"] if options.is_all else [])]
    if not asked.every:
        raise CallerError("The databases have no table that this account may read.")
    if not patterns:
        names = [str(table) for table in asked.every]
        shown = ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
        if asked.ask is None:
            asked.missing.append(f"  --table PATTERN, --schema NAME or --all: which of {len(names)} tables: {shown}")
            return {}
        chosen = answer(
            asked.ask,
            f"There are {len(names)} tables: {shown}.\nWhich of them (names or patterns such as shop.*; * is all)? ",
            lambda text: matching_tables(_words(text, every=["*"]) or ["*"], asked.every),
        )
    else:
        chosen = matching_tables(patterns, asked.every)
    unwanted = matching_tables(options.without, asked.every, may_match_none=True)
    return {table: catalog for table, catalog in asked.every.items() if table in chosen and table not in unwanted}


def _tenant(asked: _Completion, chosen: Mapping[TableId, TableCatalog]) -> TenantChoice | None:
    options = asked.options
    if options.tenant:
        if not any(options.tenant in catalog.columns for catalog in chosen.values()):
            raise CallerError(f"--tenant {options.tenant}: none of the chosen tables has this column.")
        return TenantChoice(options.tenant, options.claim or _claim(options.tenant))
    if options.is_without_tenants:
        return None
    offers = recurring_columns(chosen)
    if not offers:
        return None
    shown = ", ".join(f"{name} (in {count} of {len(chosen)} tables)" for name, count in offers)
    if asked.ask is None:
        column = offers[0][0]
        asked.missing.append(
            f"  --tenant {column} --claim {_claim(column)}, or --no-tenant: whether viewers see the rows of one tenant"
            f" only. Columns that may hold it: {shown}"
        )
        return None
    column = answer(
        asked.ask,
        f"Columns that may hold a tenant: {shown}.\nDo viewers see the rows of one tenant only? Then say the column"
        " that holds it (empty: all rows are everyone's): ",
        lambda text: _tenant_column(text, [name for name, _count in offers], chosen),
    )
    if not column:
        return None
    claim = asked.ask(f"The claim of a token that says the tenant (empty: {_claim(column)}): ")
    return TenantChoice(column, claim or _claim(column))


def _tenant_column(text: str, offers: Sequence[str], chosen: Mapping[TableId, TableCatalog]) -> str:
    """Return the column of an answer, empty for none; yes is the one that is offered, where there is no other."""
    column = text.strip()
    if any(column in catalog.columns for catalog in chosen.values()):
        return column
    if column.lower() in _NOTHING:
        return ""
    if column.lower() in _YES and len(offers) == 1:
        return offers[0]
    raise CallerError(f"{column} is a column of none of the chosen tables.")


def _more_of_everyone(
    asked: _Completion, chosen: Mapping[TableId, TableCatalog], choices: Choices
) -> frozenset[TableId]:
    """Return tables without a tenant that everyone may read; those that nobody is asked about are left out."""
    missing = tenants_of(chosen, choices).missing
    if not missing or asked.ask is None:
        return frozenset()
    shown = ", ".join(map(str, missing))
    return answer(
        asked.ask,
        f"Nothing says whose rows these are: {shown}.\nWhich of them may every tenant read (names or patterns; empty:"
        " none, they are left out)? ",
        lambda text: frozenset(matching_tables(_words(text, every=["*"]), missing)),
    )


def _keys(asked: _Completion, chosen: Mapping[TableId, TableCatalog]) -> dict[TableId, tuple[str, ...]]:
    """Return the keys that were said, of tables of ClickHouse too that hold objects."""
    specifications = list(asked.options.objects)
    unused = [table for table in chosen if table.kind is Kind.CLICKHOUSE]
    if unused and asked.ask is not None and not specifications and not asked.options.sections:
        likely = [f"{table}={key}" for table in unused if (key := _own_key(table, chosen[table]))]
        shown = f" These look so: {' '.join(likely)}." if likely else ""
        return answer(
            asked.ask,
            f"In ClickHouse are {', '.join(map(str, unused[:_SHOWN]))}. Have some a row for each key?{shown}\n"
            "Say these as TABLE=COLUMN (empty: none): ",
            lambda text: dict(_key(each, chosen) for each in _words(text, every=likely, mark=" ")),
        )
    return dict(_key(text, chosen) for text in specifications)


def _zone(asked: _Completion, chosen: Mapping[TableId, TableCatalog]) -> str:
    """Return the time zone of times without one, which nobody but the author knows; empty to leave these out."""
    columns = [
        f"{table}.{column.name}"
        for table, catalog in chosen.items()
        for column in catalog.columns.values()
        if table.kind is Kind.POSTGRES and base_of_postgres(column.type) == WITHOUT_ZONE
    ]
    zone = asked.options.zone
    if not columns:
        return ""
    if not zone and asked.ask is None:
        asked.missing.append(
            f"  --zone UTC, another time zone, or none to leave them out: of the type {WITHOUT_ZONE} are {columns[0]}"
            f" and others, {len(columns)} in all"
        )
    elif not zone and asked.ask is not None:
        return answer(
            asked.ask,
            f"Of the type {WITHOUT_ZONE} are {columns[0]} and others, {len(columns)} in all.\n"
            "The time zone that they are in, such as UTC (empty: they are left out): ",
            _known_zone,
        )
    return _known_zone(zone)


def _known_zone(text: str) -> str:
    zone = text.strip()
    if zone in ("", _NO_ZONE):
        return ""
    if zone not in available_timezones():
        raise CallerError(f"{zone} is no time zone, such as UTC or Europe/Vienna.")
    return zone


def _key(text: str, chosen: Mapping[TableId, TableCatalog]) -> tuple[TableId, tuple[str, ...]]:
    name, separator, columns = text.partition("=")
    if not separator:
        raise CallerError(f"--object {text}: write TABLE=COLUMN, or TABLE=COLUMN,COLUMN for a key of several.")
    table = table_named(name, chosen)
    return table, _known_columns(columns, table, chosen[table])


def _sections(
    asked: _Completion, chosen: Mapping[TableId, TableCatalog], choices: Choices
) -> tuple[SectionChoice, ...]:
    said = [_section(text, chosen) for text in asked.options.sections]
    objects = {
        table: keys
        for table, catalog in chosen.items()
        if (keys := choices.keys.get(table) or (catalog.primary_key if table.kind is Kind.POSTGRES else ()))
    }
    sections = list(said)
    tenant = choices.tenant.column if choices.tenant is not None else ""
    open_tables = [table for table in chosen if table.kind is Kind.CLICKHOUSE and table not in {s.table for s in said}]
    for table in open_tables:
        offers = best_matches(matches_of(table, chosen[table], objects, chosen), chosen[table], tenant)
        if asked.options.takes_matches:
            sections += offers
        elif asked.ask is not None:
            sections += [offer for offer in offers if answer(asked.ask, _offer(offer, chosen, tenant), _is_yes)]
        elif offers and table not in choices.keys:
            shown = " ".join(f"--section {_specification(offer)}" for offer in offers)
            asked.missing.append(
                f"  {shown} (or --yes): whose rows those of {table} are; --without {table} leaves it out"
            )
    return tuple(sections)


def _section(text: str, chosen: Mapping[TableId, TableCatalog]) -> SectionChoice:
    left, separator, other = text.partition("=")
    name, dot, columns = left.rpartition(".")
    if not separator or not dot:
        raise CallerError(f"--section {text}: write TABLE.COLUMN=OTHER, the table whose objects the column refers to.")
    table = table_named(name, chosen)
    return SectionChoice(table, _known_columns(columns, table, chosen[table]), table_named(other, chosen))


def _known_columns(text: str, table: TableId, catalog: TableCatalog) -> tuple[str, ...]:
    columns = tuple(each.strip() for each in text.split(",") if each.strip())
    unknown = [each for each in columns if each not in catalog.columns]
    if unknown or not columns:
        known = ", ".join(list(catalog.columns)[:_SHOWN])
        raise CallerError(f"{table} has no column {', '.join(unknown) or text!r}: it has {known}.")
    return columns


def _offer(offer: SectionChoice, chosen: Mapping[TableId, TableCatalog], tenant: str) -> str:
    is_served = is_sorted_by(offer, chosen[offer.table], tenant)
    price = "" if is_served else " It is not sorted by it, so that a request reads all of its rows."
    columns = ", ".join(offer.columns)
    return f"{offer.table} has {columns}.{price}\nSum its rows up for each row of {offer.owner} (Y/n)? "


def _specification(offer: SectionChoice) -> str:
    return f"{offer.table}.{','.join(offer.columns)}={offer.owner}"


def _own_key(table: TableId, catalog: TableCatalog) -> str:
    """Return the column that a table of ClickHouse is likely to know its rows by; empty where none looks so."""
    noun = singular(snake(table.name.rpartition(".")[2]))
    first = catalog.sorting_key[0] if catalog.sorting_key else ""
    return next((name for name in catalog.columns if name == first and snake(name) in ("id", f"{noun}_id")), "")


def _named(asked: _Completion, patterns: Sequence[str]) -> frozenset[TableId]:
    return frozenset(matching_tables(patterns, asked.every))


def _claim(column: str) -> str:
    return snake(column).removesuffix("_id").removesuffix("_uuid") or column


def answer(ask: Ask, question: str, read: Callable[[str], _Answer]) -> _Answer:
    """Return what was answered, as `read` has it from the text. What it refuses is asked again, with the reason."""
    text = ask(question)
    while True:
        try:
            return read(text)
        except CallerError as error:
            text = ask(f"{error}\n{question}")


def _words(text: str, *, every: Sequence[str], mark: str = ",") -> Sequence[str]:
    """Return the words of an answer; "all" and "yes" stand for `every`, and "no" and "none" for nothing."""
    word = text.strip().lower()
    if word in _EVERY:
        return every
    return [] if word in _NOTHING else text.replace(mark, " ").split()


def _is_yes(text: str) -> bool:
    word = text.strip().lower()
    if word not in ("", *_YES, *_NOTHING):
        raise CallerError(f"{text} is neither yes nor no.")
    return not word or word in _YES
