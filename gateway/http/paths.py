"""Request paths: the prefix that a proxy leaves in front of them, and one form for each."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from starlette.responses import RedirectResponse

from gateway.http.sniffing import SAFE
from gateway.setting import SettingsError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Collection

    from starlette.types import ASGIApp, Receive, Scope, Send

VARIABLE = "GATEWAY_ROOT_PATH"
_PREFIX = re.compile(r"(/[A-Za-z0-9._~-]+)*")


def parse_root_path(text: str) -> str:
    """Return the prefix with a slash before and none after it, `""` for none. Raises SettingsError."""
    prefix = "/" + text.strip("/") if text.strip("/") else ""
    if not _PREFIX.fullmatch(prefix) or not {".", ".."}.isdisjoint(prefix.split("/")):
        raise SettingsError(f"{VARIABLE} must be a path like /api, without a host or a query, and is {text!r}.")
    return prefix


def canonical_paths(app: ASGIApp, served: Collection[str], pages: Collection[str] = (), root_path: str = "") -> ASGIApp:
    """Return the application as if each request had the path that it serves.

    The prefix of an ASGI server (`root_path` of the scope) and that of the setting are taken off where they are there:
    some proxies take it off themselves, and probes come without. A slash after one of the `served` paths is ignored,
    since a redirect would cost a preflight or the body of a POST. From one of the `pages`, whose links are relative, it
    leads to the page without it.
    """

    def canonical(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] != "http":
            return app(scope, receive, send)
        path: str = scope["path"]
        for prefix in (scope.get("root_path") or "", root_path):
            if prefix and path == prefix:
                # Relative, for a prefix that another proxy has taken off. Links of the page below need the slash.
                return RedirectResponse(f"{prefix.rpartition('/')[2]}/", headers=SAFE)(scope, receive, send)
            if prefix and path.startswith(f"{prefix}/"):
                path = path[len(prefix) :]
        if path.endswith("/") and path[:-1] in served:
            path = path[:-1]
        elif path.endswith("/") and path[:-1] in pages:
            return RedirectResponse(f"..{path[:-1]}", headers=SAFE)(scope, receive, send)
        if path != scope["path"] or scope.get("root_path"):
            scope = {**scope, "path": path, "root_path": ""}
        return app(scope, receive, send)

    return canonical
