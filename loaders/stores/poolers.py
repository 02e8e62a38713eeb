"""Poolers between the gateway and PostgreSQL, and what a connection by way of one can hold.

A pooler such as PgBouncer lends a server's connection to one client after the other. What a client sets for its session
is lost or somebody else's, and a statement that it prepared is on one connection of many.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol

from loaders.stores.errors import StoreUnavailable

_STORE = "postgresql"
_STATEMENTS = 100
"""Statements that a connection keeps prepared, unless the settings say otherwise: the driver's own default."""
_HOW_TO = "Set GATEWAY_POSTGRES_POOLER to how it hands out connections: session or transaction."
_NO_CACHE = "GATEWAY_POSTGRES_STATEMENT_CACHE must be 0 or not set."
MODEL_SESSION = {"search_path": "", "default_transaction_read_only": "on"}
"""Settings of connections that statements of a model run on: they only read, and a bare name names no table."""
TIME_ZONE = "TimeZone"
"""The setting of the zone in which a session reads times without one."""
_PROTECTING = (*MODEL_SESSION, TIME_ZONE)
_OF_A_TRANSACTION = {"default_transaction_read_only": "transaction_read_only"}
"""Settings of a session that have another name for the transaction that has begun."""
_UNKNOWN_STATEMENT = ("26000", "42P05")
"""The statement was prepared on another connection, or its name is taken on this one."""


class Mode(Enum):
    """For how long a client has a connection to the server."""

    NONE = "none"
    SESSION = "session"
    TRANSACTION = "transaction"


class _Executes(Protocol):
    async def execute(self, query: str) -> str: ...


@dataclass(frozen=True, slots=True)
class Pooler:
    """How connections are handed out, and how many statements each keeps prepared."""

    mode: Mode
    statement_cache: int

    @classmethod
    def of(cls, mode: Mode, statement_cache: int = -1) -> Pooler:
        """Return the pooler. Below 0, as many statements are kept as suits the mode: none if it is by transactions."""
        if statement_cache < 0:
            statement_cache = 0 if mode is Mode.TRANSACTION else _STATEMENTS
        return cls(mode, statement_cache)

    def startup(self, limits: Mapping[str, str]) -> dict[str, str]:
        """Return the limits if the server is asked for them as the connection opens: poolers refuse or forget them."""
        return dict(limits) if self.mode is Mode.NONE else {}

    async def prepare(self, connection: _Executes, limits: Mapping[str, str]) -> None:
        """Make a new connection ready. Raises StoreUnavailable where the limits do not hold: a pooler dropped them."""
        if self.mode is Mode.SESSION:
            await connection.execute(_settings("set", limits))
        elif self.mode is Mode.NONE:
            kept = [f"current_setting('statement_timeout')::interval = interval '{limits['statement_timeout']} ms'"]
            kept += [f"current_setting('{name}') = '{limits[name]}'" for name in _PROTECTING if name in limits]
            if await connection.execute(f"select where {' and '.join(kept)}") != "SELECT 1":
                raise StoreUnavailable(_STORE, f"A pooler answers, which drops the statement timeout. {_HOW_TO}")

    def begin(self, limits: Mapping[str, str]) -> str:
        """Return the SQL that begins each statement's transaction, in one round trip; empty where it needs none."""
        if self.mode is not Mode.TRANSACTION:
            return ""
        local = {_OF_A_TRANSACTION.get(name, name): value for name, value in limits.items()}
        return f"begin; {_settings('set local', local)}"


NO_POOLER = Pooler.of(Mode.NONE)


def explained(error: Exception) -> str:
    """Return the server's message, and what to do about it where a pooler is the cause."""
    sqlstate: Any = getattr(error, "sqlstate", None)
    said = str(error).partition("\n")[0].rstrip(".")
    if sqlstate in _UNKNOWN_STATEMENT:  # what the driver adds is about settings of its own
        return f"{said}. A pooler answers that knows no prepared statements. {_HOW_TO} {_NO_CACHE}"
    return f"{said}. A pooler answers. {_HOW_TO}" if "startup parameter" in said else str(error)


def _settings(command: str, values: Mapping[str, str]) -> str:
    return "; ".join(f"{command} {name} = '{value}'" for name, value in values.items())
