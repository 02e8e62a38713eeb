"""Every setting, read once from the environment. The only place that knows os.environ."""

import os
from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Any

from loaders.stores.address import is_readable
from loaders.stores.errors import GatewayError

_DATA_DIRECTORY = Path(".data")


class SettingsError(GatewayError):
    """A setting that is missing or cannot be; the message names it."""


def _setting(
    variable: str, default: Any, about: str, *, least: float = 0, most: float = 0, secret: bool = False
) -> Any:
    about_it = {"variable": variable, "about": about, "least": least, "most": most}
    return field(default=default, metadata=about_it, repr=not secret)


@dataclass(frozen=True, slots=True)
class Settings:
    """The gateway's settings. Each has its variable, its default, and what it is for."""

    database_url: str = _setting(
        "DATABASE_URL", "", "PostgreSQL: `postgresql://user:password@host:5432/name`. `serve` needs it.", secret=True
    )
    clickhouse_url: str = _setting(
        "CLICKHOUSE_URL",
        "",
        "ClickHouse's HTTP interface: `http://user:password@host:8123/name`. `serve` needs it.",
        secret=True,
    )
    redis_url: str = _setting(
        "REDIS_URL",
        "",
        "Redis or Valkey: `redis://:password@host:6379/0`, `redis+sentinel://:password@host:26379,host:26379/service`, "
        "or `redis+cluster://:password@host:6379,host:6379`; `rediss` is with TLS. `serve` needs it.",
        secret=True,
    )
    host: str = _setting("GATEWAY_HOST", "127.0.0.1", "Address to listen on.")
    port: int = _setting("GATEWAY_PORT", 8000, "Port to listen on.", least=1, most=65_535)
    workers: int = _setting("GATEWAY_WORKERS", 1, "Worker processes; one keeps one core busy.", least=1, most=256)
    data_directory: Path = _setting(  # noqa: RUF009 (a field, as the others are)
        "GATEWAY_DATA_DIRECTORY", _DATA_DIRECTORY, "Where `run` keeps its three engines' data and logs."
    )
    log_level: str = _setting("GATEWAY_LOG_LEVEL", "warning", "critical, error, warning, info or debug.")
    graphiql: bool = _setting("GATEWAY_GRAPHIQL", True, "Whether `/graphiql` is served.")
    anonymous: str = _setting(
        "GATEWAY_ANONYMOUS",
        "",
        "What is open without a credential: `all`, `none`, or scopes separated by spaces (`register:read`,"
        " `analysis:read`, `export`, `explain`). Not set, it is all of `gateway run` and none of `gateway serve`.",
    )
    keys_cache_s: float = _setting(
        "GATEWAY_KEYS_CACHE_S",
        5.0,
        "Seconds that a good API key is not looked up again. A key that is revoked is refused at once, or after these"
        " where the gateway has no cache or no Redis to hear of it.",
        least=0,
        most=300,
    )
    jwt_secret: str = _setting(
        "GATEWAY_JWT_SECRET", "", "The secret that tokens are signed with (HS256), of 32 bytes at least.", secret=True
    )
    jwks_file: str = _setting(
        "GATEWAY_JWKS_FILE",
        "",
        "A JSON Web Key Set that tokens are verified with (RS256, ES256, HS256); it is read again when it has changed.",
    )
    jwt_audience: str = _setting("GATEWAY_JWT_AUDIENCE", "", "Whom tokens must be for; they are refused without it.")
    jwt_issuer: str = _setting("GATEWAY_JWT_ISSUER", "", "Whom tokens must be from; they are refused without it.")
    jwt_leeway_s: float = _setting(
        "GATEWAY_JWT_LEEWAY_S",
        10.0,
        "Seconds by which the clocks of issuer and gateway may differ.",
        least=0,
        most=300,
    )
    max_ids: int = _setting(
        "GATEWAY_MAX_IDS",
        500,
        "Ids that one field may list, for who has no limit of their own; more objects are asked for in pages.",
        least=1,
        most=10_000,  # ClickHouse takes 128 KiB a parameter, some 13,000 tail numbers
    )
    max_depth: int = _setting(
        "GATEWAY_MAX_DEPTH", 8, "Levels of fields in an operation; the schema's own are seven.", least=1, most=100
    )
    max_aliases: int = _setting(
        "GATEWAY_MAX_ALIASES",
        30,
        "Aliases in an operation, fragments put in place: they ask for the same again and again.",
        least=0,
        most=10_000,
    )
    max_directives: int = _setting(
        "GATEWAY_MAX_DIRECTIVES", 50, "Directives in an operation: each is looked at each time.", least=0, most=10_000
    )
    max_tokens: int = _setting(
        "GATEWAY_MAX_TOKENS",
        2_000,
        "Tokens in a document: parsing and validating more holds the event loop.",
        least=1,
        most=100_000,
    )
    max_root_fields: int = _setting(
        "GATEWAY_MAX_ROOT_FIELDS",
        20,
        "Fields of an operation itself: each loads objects of its own.",
        least=1,
        most=1_000,
    )
    max_statements: int = _setting(
        "GATEWAY_MAX_STATEMENTS",
        32,
        "Statements that a request may send to the stores, by estimate: all sections at once are under twenty.",
        least=1,
        most=1_000,
    )
    max_cost: int = _setting(
        "GATEWAY_MAX_COST",
        100_000,
        "Points that a request may cost, by estimate; a point is about ten microseconds of a store.",
        least=1,
        most=1_000_000_000,
    )
    max_batch: int = _setting(
        "GATEWAY_MAX_BATCH", 10, "Operations in one request; they are executed together.", least=1, most=1_000
    )
    max_body_kib: int = _setting(
        "GATEWAY_MAX_BODY_KIB", 1_024, "Size of a request's body, in KiB; 5,000 ids are 45.", least=1, most=1_000_000
    )
    max_response_mib: int = _setting(
        "GATEWAY_MAX_RESPONSE_MIB",
        64,
        "Size of an answer, in MiB of JSON: it is held until the client has taken it.",
        least=1,
        most=100_000,
    )
    persisted: str = _setting(
        "GATEWAY_PERSISTED",
        "automatic",
        "Documents by name: automatic (by the hash of a text sent once), trusted (those alone of a manifest) or off.",
    )
    trusted_documents: str = _setting(
        "GATEWAY_TRUSTED_DOCUMENTS",
        "",
        "A manifest of documents that may be asked for by their ids: a file in Apollo's format or Relay's.",
    )
    rate_cost_per_minute: int = _setting(
        "GATEWAY_RATE_COST_PER_MINUTE",
        1_000_000,
        "Points of cost that a viewer, or an address without a name, may ask for in a minute; 0 is without a limit.",
        least=0,
        most=1_000_000_000,
    )
    draft_statuses: bool = _setting(
        "GATEWAY_DRAFT_STATUSES",
        False,
        "Whether partial answers have status 294 and invalid documents 422, as GraphQL over HTTP's draft of 2026 says.",
    )
    introspection: bool = _setting("GATEWAY_INTROSPECTION", True, "Whether the schema may be asked for.")
    suggestions: bool = _setting(
        "GATEWAY_SUGGESTIONS", True, "Whether validation says which field may have been meant."
    )
    cors_origins: str = _setting(
        "GATEWAY_CORS_ORIGINS",
        "",
        "Origins of pages that may ask, such as `https://dashboard.example`, separated by commas; `*` is all.",
    )
    postgres_connections: int = _setting(
        "GATEWAY_POSTGRES_CONNECTIONS",
        10,
        "Connections to PostgreSQL a worker; all workers of all replicas must fit into its max_connections.",
        least=1,
        most=1_000,
    )
    clickhouse_connections: int = _setting(
        "GATEWAY_CLICKHOUSE_CONNECTIONS",
        8,
        "Connections to ClickHouse a worker; more statements at once than it has cores only wait there.",
        least=1,
        most=1_000,
    )
    redis_connections: int = _setting(
        "GATEWAY_REDIS_CONNECTIONS",
        10,
        "Connections to Redis a worker; without a bound, a slow Redis is met with ever more of them.",
        least=1,
        most=1_000,
    )
    cache: bool = _setting("GATEWAY_CACHE", True, "Whether answers are cached, in the process and in Redis.")
    cache_entries: int = _setting(
        "GATEWAY_CACHE_ENTRIES",
        500_000,
        "Sections of aircraft that a worker keeps in memory; those used least lately go first.",
        least=0,
        most=100_000_000,
    )
    cache_mib: int = _setting(
        "GATEWAY_CACHE_MIB", 256, "Memory that they may take, in MiB, by estimate.", least=0, most=1_000_000
    )
    answers_mib: int = _setting(
        "GATEWAY_ANSWERS_MIB",
        64,
        "Memory that whole answers may take, in MiB; those used least lately go first. 0 keeps none.",
        least=0,
        most=1_000_000,
    )
    warm_documents: str = _setting(
        "GATEWAY_WARM_DOCUMENTS",
        "",
        "A file or a folder of documents that the cache is filled with when the gateway starts, as by `gateway warm`.",
    )
    warm_every_s: float = _setting(
        "GATEWAY_WARM_EVERY_S",
        0.0,
        "Seconds from the end of one filling to the next, less than answers are fresh for; 0 fills once.",
        least=0,
        most=86_400,
    )
    warm_rate: float = _setting(
        "GATEWAY_WARM_RATE",
        200.0,
        "Aircraft a second that are filled in at most; requests come first.",
        least=0.1,
        most=1_000_000,
    )
    cache_timeout_s: float = _setting(
        "GATEWAY_CACHE_TIMEOUT_S",
        0.1,
        "Seconds that a look-up in Redis may take; after one that took longer, Redis is left alone until it is back.",
        least=0.001,
        most=60,
    )
    cache_lease_s: float = _setting(
        "GATEWAY_CACHE_LEASE_S",
        5.0,
        "Seconds that others wait for the worker that loads; should it die meanwhile, they load it themselves.",
        least=0.05,
        most=600,
    )
    redis_timeout_s: float = _setting(
        "GATEWAY_REDIS_TIMEOUT_S",
        0.5,
        "Seconds that a command may take; Redis only ever saves time, so it must not cost much of it.",
        least=0.01,
        most=60,
    )
    clickhouse_compression: bool = _setting(
        "GATEWAY_CLICKHOUSE_COMPRESSION", False, "Whether ClickHouse compresses its answers; pays over a network."
    )
    acquire_timeout_s: float = _setting(
        "GATEWAY_ACQUIRE_TIMEOUT_S",
        5.0,
        "Seconds to wait for a free connection; without it, requests queue behind a slow store until clients give up.",
        least=0.01,
        most=600,
    )
    statement_timeout_s: float = _setting(
        "GATEWAY_STATEMENT_TIMEOUT_S",
        30.0,
        "Seconds that a statement may take; without it, one runaway statement keeps its connection for good.",
        least=0.01,
        most=3_600,
    )
    shutdown_timeout_s: int = _setting(
        "GATEWAY_SHUTDOWN_TIMEOUT_S",
        10,
        "Seconds that running requests get when the gateway stops; without it, one slow request holds up a deployment.",
        least=1,
        most=600,
    )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> "Settings":
        """The settings of this process. Raises SettingsError, with one sentence, for a value that cannot be."""
        given = os.environ if environment is None else environment
        values: dict[str, Any] = {}
        for setting in fields(cls):
            text = given.get(setting.metadata["variable"], "").strip()
            if text:
                values[setting.name] = _parsed(setting, text)
        return cls(**values)

    def require_stores(self) -> None:
        """Raise SettingsError where a store's URL is missing."""
        for setting in fields(self)[:3]:
            if not getattr(self, setting.name):
                variable = setting.metadata["variable"]
                raise SettingsError(f"{variable} is missing, and has no default: {setting.metadata['about']}")

    def export(self) -> None:
        """Put the settings into the environment, where worker processes read them."""
        for setting in fields(self):
            value = getattr(self, setting.name)
            os.environ[setting.metadata["variable"]] = str(value).lower() if isinstance(value, bool) else str(value)


_LOG_LEVELS = ("critical", "error", "warning", "info", "debug")
_SCHEMES = {
    "DATABASE_URL": ("postgresql", "postgres"),
    "CLICKHOUSE_URL": ("http", "https", "clickhouse"),
    "REDIS_URL": (
        "redis",
        "rediss",
        "unix",
        "redis+sentinel",
        "rediss+sentinel",
        "redis+cluster",
        "rediss+cluster",
    ),
}
_EXAMPLES = {"": "host:port/name", "sentinel": "host:port,host:port/service", "cluster": "host:port,host:port"}
_BOOLEANS = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}


def _parsed(setting: "Field[Any]", text: str) -> object:
    variable: str = setting.metadata["variable"]
    kind: type = type(setting.default)
    if kind is bool:
        if text.lower() not in _BOOLEANS:
            raise SettingsError(f"{variable} must be true or false, and is {text!r}.")
        return _BOOLEANS[text.lower()]
    if kind is int or kind is float:
        return _number(setting, kind, text)
    if variable in _SCHEMES:
        return _url(variable, text)
    if variable == "GATEWAY_LOG_LEVEL" and text.lower() not in _LOG_LEVELS:
        raise SettingsError(f"{variable} must be one of {', '.join(_LOG_LEVELS)}, and is {text!r}.")
    return kind(text.lower() if variable == "GATEWAY_LOG_LEVEL" else text)


def _url(variable: str, text: str) -> str:
    """The URL as it is. The message leaves it out, since it may hold a password."""
    schemes = _SCHEMES[variable]
    if not is_readable(text, schemes):
        given = text.partition("://")[0]
        scheme = given if given in schemes else schemes[0]
        where = _EXAMPLES[scheme.partition("+")[2]]
        raise SettingsError(f"{variable} must look like {scheme}://user:password@{where}.")
    return text


def _number(setting: "Field[Any]", kind: type[int] | type[float], text: str) -> float:
    variable, least, most = (setting.metadata[key] for key in ("variable", "least", "most"))
    noun = "a whole number" if kind is int else "a number"
    try:
        value = kind(text)
    except ValueError as error:
        raise SettingsError(f"{variable} must be {noun}, and is {text!r}.") from error
    if not least <= value <= most:
        raise SettingsError(f"{variable} must be {noun} from {least:,} to {most:,}, and is {text}.")
    return value


def settings_table() -> str:
    """The settings as a table in Markdown, for the documentation."""
    lines = ["| variable | default | what for |", "| --- | --- | --- |"]
    for setting in fields(Settings):
        default = setting.default
        shown = str(default).lower() if isinstance(default, bool) else f"{default}"
        lines.append(
            f"| `{setting.metadata['variable']}` | {f'`{shown}`' if shown else ''} | {setting.metadata['about']} |"
        )
    return "\n".join(lines) + "\n"
