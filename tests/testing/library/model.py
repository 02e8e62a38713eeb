"""Libraries of several cities: their readers, what these borrow, and when they come."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import fuseway as m

RECORDS = m.Freshness(fresh_s=60, stale_while_revalidate_s=600, stale_if_error_s=86_400)

db, web = m.Postgres(), m.ClickHouse("doors")
city = m.Tenant(claim="city", column="city_id", type=int)

readers = db.table("library.readers", scope="reader:read", freshness=RECORDS)
loans = db.table("library.loans", scope="loan:read", freshness=RECORDS)
visits = web.table("visits", time="day", scope="visit:read", freshness=RECORDS)


class LoanSums(m.Section, over=loans):
    """Sums of what a reader borrowed."""

    loans: int = m.sql("count(*)", "Loans.", unit="loans")
    fees: Decimal | None = m.sql("sum(fee)", "Sum of their fees.", unit="EUR")


class Visits(m.Section, over=visits):
    """Visits to a library."""

    visits: int = m.sql("count()", "All of them.", unit="visits")
    pages: float | None = m.sql("avg(pages)", "Mean of the pages that were printed.", unit="pages")


class VisitMonth(m.Section, over=visits):
    """Visits of a month."""

    month: dt.date = m.group_by("toStartOfMonth(day)", "Its first day.")
    visits: int = m.sql("count()", "Visits in it.", unit="visits")


class LoanFilter(m.Filter):
    """Which loans."""

    lent_from: dt.datetime = m.at_least("lent_at")
    lent_before: dt.datetime = m.less_than("lent_at")
    fee: Decimal = m.between("fee")
    has_note: bool = m.present("note")


class LoanOrder(m.Order, default="lent_at desc"):
    """The order of loans."""

    lent_at = m.by("lent_at")
    fee = m.by("fee", nulls="last")


class ReaderFilter(m.Filter):
    """Which readers."""

    name_prefix: str = m.prefix("name")
    email: str = m.equals("email")
    shelf: str = m.contains("shelves")


class ReaderOrder(m.Order, default="joined_on"):
    """The order of readers."""

    joined_on = m.by("joined_on")
    name = m.by('name collate "C"', type=str, nulls="never")


class Reader(m.Object, table=readers):
    """Somebody who may borrow."""

    id: m.BigInt = m.key()
    name: str
    email: str | None = m.column(scope="pii:read")
    joined_on: dt.date
    shelves: list[str]
    loans: m.Page[Loan] = m.many("reader_id", filter=LoanFilter, order=LoanOrder, first=10, max=200)
    loan_sums: LoanSums = m.section("reader_id")
    visits: Visits = m.section("reader_id", period=True)
    visits_by_month: list[VisitMonth] = m.section("reader_id", order="month", first=24)


class Loan(m.Object, table=loans):
    """A book that somebody borrowed."""

    id: m.BigInt = m.key()
    fee: Decimal | None = m.column(unit="EUR")
    lent_at: dt.datetime
    note: str | None
    reader: Reader | None = m.one("reader_id")


class Query(m.Query):
    """Where every query begins."""

    reader: Reader | None = m.by_key()
    readers_by_ids: list[Reader | None] = m.by_key()
    readers: m.Page[Reader] = m.page(order=ReaderOrder, filter=ReaderFilter)
    loan: Loan | None = m.by_key()


model = m.Model("library", query=Query, types=[Reader, Loan], tenant=city, setup="library.set_up:set_up")
