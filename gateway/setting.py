"""Declare and parse one setting: its variable, default and description."""

from dataclasses import Field, field
from typing import Any

from loaders.errors import GatewayError
from loaders.stores.urls.clickhouse import CLICKHOUSE
from loaders.stores.urls.postgres import POSTGRES
from loaders.stores.urls.redis import REDIS
from loaders.stores.urls.store_url import InvalidStoreURL, parse_url


class SettingsError(GatewayError):
    """A setting is missing or invalid; the message names it."""


NAMED_VARIABLES = "DATABASE_<NAME>_URL, CLICKHOUSE_<NAME>_URL"
"""How the table of settings shows the variables of a model's databases."""


def setting(
    variable: str,
    default: Any,
    about: str,
    *,
    minimum: float = 0,
    maximum: float = 0,
    choices: tuple[str, ...] = (),
    secret: bool = False,
    former: str = "",
) -> Any:
    """Declare a field of the settings.

    `minimum` and `maximum` bound numbers. A secret is left out of the settings' repr. `former` is a name that the
    variable had before: it is still read where the new one is not set.
    """
    metadata = {
        "variable": variable,
        "about": about,
        "minimum": minimum,
        "maximum": maximum,
        "choices": choices,
        "former": former,
    }
    return field(default=default, metadata=metadata, repr=not secret)


def unquoted(text: str) -> str:
    """Return the text without a pair of quotes around it, which some ways to set a variable leave there."""
    for quote in "\"'":
        if len(text) > 1 and text.startswith(quote) and text.endswith(quote) and text.count(quote) == 2:
            return text[1:-1].strip()
    return text


_LOG_LEVELS = ("critical", "error", "warning", "info", "debug")
_STORES = {
    "DATABASE_URL": POSTGRES,
    "DATABASE_DIRECT_URL": POSTGRES,
    "GATEWAY_DATABASE_URL": POSTGRES,
    "GATEWAY_DATABASE_DIRECT_URL": POSTGRES,
    "CLICKHOUSE_URL": CLICKHOUSE,
    "REDIS_URL": REDIS,
}
_BOOLEANS = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}


def parsed(setting: "Field[Any]", text: str) -> object:
    """Parse a text. Raises SettingsError, with a one-sentence message, if it is not a valid value."""
    variable: str = setting.metadata["variable"]
    kind: type = type(setting.default)
    if kind is bool:
        if text.lower() not in _BOOLEANS:
            raise SettingsError(f"{variable} must be true or false, and is {text!r}.")
        return _BOOLEANS[text.lower()]
    if kind is int or kind is float:
        return _number(setting, kind, text)
    if variable in _STORES:
        return _url(variable, text)
    if variable == "GATEWAY_LOG_LEVEL" and text.lower() not in _LOG_LEVELS:
        raise SettingsError(f"{variable} must be one of {', '.join(_LOG_LEVELS)}, and is {text!r}.")
    if (choices := setting.metadata["choices"]) and text.lower() not in choices:
        raise SettingsError(f"{variable} must be one of {', '.join(choices)}, and is {text!r}.")
    return kind(text.lower() if choices or variable == "GATEWAY_LOG_LEVEL" else text)


def _url(variable: str, text: str) -> str:
    """Return the URL as it is. What is wrong with it is said without any of it, since it may hold a password."""
    try:
        parse_url(_STORES[variable], text, variable)
    except InvalidStoreURL as error:
        raise SettingsError(str(error)) from None
    return text


def _number(setting: "Field[Any]", kind: type[int] | type[float], text: str) -> float:
    variable, minimum, maximum = (setting.metadata[key] for key in ("variable", "minimum", "maximum"))
    noun = "a whole number" if kind is int else "a number"
    try:
        value = kind(text)
    except ValueError as error:
        raise SettingsError(f"{variable} must be {noun}, and is {text!r}.") from error
    if not minimum <= value <= maximum:
        raise SettingsError(f"{variable} must be {noun} from {minimum:,} to {maximum:,}, and is {text}.")
    return value
