"""The repository's models, compiled once in a process: dozens of files test with them, and none changes them."""

from functools import lru_cache

from loaders.model.loading import load_model
from loaders.model.model import Model


@lru_cache(maxsize=8)
def loaded_model(target: str) -> Model:
    """Return the model of a module."""
    return load_model(target)
