"""Debian's nginx with the edge's configuration, for the length of a block."""

import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from string import Template
from urllib.parse import urlsplit

from benchmarks.servers import accepts, running
from deploy.embedded.process import free_port

TEMPLATE = Path(__file__).parents[1] / "deploy" / "nginx" / "gateway.conf.template"

NGINX_CONF = TEMPLATE.with_name("nginx.conf")

SERVERS = "server {0} max_fails=3 fail_timeout=2s; server {0} backup max_fails=0;"
"""A gateway as the README names it."""

# What Debian's own nginx.conf has around the edge, which has to turn some of it off again; and files of our own.
_AROUND = """
    sendfile on;
    tcp_nopush on;
    gzip on;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/gateway.conf;
"""


@dataclass(frozen=True, slots=True)
class Edge:
    """A running nginx: where it speaks HTTP/1.1, and HTTP/2 without TLS, and its cache."""

    url: str
    h2c_socket: Path
    cache: Path


@contextmanager
def running_edge(
    nginx: str, folder: Path, gateways: Sequence[str], change: Callable[[str], str] = str
) -> Iterator[Edge]:
    """The edge before the gateways of these addresses, its configuration changed by `change`, its files in the folder.

    The folder's name is to be short: those of Unix sockets are limited to some 100 characters.
    """
    port = free_port()
    edge = Edge(f"http://127.0.0.1:{port}", folder / "h2c", folder / "cache")
    with running_nginx(nginx, folder, change(_rendered(edge, gateways)), port):
        yield edge


@contextmanager
def running_nginx(nginx: str, folder: Path, configuration: str, port: int) -> Iterator[None]:
    """nginx in the shipped frame around this configuration, which listens at this port; its files in the folder."""
    (folder / "gateway.conf").write_text(configuration)
    (folder / "nginx.conf").write_text(_frame(folder))
    command = [nginx, "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]
    with running([*command, "-g", "daemon off;"], lambda: accepts(port)):
        yield


def _frame(folder: Path) -> str:
    """The shipped nginx.conf, with its files in the folder."""
    places = {
        "user www-data;": "user root;" if os.geteuid() == 0 else "",
        "worker_processes auto;": "worker_processes 2;",
        "/run/nginx.pid": f"{folder}/pid",
        "/var/log/nginx/error.log warn": f"{folder}/error.log info",
        "    include /etc/nginx/conf.d/*.conf;": _AROUND.format(folder=folder),
    }
    text = NGINX_CONF.read_text()
    for shipped, ours in places.items():
        if shipped not in text:
            raise ValueError(f"{NGINX_CONF.name} has no {shipped!r}.")
        text = text.replace(shipped, ours)
    return text


def unlimited(configuration: str) -> str:
    """The configuration without its limits for one address, which is all that a benchmark asks from."""
    return re.sub(r"(?m)^ *limit_(req|conn) .*$", "", configuration)


def _rendered(edge: Edge, gateways: Sequence[str]) -> str:
    """The configuration with its variables filled in, as envsubst does; nginx's own stay."""
    values = {
        "EDGE_LISTEN": urlsplit(edge.url).netloc,
        "EDGE_LISTEN_H2C": f"unix:{edge.h2c_socket}",
        "EDGE_GATEWAYS": " ".join(SERVERS.format(address) for address in gateways),
        "EDGE_CACHE": edge.cache,
    }
    return Template(TEMPLATE.read_text()).safe_substitute(values)
