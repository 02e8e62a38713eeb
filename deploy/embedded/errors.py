"""The one error of the embedded engines."""

from __future__ import annotations

from loaders.errors import GatewayError


class EngineError(GatewayError):
    """An engine cannot be started or has ended; the message is a sentence for whoever runs the gateway."""
