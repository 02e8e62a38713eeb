"""Listening and serving: uvicorn, in one process or several."""

import logging
import multiprocessing
import multiprocessing.connection
import os
import resource
import secrets
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

import uvicorn
from prometheus_client.multiprocess import MultiProcessCollector

from gateway.graceful_shutdown import Server
from gateway.http_connection import ConnectionLimits
from gateway.http_protocol import ProtocolFactory
from gateway.observability.log_setup import configure_logging
from gateway.observability.metrics_server import metrics_served
from gateway.observability.worker_slots import WorkerSlots, metrics_directory
from gateway.settings import Settings
from gateway.workers import Workers
from loaders.errors import GatewayError
from loaders.model.model import Model

_log = logging.getLogger("gateway")

_OTHER_FILES = 256
"""Files that a worker has open in addition to its clients' connections: those to the stores, and Python's own."""

_BACKLOG = 2_048
"""How many connections may wait for a worker; the first packets of more are dropped, which clients send again."""

ALL_ADDRESSES = ("0.0.0.0", "::")  # noqa: S104 - compared with, not listened on
"""Addresses to listen on that are no host to connect to: `gateway run` rejects them as a host."""


class CannotListenError(GatewayError):
    """The gateway cannot listen on the address. The message says why, and what to do."""


def bind(host: str, port: int, *, host_name: str = "GATEWAY_HOST", port_name: str = "GATEWAY_PORT") -> socket.socket:
    """Bind the address before anything else is started. Raises CannotListenError if that fails.

    Connections are refused until `serve` listens: they would wait for the stores to answer, without being answered.
    The names are those of the settings or options that the address comes from, for the error.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except socket.gaierror as error:
        bound.close()
        raise CannotListenError(f"{host_name} must be an address of this machine, and is {host!r}.") from error
    except OSError as error:
        bound.close()
        raise _cannot_listen(host, port, error, host_name, port_name) from error
    bound.set_inheritable(True)
    bound.setblocking(False)
    return bound


def _cannot_listen(
    host: str, port: int, error: OSError, host_name: str = "GATEWAY_HOST", port_name: str = "GATEWAY_PORT"
) -> CannotListenError:
    return CannotListenError(
        f"Cannot listen on {host} port {port}: {error.strerror}."
        f" Stop what listens there, or set {port_name} (or {host_name}) to another one."
    )


def serve(
    settings: Settings, bound: socket.socket, model: Model, tenant: str | None = None, *, ends_process: bool = True
) -> None:
    """Serve until a signal stops the process; running requests are answered first.

    `tenant` is the key of a tenant, for the message at startup. The process is ended where stopping takes too long;
    without `ends_process`, that is so only until this returns. Raises CannotListenError where another process listens
    on the address by now: several may bind it.
    """
    try:
        bound.listen(_BACKLOG)
    except OSError as error:
        raise _cannot_listen(settings.host, settings.port, error) from error
    replace(settings, cursor_secret=settings.cursor_secret or secrets.token_hex(32)).export()
    configure_logging(settings.log_level, settings.log_format)
    _allow_open_files(settings.max_connections)
    config = uvicorn.Config(
        "gateway.app:create_app",
        factory=True,
        loop="uvloop",
        workers=settings.workers,
        log_level=settings.log_level,
        log_config=None,  # its own handlers would wait for whoever reads standard error
        access_log=False,
        server_header=False,
        http=_protocol(settings),  # type: ignore[arg-type]  # uvicorn calls it as it does a class
        ws="none",
        proxy_headers=False,  # gateway.trusted_proxies does it
        timeout_keep_alive=settings.keep_alive_s,  # type: ignore[arg-type]  # call_later takes fractions of a second
        timeout_graceful_shutdown=settings.shutdown_timeout_s,
        backlog=_BACKLOG,
    )
    with _metrics(settings) as slots, suppress(KeyboardInterrupt):
        print(welcome(settings, model, tenant), flush=True)
        if settings.workers > 1:
            # Engines stop with it without `restarts_on_hang_up`.
            Workers(config, sockets=[bound], restarts_on_hang_up=ends_process, slots=slots).run()
        else:
            _run_server(Server(config), bound, ends_process=ends_process)


@contextmanager
def _metrics(settings: Settings) -> Iterator[WorkerSlots | None]:
    """Serve metrics in the block; yield the places of workers in them, where there are several."""
    host, port = settings.metrics_host or settings.host, settings.metrics_port
    if not port:
        yield None
    elif settings.workers == 1:
        with metrics_served(host, port):
            yield None
    else:
        with metrics_directory() as directory, metrics_served(host, port, MultiProcessCollector(None, str(directory))):
            yield WorkerSlots(directory)


def _run_server(server: Server, bound: socket.socket, *, ends_process: bool) -> None:
    try:
        server.run(sockets=[bound])
    finally:
        if not ends_process:
            server.cancel_end()


def _protocol(settings: Settings) -> ProtocolFactory:
    return ProtocolFactory(
        ConnectionLimits(
            head_bytes=settings.max_head_kib << 10,
            headers=settings.max_headers,
            head_timeout_s=settings.head_timeout_s,
            body_timeout_s=settings.body_timeout_s,
            connections=settings.max_connections,
        )
    )


def _allow_open_files(connections: int) -> None:
    """Raise this process's limit of open files, and so its workers', to what that many connections take."""
    needed = connections + _OTHER_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return
    allowed = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    if allowed < needed:
        _log.warning(
            "GATEWAY_MAX_CONNECTIONS is %d, but a process may open only %d files. Raise its limit (ulimit -n) to %d.",
            connections,
            allowed,
            needed,
        )


def stop_with_parent() -> None:
    """Stop a worker process when its parent is gone, however it ended. Does nothing in other processes.

    Without it, the workers of a killed gateway keep its port and answer from stores that are gone.
    """
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch() -> None:
        multiprocessing.connection.wait([parent.sentinel])
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="watch-parent", daemon=True).start()


def welcome(settings: Settings, model: Model, tenant: str | None = None) -> str:
    """Return the message that is printed at startup: the addresses, a first query, and how to ask it as a tenant.

    `tenant` is the key of one, if any is known.
    """
    host = "localhost" if settings.host in ALL_ADDRESSES else settings.host
    host = f"[{host}]" if ":" in host else host
    base = f"http://{host}:{settings.port}"
    page = f"\n  GraphiQL   {base}/graphiql" if settings.graphiql else ""
    hint = ""
    if model.tenant is not None and settings.anonymous and not settings.anonymous_tenant:
        hint = (
            "\nRequests without a credential are refused, GraphiQL's too, since each belongs to a tenant. Start with"
            f"\n  GATEWAY_ANONYMOUS_TENANT={tenant or 'KEY'}\nto answer them as those of one tenant.\n"
        )
    example = "".join(path.read_text().strip() for path in model.examples[:1])
    begin = f"\nA query to begin with:\n\n{example}\n" if example else ""
    return f"\nThe gateway is serving.{page}\n  GraphQL    {base}/graphql\n{hint}{begin}"
