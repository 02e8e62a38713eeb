"""Map request paths to the served ones: remove the prefix that a proxy passes on, and slashes at the end."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from starlette.responses import RedirectResponse

from gateway.http.security_headers import SAFE
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


class CanonicalPathsMiddleware:
    """ASGI middleware that gives each request the path under which its resource is served.

    It removes the prefix of the ASGI server (`root_path` of the scope) and that of the setting if they are there: some
    proxies remove it themselves, and probes come without it. It ignores a slash after one of the `served` paths, since
    a redirect would cost a preflight or the body of a POST. A slash after one of the `pages` is redirected to the page,
    whose links are relative.
    """

    def __init__(self, app: ASGIApp, served: Collection[str], pages: Collection[str] = (), root_path: str = "") -> None:
        self._app = app
        self._served = served
        self._pages = pages
        self._root_path = root_path

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Answer one request."""
        if scope["type"] != "http":
            return self._app(scope, receive, send)
        path: str = scope["path"]
        for prefix in (scope.get("root_path") or "", self._root_path):
            if prefix and path == prefix:
                # Relative, for a prefix that another proxy has removed. The page's own links need the slash.
                return RedirectResponse(f"{prefix.rpartition('/')[2]}/", headers=SAFE)(scope, receive, send)
            if prefix and path.startswith(f"{prefix}/"):
                path = path[len(prefix) :]
        if path.endswith("/") and path[:-1] in self._served:
            path = path[:-1]
        elif path.endswith("/") and path[:-1] in self._pages:
            return RedirectResponse(f"..{path[:-1]}", headers=SAFE)(scope, receive, send)
        if path != scope["path"] or scope.get("root_path"):
            scope["path"], scope["root_path"] = path, ""  # in place: who observes the request holds this scope
        return self._app(scope, receive, send)
