"""The parts that commands share: parsers, options, and the error about an extra that is not installed."""

from __future__ import annotations

import argparse
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gateway.settings import Settings
from loaders.errors import CallerError, GatewayError

if TYPE_CHECKING:
    from collections.abc import Mapping


class NotInstalledError(GatewayError):
    """A command needs packages that are an extra of the installation."""

    def __init__(self, command: str, missing: object, *, extra: str = "embedded") -> None:
        super().__init__(f"`gateway {command}` needs the extra `{extra}`, which is not installed ({missing}).")


class CommandParser(argparse.ArgumentParser):
    """The parser of one command, whose module is imported when it parses: no command waits for the others' imports.

    The module's `add_to(parser)` adds the options, and the function that runs the command as the default of `command`:
    that is called with the arguments and returns the exit status.
    """

    def __init__(self, *, module: str = "", **options: Any) -> None:
        super().__init__(**options)
        self._module = module

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Load the command, and parse. Only the parser of the command that is run is asked to parse."""
        self.load()
        return super().parse_known_args(args, namespace)

    def load(self) -> None:
        """Import the command's module, and let it add its options. Does nothing the second time."""
        module, self._module = self._module, ""
        if module:
            import_module(module).add_to(self)


def add_commands(parser: argparse.ArgumentParser, modules: str, commands: Mapping[str, str]) -> None:
    """Add commands, by name with their lines of help. `modules` is what the names of their modules begin with."""
    below = parser.add_subparsers(required=True, metavar="command", parser_class=CommandParser)
    for name, about in commands.items():
        below.add_parser(name, help=about, description=about[0].upper() + about[1:] + ".", module=f"{modules}{name}")


def add_model_option(parser: argparse.ArgumentParser, *, default: str = "GATEWAY_MODEL") -> None:
    """Add `--model`; `default` says in the help what is taken without it."""
    parser.add_argument(
        "--model",
        metavar="MODEL",
        help=f"a module (shop.model), file or folder; NAME:variable names another variable (without it: {default})",
    )


def add_tenant_option(parser: argparse.ArgumentParser) -> None:
    """Add `--tenant`, which names the tenant of a model with tenants."""
    parser.add_argument(
        "--tenant", metavar="KEY", help="the tenant whose rows it is about, of a model with tenants (without it: none)"
    )


def add_ids_option(parser: argparse.ArgumentParser) -> None:
    """Add `--ids`, which names a file with the keys of objects."""
    parser.add_argument(
        "--ids", type=Path, metavar="FILE", help="keys of the objects, one a line (without it: all objects)"
    )


def ids_of(arguments: argparse.Namespace) -> list[str] | None:
    """Return the keys in the file of `--ids`, which may have spaces in them; None without the option.

    Raises CallerError for a file that cannot be read.
    """
    file: Path | None = arguments.ids
    if file is None:
        return None
    try:
        lines = file.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise CallerError(f"{file} cannot be read: {error}") from error
    return [key for line in lines if (key := line.strip())]


def settings_of(arguments: argparse.Namespace, defaults: Mapping[str, Any] | None = None) -> Settings:
    """Return the settings of the environment, with the model that the arguments name. Raises SettingsError."""
    settings = Settings.from_environment(defaults=defaults)
    model: str | None = arguments.model
    return settings if model is None else replace(settings, model=model)
