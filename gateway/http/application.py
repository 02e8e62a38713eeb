"""The ASGI application: Starlette with the gateway's middleware around its error handling."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.applications import Starlette

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.middleware import Middleware
    from starlette.routing import BaseRoute
    from starlette.types import ASGIApp, Lifespan

    from gateway.admission.admission import Admission
    from gateway.auth.authentication import Authenticator
    from gateway.http.response_cache import ResponseCache


class Application(Starlette):
    """Starlette whose middleware, outermost first, is outside of Starlette's own error handling.

    Starlette puts its error handling around the middleware, so that each cached response would pass through it.
    """

    authenticator: Authenticator
    """Set when the application starts."""
    admission: Admission
    """Set by who builds the application."""
    response_cache: ResponseCache | None = None
    """Set when the application starts, unless caching is disabled."""

    def __init__(
        self,
        routes: Sequence[BaseRoute],
        middleware: Sequence[Middleware] = (),
        lifespan: Lifespan[Starlette] | None = None,
    ) -> None:
        super().__init__(routes=routes, lifespan=lifespan)
        self._middleware = tuple(middleware)

    def build_middleware_stack(self) -> ASGIApp:
        """Wrap the middleware around Starlette's stack. Starlette calls this once."""
        app = super().build_middleware_stack()
        for cls, args, kwargs in reversed(self._middleware):
            app = cls(app, *args, **kwargs).__call__  # Python calls a bound method faster than an instance
        return app
