"""nginx of the Compose file serves and caches with the rights that its container keeps."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from string import Template

import httpx
import pytest
import yaml

from benchmarks.nginx import NGINX_CONF, SERVERS, TEMPLATE
from benchmarks.servers import accepts, running
from deploy.embedded.process import free_port
from tests.deploy.compose import FOLDER
from tests.deploy.programs import leave_out, program

pytestmark = pytest.mark.deploy


class PublicGateway(BaseHTTPRequestHandler):
    """A gateway whose answer any cache may keep."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Cache-Control", "public, max-age=60")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@contextmanager
def gateway() -> Iterator[str]:
    """Serve the answer in the block; yield its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), PublicGateway)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def configured(folder: Path, address: str, port: int) -> Path:
    """Write the shipped configuration, with its user, its files in the folder."""
    values = {
        "EDGE_LISTEN": f"127.0.0.1:{port}",
        "EDGE_LISTEN_H2C": f"127.0.0.1:{free_port()}",
        "EDGE_GATEWAYS": SERVERS.format(address),
        "EDGE_CACHE": str(folder / "copies"),
    }
    (folder / "gateway.conf").write_text(Template(TEMPLATE.read_text()).safe_substitute(values))
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    places = "".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
    text = NGINX_CONF.read_text().replace("/etc/nginx/conf.d/*.conf;", f"{folder}/gateway.conf; {places}")
    text = text.replace("/run/nginx.pid", f"{folder}/pid").replace("/var/log/nginx/error.log", f"{folder}/error.log")
    assert "user www-data;" in text
    (folder / "nginx.conf").write_text(text)
    return folder / "nginx.conf"


def test_nginx_serves_and_keeps_copies_with_the_capabilities_of_its_container() -> None:
    nginx, setpriv = program("nginx"), program("setpriv", "util-linux")
    if os.geteuid() != 0:
        leave_out("nginx is started as root here: sudo make test-deploy")
    service = yaml.safe_load((FOLDER / "compose.yaml").read_text())["services"]["nginx"]
    kept = ",".join(f"+{name.lower()}" for name in service["cap_add"])
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="edge-") as name, gateway() as address:
        folder = Path(name)
        folder.chmod(0o755)  # as of /var/cache, which www-data finds its own folders in
        command = [
            setpriv,
            "--no-new-privs",
            f"--bounding-set=-all,{kept}",
            nginx,
            "-c",
            str(configured(folder, address, port)),
        ]
        with running([*command, "-e", "stderr", "-g", "daemon off;"], lambda: accepts(port)), httpx.Client() as client:
            url = f"http://127.0.0.1:{port}/graphql?query=1"
            states = [client.get(url).headers["X-Cache-Status"] for _ in range(2)]
        assert states == ["MISS", "HIT"]
        assert (folder / "copies").stat().st_uid != 0
