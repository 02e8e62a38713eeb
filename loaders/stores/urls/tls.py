"""Certificates that a store's URL names: checked when it is read, and explained when a server's is not accepted."""

from __future__ import annotations

import ssl

from loaders.stores.urls.syntax import MalformedURLError


def check_authority(option: str, path: str) -> None:
    """Raise MalformedURLError where a file holds no certificate to trust."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except (ssl.SSLError, OSError):
        message = f"has the option {option}, which must name a file with certificates in PEM format"
    else:
        return
    raise MalformedURLError(message)


def check_certificate(options: tuple[str, str], certificate: str | None, key: str | None, password: str = "") -> None:
    """Raise MalformedURLError where a client's certificate and key, or the key's password, do not fit each other."""
    if certificate is None:
        if key is not None:
            raise MalformedURLError(f"has the option {options[1]}, which needs {options[0]}")
        return
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_cert_chain(certificate, key, password=lambda: password)  # never asked for at the terminal
    except (ssl.SSLError, OSError, ValueError):
        message = (
            f"has the options {options[0]} and {options[1]}, which must be a certificate and its key in PEM format"
        )
    else:
        return
    raise MalformedURLError(f"{message}, not encrypted with another password")


def refused_certificate(error: BaseException | None, advice: str) -> str:
    """Return why a server's certificate was refused and what to do, or nothing where the error is another one."""
    seen = 0
    while error is not None and seen < 10:
        certificate_error = getattr(error, "certificate_error", error)  # aiohttp keeps it there
        if isinstance(certificate_error, ssl.SSLCertVerificationError):
            reason = certificate_error.verify_message.rstrip(".")
            return f"its certificate is refused ({reason}). {advice}"
        error, seen = error.__cause__ or error.__context__, seen + 1
    return ""
