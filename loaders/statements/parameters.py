"""Parameters of a statement: where each value comes from when it is sent, and how its SQL refers to it.

The SQL of a statement is written once for all keys, tenants and values; the values are bound to it each time.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from loaders.model.databases import Kind, Value
from loaders.model.scalars import Scalar
from loaders.statements.section_request import SectionRequest


@dataclass(frozen=True, slots=True)
class TenantScope:
    """The tenant whose rows a statement may see, and its scalar."""

    scalar: Scalar
    value: Any

    @property
    def text(self) -> str:
        """The text of the tenant's key, one for each tenant."""
        return self.scalar.write_key(self.value)


@dataclass(frozen=True, slots=True)
class StatementScope:
    """The values that statements are sent with: canonical keys, the tenant, and columns of the tenant's own row.

    The tenant is None for a model without tenants alone. It has no default, so that it cannot be forgotten.
    """

    keys: Sequence[Any]
    tenant: TenantScope | None
    tenant_values: Mapping[Value, Any] = field(default_factory=dict)

    def tenant_value(self, value: Value) -> Any:
        """Return a column of the tenant's own row. Raises TypeError where it has not been read."""
        if value not in self.tenant_values:
            raise TypeError(f"The tenant's own {value.column} has to be read before.")
        return self.tenant_values[value]


Source = Callable[[StatementScope, Sequence[SectionRequest]], Any]
"""The driver's value of a parameter, from what a statement is sent with and the requests that it answers."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter by its name, and where its value comes from."""

    name: str
    source: Source


class Parameters:
    """The parameters of one statement: by name in ClickHouse, by number in PostgreSQL."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self._places: dict[str, str] = {}
        self._parameters: list[Parameter] = []

    def single(self, name: str, scalar: Scalar, source: Source) -> str:
        """Return the SQL that stands for a canonical value; a name is bound once."""

        def encoded(scope: StatementScope, requests: Sequence[SectionRequest]) -> Any:
            return encode(scalar, source(scope, requests), self.kind)

        return self.typed(name, scalar.postgres, scalar.clickhouse, encoded)

    def array(self, name: str, scalar: Scalar, source: Source) -> str:
        """Return the SQL that stands for an array of canonical values; a name is bound once."""

        def encoded(scope: StatementScope, requests: Sequence[SectionRequest]) -> Any:
            return encode_all(scalar, source(scope, requests), self.kind)

        return self.typed(name, f"{scalar.postgres}[]", f"Array({scalar.clickhouse})", encoded)

    def untyped(self, name: str, scalar: Scalar, source: Source) -> str:
        """Bind a value whose type PostgreSQL infers from the other operand, and return its placeholder."""
        place = self.single(name, scalar, source)
        return place.partition("::")[0] if self.kind is Kind.POSTGRES else place

    def untyped_array(self, name: str, scalar: Scalar, source: Source) -> str:
        """Bind an array whose type PostgreSQL infers from the other operand, and return its placeholder."""
        place = self.array(name, scalar, source)
        return place.partition("::")[0] if self.kind is Kind.POSTGRES else place

    def typed(self, name: str, postgres: str, clickhouse: str, source: Source) -> str:
        """Return the SQL that stands for a driver's value of a type; a name is bound once."""
        if name not in self._places:
            self._parameters.append(Parameter(name, source))
            is_postgres = self.kind is Kind.POSTGRES
            self._places[name] = f"${len(self._parameters)}::{postgres}" if is_postgres else f"{{{name}:{clickhouse}}}"
        return self._places[name]

    def all(self) -> tuple[Parameter, ...]:
        """Return the parameters in order."""
        return tuple(self._parameters)


def encode(scalar: Scalar, value: Any, kind: Kind) -> Any:
    """Return what the driver of a database binds for a canonical value; None stays None."""
    return encode_all(scalar, [value], kind)[0]


def encode_all(scalar: Scalar, values: Sequence[Any], kind: Kind) -> list[Any]:
    """Return what the driver of a database binds for canonical values, in order."""
    encoded = scalar.encode_all(values)
    return list(map(_clickhouse_text, encoded)) if kind is Kind.CLICKHOUSE and _is_text_needed(encoded) else encoded


def _is_text_needed(values: Sequence[Any]) -> bool:
    return any(isinstance(value, dt.date | Decimal | bool) for value in values[:1]) or None in values


def _clickhouse_text(value: Any) -> Any:
    """The driver leaves out the microseconds of instants, and writes other kinds as Python does."""
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).replace(tzinfo=None).isoformat(" ", "microseconds")
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, bool):
        return "true" if value else "false"
    return _Digits(value) if isinstance(value, Decimal) else value


class _Digits:
    """A decimal as ClickHouse reads it in arrays too: without quotes, which texts have there, and without exponent."""

    def __init__(self, value: Decimal) -> None:
        self._value = value

    def __str__(self) -> str:
        return format(self._value, "f")
