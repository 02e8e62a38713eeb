"""`gateway profile`: where a running gateway's time goes, as a flame graph."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from gateway.commands.command import NotInstalledError
from gateway.settings import Settings
from loaders.errors import CallerError

if TYPE_CHECKING:
    import argparse


_MAX_SECONDS, _MAX_RATE = 600, 1_000


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.set_defaults(command=_profile)
    gateway = parser.add_mutually_exclusive_group()
    gateway.add_argument("--pid", type=int, help="process of the gateway, or of one worker (without it: --port)")
    gateway.add_argument("--port", type=int, help="port that the gateway listens on (without it: GATEWAY_PORT)")
    parser.add_argument("--seconds", type=int, default=30, metavar="N", help="how long it is sampled (%(default)s)")
    parser.add_argument(
        "--rate", type=int, default=100, metavar="N", help="samples a second of each worker (%(default)s)"
    )
    parser.add_argument(
        "--output", type=Path, default=Path("profile.svg"), metavar="FILE", help="the picture to write (%(default)s)"
    )


def _profile(arguments: argparse.Namespace) -> int:
    for option, maximum in (("seconds", _MAX_SECONDS), ("rate", _MAX_RATE)):
        if not 0 < getattr(arguments, option) <= maximum:
            raise CallerError(f"--{option} must be from 1 to {maximum:,}.")
    try:
        from gateway.observability.profiling import program, record, serving_pid

        program()
    except ImportError as error:
        raise NotInstalledError("profile", error, extra="profiling") from error
    pid = arguments.pid
    if pid is None:
        pid = serving_pid(Settings.from_environment().port if arguments.port is None else arguments.port)
    record(pid, arguments.output, seconds=arguments.seconds, rate=arguments.rate)
    print(f"{arguments.output} shows {arguments.seconds} s of process {pid} and its workers.")
    return 0
