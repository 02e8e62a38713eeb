"""A private authority of a test's own, by openssl, and certificates that it signed."""

import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate and its key, in files."""

    certificate: Path
    key: Path


def authority(folder: Path, name: str) -> Certificate:
    """An authority that nobody knows."""
    made = Certificate(folder / f"{name}.pem", folder / f"{name}.key")
    _openssl(
        *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"),
        *("-subj", f"/CN={name}", "-keyout", made.key, "-out", made.certificate),
    )
    return made


def signed(folder: Path, by: Certificate, *, names: str = "IP:127.0.0.1", file: str = "server") -> Certificate:
    """A certificate that the authority signed for these names, such as `DNS:store.example`."""
    made, request, extensions = (
        Certificate(folder / f"{file}.pem", folder / f"{file}.key"),
        folder / "csr",
        folder / "ext",
    )
    extensions.write_text(f"subjectAltName={names}\n")
    _openssl(
        *("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", f"/CN={file}"),
        *("-keyout", made.key, "-out", request),
    )
    _openssl(
        *("x509", "-req", "-in", request, "-CA", by.certificate, "-CAkey", by.key, "-CAcreateserial", "-days", "2"),
        *("-extfile", extensions, "-out", made.certificate),
    )
    return made


def _openssl(*arguments: object) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)
