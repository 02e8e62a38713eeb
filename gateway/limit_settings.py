"""The settings that bound what a client may ask and send. Those of the stores are in `store_settings`."""

from dataclasses import dataclass

from gateway.setting import setting
from gateway.store_settings import StoreSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitSettings(StoreSettings):
    """The settings of the stores, and the limits of operations, requests and connections."""

    max_ids: int = setting(
        "GATEWAY_MAX_IDS",
        500,
        "Ids that one field may list, for who has no limit of their own; more objects are asked for in pages.",
        minimum=1,
        maximum=10_000,  # ClickHouse takes 128 KiB a parameter, some 13,000 keys of ten bytes
    )
    max_depth: int = setting(
        "GATEWAY_MAX_DEPTH",
        8,
        "Levels of fields in an operation: a level of objects waits for the one above it.",
        minimum=1,
        maximum=100,
    )
    max_aliases: int = setting(
        "GATEWAY_MAX_ALIASES",
        30,
        "Aliases in an operation, fragments put in place: they ask for the same again and again.",
        minimum=0,
        maximum=10_000,
    )
    max_directives: int = setting(
        "GATEWAY_MAX_DIRECTIVES",
        50,
        "Directives in an operation: each is looked at each time.",
        minimum=0,
        maximum=10_000,
    )
    max_tokens: int = setting(
        "GATEWAY_MAX_TOKENS",
        2_000,
        "Tokens in the documents of a request, comments among them: parsing and validating 2,000 takes 50 ms.",
        minimum=1,
        maximum=100_000,
    )
    max_document_characters: int = setting(
        "GATEWAY_MAX_DOCUMENT_CHARACTERS",
        100_000,
        "Characters of the documents of a request: a token may be as long as one likes, and is read all the same.",
        minimum=1,
        maximum=10_000_000,
    )
    max_comparisons: int = setting(
        "GATEWAY_MAX_COMPARISONS",
        20_000,
        "Comparisons of fields with the same name that validation may make for the documents of a request: hundreds of"
        " such fields in one place are compared each with each, for seconds.",
        minimum=1,
        maximum=250_000,
    )
    max_alias_characters: int = setting(
        "GATEWAY_MAX_ALIAS_CHARACTERS",
        200,
        "Characters of an alias: an answer repeats it with each object.",
        minimum=1,
        maximum=10_000,
    )
    max_root_fields: int = setting(
        "GATEWAY_MAX_ROOT_FIELDS",
        20,
        "Fields of an operation itself: each loads objects of its own.",
        minimum=1,
        maximum=1_000,
    )
    max_statements: int = setting(
        "GATEWAY_MAX_STATEMENTS",
        32,
        "Statements that a request may send to the stores, by estimate: each keeps a connection busy.",
        minimum=1,
        maximum=1_000,
    )
    max_cost: int = setting(
        "GATEWAY_MAX_COST",
        100_000,
        "Points that a request may cost, by estimate; a point is about ten microseconds of CPU.",
        minimum=1,
        maximum=1_000_000_000,
    )
    max_batch: int = setting(
        "GATEWAY_MAX_BATCH", 10, "Operations in one request; they are executed together.", minimum=1, maximum=1_000
    )
    max_body_kib: int = setting(
        "GATEWAY_MAX_BODY_KIB",
        1_024,
        "Size of a request's body, in KiB; 5,000 ids are 45.",
        minimum=1,
        maximum=1_000_000,
    )
    body_timeout_s: float = setting(
        "GATEWAY_BODY_TIMEOUT_S",
        30.0,
        "Seconds that a request's body may take to come (1 MiB at 280 kbit/s: 30);"
        " without it, one that never ends is waited for, and held, for good.",
        minimum=0.01,
        maximum=3_600,
    )
    max_response_mib: int = setting(
        "GATEWAY_MAX_RESPONSE_MIB",
        64,
        "Size of an answer, in MiB of JSON: it is held until the client has taken it.",
        minimum=1,
        maximum=100_000,
    )
    rate_cost_per_minute: int = setting(
        "GATEWAY_RATE_COST_PER_MINUTE",
        1_000_000,
        "Points of cost that a viewer, or an address without a name, may ask for in a minute; 0 is without a limit.",
        minimum=0,
        maximum=1_000_000_000,
    )
    max_head_kib: int = setting(
        "GATEWAY_MAX_HEAD_KIB",
        64,
        "Size of a request's URL and headers together, in KiB; a query of 500 ids in a URL is 8. It is read before it"
        " is known who asks.",
        minimum=1,
        maximum=1_024,
    )
    max_headers: int = setting(
        "GATEWAY_MAX_HEADERS",
        100,
        "Headers of a request; browsers behind proxies send thirty.",
        minimum=1,
        maximum=10_000,
    )
    head_timeout_s: float = setting(
        "GATEWAY_HEAD_TIMEOUT_S",
        10.0,
        "Seconds that the URL and the headers of a request may take to come, from the first byte, or from when the"
        " connection was made; without it, one that never ends is waited for for good.",
        minimum=0.01,
        maximum=3_600,
    )
    max_connections: int = setting(
        "GATEWAY_MAX_CONNECTIONS",
        4_000,
        "Connections of clients a worker. For one more, the connection that has waited longest for a request is"
        " closed; where none waits, the new one is answered 503.",
        minimum=1,
        maximum=1_000_000,
    )
    request_timeout_s: float = setting(
        "GATEWAY_REQUEST_TIMEOUT_S",
        10.0,
        "Seconds until a request is answered, with what has come by then; without it, clients give up first, and what"
        " they asked for goes on. A client may ask for less by `Prefer: wait=2`.",
        minimum=0.05,
        maximum=600,
    )
    queue_timeout_s: float = setting(
        "GATEWAY_QUEUE_TIMEOUT_S",
        2.0,
        "Seconds that a request waits to be executed while the gateway has too much to do; then it is answered 503."
        " A queue that has not been empty for as long gives each request half of it.",
        minimum=0.01,
        maximum=600,
    )
