"""The pytest plugin: databases of the model under test, a gateway over them, and the generated tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest

from deploy.embedded.engines import EmbeddedEngines, EngineError
from fuseway.testing.cases import CASES, checked_model, chosen
from fuseway.testing.databases import DatabasesError, ModelDatabases, existing_databases, needs_engines, new_databases
from fuseway.testing.model_session import ModelSession
from loaders.model.loading import load_model
from loaders.model.problems import ModelError

if TYPE_CHECKING:
    from deploy.embedded.engines import StoreUrls
    from fuseway.testing.client import Gateway
    from fuseway.testing.results import Plan
    from loaders.model.model import Model

pytest_plugins = ["fuseway_pytest"]  # the options, where a conftest.py loads this plugin by itself
Sessions = Callable[[str], ModelSession]
MARKER = "fuseway_model"


def model_target(config: pytest.Config, node: pytest.Item | None = None) -> str:
    """Return the model of a test: that of its marker, or of the options. A file is found from pytest's root."""
    marker = node.get_closest_marker(MARKER) if node is not None else None
    target = marker.args[0] if marker is not None else config.getoption("--fuseway-model")
    target = str(target or config.getini("fuseway_model"))
    where, colon, name = target.partition(":")
    path = config.rootpath / where
    return f"{path}{colon}{name}" if path.exists() else target


def loaded_model(target: str) -> Model:
    """Return a model. Raises pytest's UsageError with all that is wrong with it."""
    try:
        return load_model(target)
    except ModelError as error:
        raise pytest.UsageError(f"The model {target} cannot be tested:\n{error}") from error


def open_fields_of(config: pytest.Config) -> tuple[str, ...]:
    """Return the fields that anybody may read."""
    return tuple(config.getini("fuseway_open_fields"))


def _number(config: pytest.Config, name: str) -> int:
    option = config.getoption(f"--{name.replace('_', '-')}")
    return int(config.getini(name)) if option is None else int(option)


def pytest_report_header(config: pytest.Config) -> str:
    """Say what the generated tests are of, and the seed that chooses their cases."""
    count, seed = _number(config, "fuseway_cases"), _number(config, "fuseway_seed")
    model = config.getoption("--fuseway-model") or config.getini("fuseway_model") or "of the tests' markers"
    return f"fuseway: model {model}, at most {count} cases of each generated test, seed {seed}"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give each generated test its cases."""
    make = getattr(metafunc.function, CASES, None)
    if make is None:
        return
    config, target = metafunc.config, model_target(metafunc.config, metafunc.definition)
    try:
        checked = checked_model(target, open_fields_of(config))
    except ModelError as error:
        raise pytest.UsageError(f"The model {target} cannot be tested:\n{error}") from error
    marker = metafunc.definition.get_closest_marker(MARKER)
    count = (marker.kwargs.get("cases") if marker is not None else None) or _number(config, "fuseway_cases")
    every = chosen(list(make(checked)), count, _number(config, "fuseway_seed"))
    metafunc.parametrize("case", every, ids=str)


@pytest.fixture(scope="session")
def fuseway_engines() -> Iterator[StoreUrls]:
    """PostgreSQL, ClickHouse and Valkey from wheels, started for the run. Override it to use servers of your own.

    New databases are created there.
    """
    with TemporaryDirectory(prefix="fuseway-tests-") as folder:
        engines = EmbeddedEngines(Path(folder))
        try:
            started = engines.start()
        except EngineError as error:
            raise DatabasesError(f"The engines of fuseway[embedded] cannot be started: {error}") from error
        try:
            yield started
        finally:
            engines.stop()


@pytest.fixture(scope="session")
def fuseway_databases(request: pytest.FixtureRequest) -> ModelDatabases:
    """The databases of the model: existing ones that FUSEWAY_TEST_… names, or new ones that its `setup=` has filled.

    Override it to fill new ones in another way: your fixture takes this one, fills what its URLs lead to, and returns
    it.
    """
    return _databases(request, loaded_model(model_target(request.config)))


def _databases(request: pytest.FixtureRequest, model: Model) -> ModelDatabases:
    existing = existing_databases(model, lambda: _engines(request).redis_url)
    return new_databases(model, _engines(request)) if existing is None else existing


def _engines(request: pytest.FixtureRequest) -> StoreUrls:
    urls: StoreUrls = request.getfixturevalue("fuseway_engines")
    return urls


@pytest.fixture(scope="session")
def fuseway_sessions(request: pytest.FixtureRequest) -> Iterator[Sessions]:
    """The models under test by their targets, each with its databases and gateways."""
    if needs_engines():
        _engines(request)  # before this fixture, so that they are stopped after the gateways
    sessions: dict[str, ModelSession] = {}

    def session(target: str) -> ModelSession:
        if target not in sessions:
            model = loaded_model(target)
            is_main = target == model_target(request.config)
            databases = request.getfixturevalue("fuseway_databases") if is_main else _databases(request, model)
            config = request.config
            tenant, open_fields = config.getini("fuseway_tenant") if is_main else "", open_fields_of(config)
            sessions[target] = ModelSession(model, databases, tenant or None, open_fields)
        return sessions[target]

    yield session
    for each in sessions.values():
        each.close()


@pytest.fixture
def fuseway_session(request: pytest.FixtureRequest, fuseway_sessions: Sessions) -> ModelSession:
    """The model that a test is about."""
    return fuseway_sessions(model_target(request.config, request.node))


@pytest.fixture
def gateway(fuseway_session: ModelSession) -> Gateway:
    """A client of a gateway that serves the model from this process."""
    return fuseway_session.gateway


@pytest.fixture
def plan(gateway: Gateway) -> Callable[..., Plan]:
    """Call it with a document, as `gateway.plan`, for the statements that it takes."""
    return gateway.plan
