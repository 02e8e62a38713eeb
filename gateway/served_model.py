"""The model that a process serves: named by the settings, loaded and checked before anything starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.setting import SettingsError
from loaders.model.loading import load_model

if TYPE_CHECKING:
    from gateway.settings import Settings
    from loaders.model.model import Model


def load_served_model(settings: Settings) -> Model:
    """Return the model that the settings name.

    Raises SettingsError where none is named, and ModelError with all that is wrong with it.
    """
    return load_model(require_model(settings))


def require_model(settings: Settings) -> str:
    """Return the name of the model that the settings name. Raises SettingsError where none is named."""
    if not settings.model:
        raise SettingsError(
            "No model is named: name one with --model or GATEWAY_MODEL, as a module (shop.model) or a file"
            " (shop/model.py). Without one, `gateway run` serves a sample."
        )
    return settings.model
