"""Parameters of a statement: each value is bound once, by a name in ClickHouse and by a number in PostgreSQL."""

from __future__ import annotations

from typing import Any

from loaders.model.databases import Kind
from loaders.model.scalars import Scalar


class Binding:
    """The values of one statement so far, and how the SQL of its store refers to them."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.values: dict[str, Any] = {}
        self._places: dict[str, str] = {}

    def one(self, name: str, scalar: Scalar, value: Any) -> str:
        """Bind a canonical value and return the SQL that stands for it; a name is bound once."""
        (encoded,) = scalar.encode_all([value])
        return self._bind(name, scalar.postgres, scalar.clickhouse, encoded)

    def array(self, name: str, scalar: Scalar, values: list[Any], *, nullable: bool = False) -> str:
        """Bind canonical values as one array and return the SQL that stands for it; a name is bound once."""
        item = f"Nullable({scalar.clickhouse})" if nullable else scalar.clickhouse
        return self._bind(name, f"{scalar.postgres}[]", f"Array({item})", scalar.encode_all(values))

    def _bind(self, name: str, postgres: str, clickhouse: str, value: Any) -> str:
        if name not in self._places:
            self.values[name] = value
            is_postgres = self.kind is Kind.POSTGRES
            self._places[name] = f"${len(self.values)}::{postgres}" if is_postgres else f"{{{name}:{clickhouse}}}"
        return self._places[name]
