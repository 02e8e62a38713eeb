"""The model that a process serves: named by the settings, loaded and checked before anything starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.setting import SettingsError
from loaders.model.loading import load_model

if TYPE_CHECKING:
    from gateway.settings import Settings
    from loaders.model.model import Model

FLEET_NAME = "fleet"
"""The name of the sample fleet's model."""
FLEET = "deploy.fleet.model"
"""The sample fleet's model, which `gateway run` serves where no other is named."""


def load_served_model(settings: Settings) -> Model | None:
    """Return the model that the settings name; None for the sample fleet, whose engine does not read models yet.

    Raises SettingsError where none is named, and ModelError with all that is wrong with it.
    """
    if not settings.model:
        raise SettingsError(
            "No model is named: name one with --model or GATEWAY_MODEL, as a module (shop.model) or a file"
            f" (shop/model.py). The sample fleet's is {FLEET}, which `gateway run` serves without a name."
        )
    return None if settings.model == FLEET else load_model(settings.model)
