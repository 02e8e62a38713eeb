"""`python -m deploy.embedded.clickhouse_http`: serve ClickHouse's HTTP interface on a loopback port."""

from __future__ import annotations

import argparse
import fcntl
import os
import signal
import socket
import sys
import threading
from pathlib import Path
from typing import IO

import uvicorn

from deploy.embedded.clickhouse_http.app import MAX_RUNNING, App
from deploy.embedded.clickhouse_http.auth import Credentials
from deploy.embedded.clickhouse_http.engine import Engine

# How long SIGTERM waits for the queries and answers under way before it ends them: a client may be slow to read.
GRACE_S = 3


def main() -> None:
    """Serve until SIGTERM or SIGINT, or until standard input ends when `--exit-with-stdin` is given."""
    arguments = _arguments()
    arguments.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = _lock(arguments.data)
    credentials = Credentials(arguments.user, arguments.password_file.read_text().strip())
    os.chdir(arguments.data)  # the engine would read signs of the path as options: it is given a name without any
    engine = Engine(Path("engine"), arguments.database, max_idle=MAX_RUNNING)
    app = App(engine, credentials)
    try:
        _serve(app, _listener(arguments), arguments.exit_with_stdin)
    finally:
        app.close()
        lock.close()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m deploy.embedded.clickhouse_http", description=main.__doc__)
    parser.add_argument("--data", type=Path, required=True, help="directory of the data; one process may use it")
    parser.add_argument("--port", type=int, default=8123, help="port on 127.0.0.1 (%(default)s)")
    parser.add_argument("--fd", type=int, help="a listening socket to serve on, in place of a port")
    parser.add_argument("--user", default="gateway", help="the user (%(default)s)")
    parser.add_argument("--password-file", type=Path, required=True, help="file with the user's password")
    parser.add_argument("--database", default="gateway", help="default database, created when absent (%(default)s)")
    parser.add_argument("--exit-with-stdin", action="store_true", help="stop when standard input ends")
    return parser.parse_args()


def _lock(directory: Path) -> IO[str]:
    lock = (directory / "lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.exit(f"{directory} is open in another process; one at a time may use it.")
    return lock


def _listener(arguments: argparse.Namespace) -> socket.socket:
    if arguments.fd is not None:
        return socket.socket(fileno=arguments.fd)
    return socket.create_server(("127.0.0.1", arguments.port), backlog=1024)


def _serve(app: App, listener: socket.socket, exit_with_stdin: bool) -> None:
    config = uvicorn.Config(
        app,
        http="httptools",
        loop="uvloop",
        lifespan="off",
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_keep_alive=300,
        timeout_graceful_shutdown=GRACE_S,
    )
    server = uvicorn.Server(config)
    if exit_with_stdin:
        threading.Thread(target=_exit_at_end_of_stdin, args=(server,), daemon=True).start()
    # The server sends itself the signal that ended it once more when it is done; the engine is still to be closed then.
    signal.signal(signal.SIGTERM, lambda *_: None)
    signal.signal(signal.SIGINT, lambda *_: None)
    server.run(sockets=[listener])


def _exit_at_end_of_stdin(server: uvicorn.Server) -> None:
    while os.read(0, 1024):
        pass
    server.should_exit = True


if __name__ == "__main__":
    main()
