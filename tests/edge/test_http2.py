"""HTTP/2, with TLS and without."""

import re
import subprocess
from collections import Counter
from pathlib import Path

import httpx

from benchmarks.nginx import Edge
from tests.edge.asking import QUERY
from tests.edge.conftest import StartEdge, program
from tests.edge.upstream import Upstream, answering, slowly


def curl(*arguments: str) -> list[str]:
    """What curl reports of each answer: HTTP's version, status and how the edge came by it."""
    report = r"%{http_version} %{http_code} %header{x-cache-status}\n"
    command = [program("curl"), "--silent", "--show-error", "--output", "/dev/null", "--write-out", report, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()


def with_tls(configuration: str, certificate: Path, key: Path, listen: Path) -> str:
    """The configuration with its lines for TLS uncommented."""
    value = {"443": f"unix:{listen}", "/etc/ssl/certs/gateway.pem": certificate, "/etc/ssl/private/gateway.key": key}
    configuration = re.sub(r"#(listen|ssl_)", r"\1", configuration)
    for default, path in value.items():
        configuration = configuration.replace(default, str(path))
    return configuration


def test_http_2_without_tls_shares_the_cache(edge: Edge, client: httpx.Client) -> None:
    host = client.base_url.host
    client.get(QUERY)
    url = f"http://{host}{QUERY}"
    assert curl("--http2-prior-knowledge", "--unix-socket", str(edge.h2c_socket), url) == ["2 200 HIT"]


def test_50_requests_over_one_connection_with_tls_are_one(
    start_edge: StartEdge, upstream: Upstream, folder: Path
) -> None:
    certificate, key, listen = folder / "certificate", folder / "key", folder / "tls"
    command = [program("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    names = ["-subj", "/CN=edge", "-addext", "subjectAltName=DNS:edge"]
    subprocess.run([*command, *names, "-nodes", "-keyout", key, "-out", certificate], check=True, capture_output=True)
    start_edge(upstream.address, change=lambda text: with_tls(text, certificate, key, listen))
    upstream.answer = slowly(answering())
    urls = [f"https://edge{QUERY}"] * 50
    outputs = ["--output", "/dev/null"] * 49
    options = ["--parallel", "--parallel-max", "50", "--no-progress-meter", "--cacert", str(certificate)]
    answers = curl(*options, "--unix-socket", str(listen), *outputs, *urls)
    assert Counter(answers) == {"2 200 MISS": 1, "2 200 HIT": 49}
    assert upstream.asked[0].headers["x-forwarded-proto"] == "https"
