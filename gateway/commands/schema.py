"""`gateway schema`: print the schema, write it, or compare it with a file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.commands.command import add_model_option, settings_of
from gateway.schema import build_schema
from gateway.served_model import load_served_model

if TYPE_CHECKING:
    import argparse


SCHEMA_FILE = Path("schema.graphql")


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.set_defaults(command=_schema)
    parser.add_argument("--write", action="store_true", help=f"write it to {SCHEMA_FILE} instead")
    parser.add_argument("--check", action="store_true", help=f"fail when {SCHEMA_FILE} differs from it")
    add_model_option(parser)


def _schema(arguments: argparse.Namespace) -> int:
    model = load_served_model(settings_of(arguments))
    text = build_schema(model).as_str() + "\n"
    if arguments.write:
        SCHEMA_FILE.write_text(text)
    elif not arguments.check:
        print(text, end="")
    elif not SCHEMA_FILE.exists() or SCHEMA_FILE.read_text() != text:
        print(f"gateway: {SCHEMA_FILE} differs from the model's schema: run `gateway schema --write`.", file=sys.stderr)
        return 1
    return 0
