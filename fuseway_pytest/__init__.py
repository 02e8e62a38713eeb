"""The entry of pytest into `fuseway.testing`: its options, and nothing else where no model is named.

It is a package of its own, since importing `fuseway` takes longer than a suite without a model should pay.
"""

from __future__ import annotations

import pytest

PLUGIN = "fuseway.testing.plugin"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options and the settings of pytest's own file."""
    group = parser.getgroup("fuseway", "a model of Fuseway")
    about = "The model to test: a module (shop.model), a file (shop/model.py, from pytest's root) or its folder."
    group.addoption("--fuseway-model", default=None, help=about)
    parser.addini("fuseway_model", about, default="")
    cases = "How many cases each generated test has at most; a seed chooses them."
    group.addoption("--fuseway-cases", type=int, default=None, help=cases)
    parser.addini("fuseway_cases", cases, default="300")
    seed = "The seed that chooses cases and values of generated tests: a whole number."
    group.addoption("--fuseway-seed", type=int, default=None, help=seed)
    parser.addini("fuseway_seed", seed, default="0")
    tenant = "The key of the tenant that the client asks for, where a test names none."
    parser.addini("fuseway_tenant", tenant, default="")
    open_fields = "Fields, as Type.field, that anybody may read without a scope."
    parser.addini("fuseway_open_fields", open_fields, type="args", default=[])


def pytest_configure(config: pytest.Config) -> None:
    """Load the plugin where a model is named."""
    config.addinivalue_line("markers", "fuseway_model(target, cases=None): the model of these tests.")
    if not (config.getoption("--fuseway-model") or config.getini("fuseway_model")):
        return
    try:
        config.pluginmanager.import_plugin(PLUGIN)
    except ImportError as error:
        raise pytest.UsageError(f"A model cannot be tested, since {error}: install fuseway[testing].") from error
