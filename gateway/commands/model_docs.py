"""`gateway model docs`: write the documentation of a model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from gateway.commands.command import add_model_option, settings_of
from gateway.model_tools.docs.html import write_html
from gateway.model_tools.docs.markdown import write_markdown
from gateway.model_tools.docs.page import page
from gateway.schema import build_schema
from gateway.served_model import load_served_model
from loaders.errors import CallerError

if TYPE_CHECKING:
    import argparse


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.set_defaults(command=_docs)
    parser.add_argument("--html", action="store_true", help="write one HTML page, which needs no other file")
    parser.add_argument("--output", type=Path, metavar="FILE", help="the file to write (without it: standard output)")
    add_model_option(parser)


def _docs(arguments: argparse.Namespace) -> int:
    blocks = page(build_schema(load_served_model(settings_of(arguments))))
    text = write_html(blocks) if arguments.html else write_markdown(blocks)
    output: Path | None = arguments.output
    if output is None:
        print(text, end="")
        return 0
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise CallerError(f"{output} cannot be written: {error}") from error
    return 0
