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

# What Debian's own nginx.conf has around the edge; some of it the edge has to turn off again.
_NGINX_CONF = """
{user}
daemon off;
worker_processes 2;
pid {folder}/pid;
error_log {folder}/error.log info;
events {{ worker_connections 512; }}
http {{
    sendfile on;
    tcp_nopush on;
    gzip on;
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/gateway.conf;
}}
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
    (folder / "gateway.conf").write_text(change(_rendered(edge, gateways)))
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(_NGINX_CONF.format(user=user, folder=folder))
    command = [nginx, "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]
    with running(command, lambda: accepts(port)):
        yield edge


def unlimited(configuration: str) -> str:
    """The configuration without its limits for one address, which is all that a benchmark asks from."""
    return re.sub(r"(?m)^ *limit_(req|conn) .*$", "", configuration)


def _rendered(edge: Edge, gateways: Sequence[str]) -> str:
    """The configuration with its variables filled in, as envsubst does; nginx's own stay."""
    values = {
        "EDGE_LISTEN": urlsplit(edge.url).netloc,
        "EDGE_LISTEN_H2C": f"unix:{edge.h2c_socket}",
        "EDGE_GATEWAYS": " ".join(f"server {address};" for address in gateways),
        "EDGE_CACHE": edge.cache,
    }
    return Template(TEMPLATE.read_text()).safe_substitute(values)
