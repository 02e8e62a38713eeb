"""Collect garbage as seldom as a gateway does.

At Python's 700 objects, two fifths of the CPU of a test that makes many went to looking again at all that is imported.
"""

import gc

_COLLECT_EVERY = 20_000


def pytest_configure() -> None:
    """Collect garbage seldom from now on: imports make little."""
    gc.set_threshold(_COLLECT_EVERY, 10, 10)


def pytest_collection_finish() -> None:
    """Never look again at what lives as long as the run."""
    gc.collect()
    gc.freeze()
