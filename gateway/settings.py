"""Every setting, read once from the environment. The only place that knows os.environ."""

import os
import re
from collections.abc import Mapping
from dataclasses import Field, dataclass, fields
from pathlib import Path
from typing import Any

from gateway.observation_settings import ObservationSettings
from gateway.setting import SettingsError, parsed, setting, unquoted
from resolvers.scopes import Scope

_NAMED_URL = re.compile(r"(?:DATABASE|CLICKHOUSE)_(?!DIRECT_URL)[A-Z0-9_]+_URL")
_DATA_DIRECTORY = Path(".data")
_SCOPES = ", ".join(f"`{scope}`" for scope in Scope)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(ObservationSettings):
    """The gateway's settings. Each has a variable, a default and a description."""

    model: str = setting(
        "GATEWAY_MODEL",
        "",
        "The model to serve: a module (`shop.model`), a file (`shop/model.py`) or its folder; `shop.model:name` names"
        " another variable of it than `model`. Without it, `gateway run` serves a sample, and other commands end.",
    )
    host: str = setting("GATEWAY_HOST", "127.0.0.1", "Address to listen on.")
    port: int = setting("GATEWAY_PORT", 8000, "Port to listen on.", minimum=1, maximum=65_535)
    workers: int = setting("GATEWAY_WORKERS", 1, "Worker processes; one keeps one core busy.", minimum=1, maximum=256)
    metrics_port: int = setting(
        "GATEWAY_METRICS_PORT",
        0,
        "Port that [metrics](metrics.md) are served on, at `/metrics`, to whoever reaches it; 0 serves none.",
        minimum=0,
        maximum=65_535,
    )
    metrics_host: str = setting(
        "GATEWAY_METRICS_HOST", "", "Address that metrics are served on. Not set, it is GATEWAY_HOST."
    )
    data_directory: Path = setting(  # noqa: RUF009 (a field, as the others are)
        "GATEWAY_DATA_DIRECTORY", _DATA_DIRECTORY, "Where `run` keeps its three engines' data and logs."
    )
    graphiql: bool = setting(
        "GATEWAY_GRAPHIQL", False, "Whether `/graphiql` is served; `gateway run` does unless told not to."
    )
    anonymous: str = setting(
        "GATEWAY_ANONYMOUS",
        "",
        "What is open without a credential: `all`, `none`, or scopes separated by spaces, of the model or the"
        f" gateway's own ({_SCOPES}). Not set, it is all of `gateway run` and none of `gateway serve`.",
    )
    anonymous_tenant: str = setting(
        "GATEWAY_ANONYMOUS_TENANT",
        "",
        "The key of the tenant that requests without a credential belong to, for a model with tenants. Not set, they"
        " are refused.",
    )
    keys_cache_s: float = setting(
        "GATEWAY_KEYS_CACHE_S",
        5.0,
        "Seconds that a good API key is not looked up again. A key that is revoked is refused at once, or after these"
        " where the gateway has no cache or no Redis to hear of it.",
        minimum=0,
        maximum=300,
    )
    jwt_secret: str = setting(
        "GATEWAY_JWT_SECRET", "", "The secret that tokens are signed with (HS256), of 32 bytes at least.", secret=True
    )
    jwks_file: str = setting(
        "GATEWAY_JWKS_FILE",
        "",
        "A JSON Web Key Set that tokens are verified with (RS256, ES256, HS256); it is read again when it has changed.",
    )
    jwt_audience: str = setting("GATEWAY_JWT_AUDIENCE", "", "Whom tokens must be for; they are refused without it.")
    jwt_issuer: str = setting("GATEWAY_JWT_ISSUER", "", "Whom tokens must be from; they are refused without it.")
    jwt_leeway_s: float = setting(
        "GATEWAY_JWT_LEEWAY_S",
        10.0,
        "Seconds by which the clocks of issuer and gateway may differ.",
        minimum=0,
        maximum=300,
    )
    persisted: str = setting(
        "GATEWAY_PERSISTED",
        "automatic",
        "Documents by name: automatic (by the hash of a text sent once), trusted (those alone of a manifest) or off.",
    )
    trusted_documents: str = setting(
        "GATEWAY_TRUSTED_DOCUMENTS",
        "",
        "A manifest of documents that may be asked for by their ids: a file in Apollo's format or Relay's.",
    )
    draft_statuses: bool = setting(
        "GATEWAY_DRAFT_STATUSES",
        False,
        "Whether partial answers have status 294 and invalid documents 422, as GraphQL over HTTP's draft of 2026 says.",
    )
    introspection: bool = setting(
        "GATEWAY_INTROSPECTION", False, "Whether the schema may be asked for; of `gateway run` it may."
    )
    suggestions: bool = setting(
        "GATEWAY_SUGGESTIONS", False, "Whether validation says which field may have been meant; `gateway run`'s does."
    )
    cors_origins: str = setting(
        "GATEWAY_CORS_ORIGINS",
        "",
        "Origins of pages that may ask, such as `https://dashboard.example`, separated by commas; `*` is all.",
    )
    cors_headers: str = setting(
        "GATEWAY_CORS_HEADERS",
        "",
        "Headers that these pages may send beside the gateway's own and those of tracing, separated by commas.",
    )
    probe_credential: str = setting(
        "GATEWAY_PROBE_CREDENTIAL",
        "",
        "The API key or token that `gateway probe` asks with; not set, it asks without one.",
        secret=True,
    )
    cursor_secret: str = setting(
        "GATEWAY_CURSOR_SECRET",
        "",
        "What cursors of a model's pages are sealed with: the same for all replicas. Not set, it is random, so that a"
        " cursor is good for one gateway until it stops.",
        secret=True,
    )
    root_path: str = setting(
        "GATEWAY_ROOT_PATH",
        "",
        "Prefix of all paths, such as `/api`, where a proxy passes it on. Requests without it are answered too.",
    )
    trusted_proxies: str = setting(
        "GATEWAY_TRUSTED_PROXIES",
        "127.0.0.0/8, ::1",
        "Addresses and networks of the proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed, separated"
        " by commas; `none` believes nobody. Without that of a proxy, all its clients share one budget.",
    )
    keep_alive_s: float = setting(
        "GATEWAY_KEEP_ALIVE_S",
        75.0,
        "Seconds that a connection is kept without a request. Must be longer than the load balancer keeps its own"
        " (usually 60), which otherwise sends a request into a connection that closes, and answers 502.",
        minimum=0.1,
        maximum=86_400,
    )
    allowed_hosts: str = setting(
        "GATEWAY_ALLOWED_HOSTS",
        "*",
        "Hosts that requests may be for, such as `shop.example`, separated by commas, beside this machine's own"
        " (`localhost`, `127.0.0.1`, `::1`); `*` is any. Not set, it is any of `gateway serve`, and of `gateway run`"
        " this machine's own alone.",
    )
    shutdown_timeout_s: int = setting(
        "GATEWAY_SHUTDOWN_TIMEOUT_S",
        10,
        "Seconds that the gateway takes to stop at most, of which running requests get all but the last quarter (at"
        " most two seconds); without it, one slow request holds up a deployment.",
        minimum=1,
        maximum=600,
    )

    @classmethod
    def from_environment(
        cls, environment: Mapping[str, str] | None = None, defaults: Mapping[str, Any] | None = None
    ) -> "Settings":
        """Read the settings of this process. `defaults` are those of a command, by field.

        Raises SettingsError, with one sentence, for an invalid value.
        """
        variables = os.environ if environment is None else environment
        values = dict(defaults or {})
        for item in _plain_fields():
            names = (item.metadata["variable"], item.metadata["former"])
            text = next((text for name in names if (text := variables.get(name, "").strip())), "")
            text = unquoted(text) if item.repr else text  # quotes may be part of a secret
            if text:
                values[item.name] = parsed(item, text)
        named = ((name, text.strip()) for name, text in sorted(variables.items()) if _NAMED_URL.fullmatch(name))
        values["named_urls"] = tuple((name, text) for name, text in named if text)
        return cls(**values)

    def url(self, variable: str) -> str:
        """Return the URL of a database by its variable; an empty text where it is not set."""
        plain = {"DATABASE_URL": self.database_url, "CLICKHOUSE_URL": self.clickhouse_url}
        return plain[variable] if variable in plain else dict(self.named_urls).get(variable, "")

    def direct_url(self, variable: str) -> str:
        """Return the URL of a PostgreSQL past any pooler, by the variable of its URL; an empty text without one."""
        if variable == "DATABASE_URL":
            return self.database_direct_url
        return self.url(f"{variable.removesuffix('_URL')}_DIRECT_URL")

    def require(self, *names: str) -> None:
        """Raise SettingsError for the first of these settings that is missing."""
        for item in fields(self):
            if item.name in names and not getattr(self, item.name):
                variable = item.metadata["variable"]
                raise SettingsError(f"{variable} is missing, and has no default: {item.metadata['about']}")

    def warnings(self, environment: Mapping[str, str] | None = None) -> list[str]:
        """Return a sentence for each variable that is deprecated, or is set without effect."""
        variables = os.environ if environment is None else environment
        sentences = []
        for item in fields(self):
            former, variable = item.metadata["former"], item.metadata["variable"]
            if former and variables.get(former) and variables.get(variable):
                sentences.append(f"{former} has no effect, since {variable} is set: remove it.")
            elif former and variables.get(former):
                sentences.append(f"{former} is deprecated: set {variable} instead.")
        if "FORWARDED_ALLOW_IPS" in variables:
            sentences.append(
                f"FORWARDED_ALLOW_IPS has no effect: GATEWAY_TRUSTED_PROXIES says it, and is {self.trusted_proxies!r}."
            )
        return sentences

    def export(self) -> None:
        """Put the settings into the environment, where worker processes read them."""
        os.environ.update(self.named_urls)
        for item in _plain_fields():
            value = getattr(self, item.name)
            os.environ[item.metadata["variable"]] = str(value).lower() if isinstance(value, bool) else str(value)


def _plain_fields() -> "list[Field[Any]]":
    """Return the fields that have one variable each: all but the URLs of a model's databases."""
    return [item for item in fields(Settings) if item.name != "named_urls"]


def in_github_actions(environment: Mapping[str, str] | None = None) -> bool:
    """Return whether the process is a step of one of GitHub's workflows, which says so itself."""
    variables = os.environ if environment is None else environment
    return variables.get("GITHUB_ACTIONS", "").strip().lower() == "true"


def settings_table() -> str:
    """Return the settings as a table in Markdown, for the documentation."""
    lines = ["| variable | default | what for |", "| --- | --- | --- |"]
    for item in fields(Settings):
        default = "" if item.name == "named_urls" else item.default
        shown = str(default).lower() if isinstance(default, bool) else f"{default}"
        lines.append(f"| `{item.metadata['variable']}` | {f'`{shown}`' if shown else ''} | {item.metadata['about']} |")
    return "\n".join(lines) + "\n"
