"""The settings of the stores and of the caches in front of them."""

from dataclasses import dataclass

from gateway.setting import NAMED_VARIABLES, setting


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreSettings:
    """The settings of the stores: their URLs, connections, timeouts and caches."""

    database_url: str = setting(
        "DATABASE_URL",
        "",
        "PostgreSQL of a model's `m.Postgres()`: `postgresql://user:password@host:5432/name`.",
        secret=True,
    )
    clickhouse_url: str = setting(
        "CLICKHOUSE_URL",
        "",
        "The HTTP interface of a model's `m.ClickHouse()`: `http://user:password@host:8123/name`.",
        secret=True,
    )
    named_urls: tuple[tuple[str, str], ...] = setting(
        NAMED_VARIABLES,
        (),
        'The databases that a model names, such as `DATABASE_CRM_URL` of `m.Postgres("crm")` and `CLICKHOUSE_WEB_URL`'
        ' of `m.ClickHouse("web")`; one without a name is at `DATABASE_URL` or `CLICKHOUSE_URL`.'
        " `DATABASE_<NAME>_DIRECT_URL` is the same PostgreSQL past any pooler, where changes are listened to.",
        secret=True,
    )
    redis_url: str = setting(
        "REDIS_URL",
        "",
        "Redis or Valkey: `redis://:password@host:6379/0`, `redis+sentinel://:password@host:26379,host:26379/service`, "
        "or `redis+cluster://:password@host:6379,host:6379`; `rediss` is with TLS. `serve` needs it.",
        secret=True,
    )
    own_database_url: str = setting(
        "GATEWAY_DATABASE_URL",
        "",
        "PostgreSQL for the gateway's own tables, which hold API keys. Not set, it is `DATABASE_URL`; without either,"
        " no API key is accepted.",
        secret=True,
    )
    own_database_direct_url: str = setting(
        "GATEWAY_DATABASE_DIRECT_URL",
        "",
        "The same past any pooler, where `GATEWAY_DATABASE_URL` is a pooler's: `gateway migrate` needs it.",
        secret=True,
    )
    database_direct_url: str = setting(
        "DATABASE_DIRECT_URL",
        "",
        "PostgreSQL itself, past any pooler, where `DATABASE_URL` is a pooler's: changes are listened to and migrations"
        " made there.",
        secret=True,
    )
    postgres_pooler: str = setting(
        "GATEWAY_POSTGRES_POOLER",
        "none",
        "What all URLs of PostgreSQL lead to: PostgreSQL (`none`), or a pooler such as PgBouncer that keeps a"
        " connection for a client's whole `session` or for one `transaction`.",
        choices=("none", "session", "transaction"),
    )
    postgres_statement_cache: int = setting(
        "GATEWAY_POSTGRES_STATEMENT_CACHE",
        -1,
        "Statements that each connection keeps prepared. -1 is 100, and 0 where the pooler's mode is `transaction`:"
        " others need one that knows prepared statements, such as PgBouncer 1.21 with `max_prepared_statements`.",
        minimum=-1,
        maximum=10_000,
    )
    postgres_connections: int = setting(
        "GATEWAY_POSTGRES_CONNECTIONS",
        10,
        "Connections to each PostgreSQL a worker; all workers of all replicas must fit into its max_connections.",
        minimum=1,
        maximum=1_000,
    )
    clickhouse_connections: int = setting(
        "GATEWAY_CLICKHOUSE_CONNECTIONS",
        8,
        "Connections to each ClickHouse a worker; more statements at once than it has cores only wait there.",
        minimum=1,
        maximum=1_000,
    )
    redis_connections: int = setting(
        "GATEWAY_REDIS_CONNECTIONS",
        10,
        "Connections to Redis a worker; without a bound, a slow Redis is met with ever more of them.",
        minimum=1,
        maximum=1_000,
    )
    cache: bool = setting("GATEWAY_CACHE", True, "Whether answers are cached, in the process and in Redis.")
    cache_entries: int = setting(
        "GATEWAY_CACHE_ENTRIES",
        500_000,
        "Sections of objects that a worker keeps in memory; those used least lately go first.",
        minimum=0,
        maximum=100_000_000,
    )
    cache_mib: int = setting(
        "GATEWAY_CACHE_MIB", 256, "Memory that they may take, in MiB, by estimate.", minimum=0, maximum=1_000_000
    )
    response_cache_mib: int = setting(
        "GATEWAY_RESPONSE_CACHE_MIB",
        64,
        "Memory for cached responses, in MiB. The least recently used ones are evicted first; 0 caches none.",
        former="GATEWAY_ANSWERS_MIB",
        minimum=0,
        maximum=1_000_000,
    )
    warm_documents: str = setting(
        "GATEWAY_WARM_DOCUMENTS",
        "",
        "A file or a folder of documents that the cache is filled with when the gateway starts, as by `gateway warm`.",
    )
    warm_every_s: float = setting(
        "GATEWAY_WARM_EVERY_S",
        0.0,
        "Seconds from the end of one filling to the next, less than answers are fresh for; 0 fills once.",
        minimum=0,
        maximum=86_400,
    )
    warm_rate: float = setting(
        "GATEWAY_WARM_RATE",
        200.0,
        "Objects a second that are filled in at most; requests come first.",
        minimum=0.1,
        maximum=1_000_000,
    )
    cache_timeout_s: float = setting(
        "GATEWAY_CACHE_TIMEOUT_S",
        0.1,
        "Seconds that a look-up in Redis may take; after one that took longer, Redis is left alone until it is back.",
        minimum=0.001,
        maximum=60,
    )
    cache_lease_s: float = setting(
        "GATEWAY_CACHE_LEASE_S",
        5.0,
        "Seconds that others wait for the worker that loads; should it die meanwhile, they load it themselves.",
        minimum=0.05,
        maximum=600,
    )
    redis_timeout_s: float = setting(
        "GATEWAY_REDIS_TIMEOUT_S",
        0.5,
        "Seconds that a command may take; Redis only ever saves time, so it must not cost much of it.",
        minimum=0.01,
        maximum=60,
    )
    clickhouse_compression: bool = setting(
        "GATEWAY_CLICKHOUSE_COMPRESSION", False, "Whether ClickHouse compresses its answers; pays over a network."
    )
    acquire_timeout_s: float = setting(
        "GATEWAY_ACQUIRE_TIMEOUT_S",
        5.0,
        "Seconds to wait for a free connection; without it, requests queue behind a slow store until clients give up.",
        minimum=0.01,
        maximum=600,
    )
    statement_timeout_s: float = setting(
        "GATEWAY_STATEMENT_TIMEOUT_S",
        30.0,
        "Seconds that a statement may take; without it, one runaway statement keeps its connection for good.",
        minimum=0.01,
        maximum=3_600,
    )
    start_timeout_s: float = setting(
        "GATEWAY_START_TIMEOUT_S",
        60.0,
        "Seconds that `serve` waits for PostgreSQL when it starts; it does not wait for ClickHouse and Redis.",
        minimum=0,
        maximum=3_600,
    )
