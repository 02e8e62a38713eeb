"""Ask the gateway of this container for its health: exit status 0 where it answers 200, otherwise 1 with a sentence.

The argument is the path, `/livez` without one. It runs every few seconds for as long as the container does, and so
imports nothing that takes longer than the question (`python3 -I -S`).
"""

import os
import socket
import sys

ANY_ADDRESS = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared with, not listened on
"""Addresses to listen on that are no host to connect to."""
TIMEOUT_S = 2.0
"""Less than the three seconds that HEALTHCHECK gives, so that it is this script that says what is wrong."""


def status(path: str) -> int:
    """Return the status that the gateway answers. Raises OSError where it does not, and ValueError for other words."""
    host = os.environ.get("GATEWAY_HOST", "")
    address = (ANY_ADDRESS.get(host, host), int(os.environ.get("GATEWAY_PORT") or 8000))
    with socket.create_connection(address, TIMEOUT_S) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        line = connection.makefile("rb").readline(64)
    version, _, rest = line.partition(b" ")
    if not version.startswith(b"HTTP/1."):
        raise ValueError(f"no HTTP: {line!r}")
    return int(rest[:3])


def main() -> None:
    """End with the exit status."""
    path = sys.argv[1] if len(sys.argv) > 1 else "/livez"
    try:
        answer = status(path)
    except (OSError, ValueError) as error:
        sys.exit(f"{path} is not answered: {error}")
    if answer != 200:
        sys.exit(f"{path} is answered {answer}.")


if __name__ == "__main__":
    main()
