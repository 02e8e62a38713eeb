"""Models by module, file and folder, beside folders that are named as the gateway's own packages are."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from loaders.model.loading import load_model
from loaders.model.problems import ModelError
from tests.loaders.model.models import RIGHT

BESIDE = RIGHT.replace("import fuseway as m\n", "import fuseway as m\nfrom {tables} import NAME\n").replace(
    'm.Model("shop"', "m.Model(NAME"
)


@pytest.fixture(autouse=True)
def _imports(tmp_path: Path) -> Iterator[None]:
    """Forget what a test imported from its own folder, and hide what other tests left of packages of that name."""
    path = list(sys.path)
    sys.path[:] = [folder for folder in path if not any(Path(folder).glob("shop*"))]
    for name in [name for name in sys.modules if name.partition(".")[0] == "shop"]:
        del sys.modules[name]
    importlib.invalidate_caches()
    yield
    sys.path[:] = path
    for name, module in list(sys.modules.items()):
        if (getattr(module, "__file__", None) or "").startswith(str(tmp_path)):
            del sys.modules[name]


def project(folder: Path, package: str, tables: str) -> Path:
    """Write a package with a model and a module beside it that the model imports by `tables`; return the package."""
    (folder / package).mkdir()
    (folder / package / "__init__.py").touch()
    (folder / package / "tables.py").write_text(f'NAME = "model_of_{package}"\n')
    (folder / package / "model.py").write_text(BESIDE.replace("{tables}", tables))
    return folder / package


@pytest.mark.parametrize("tables", ["shop.tables", ".tables"])
def test_a_file_of_a_package_imports_its_neighbours(tables: str, tmp_path: Path) -> None:
    package = project(tmp_path, "shop", tables)
    assert load_model(str(package / "model.py")).name == "model_of_shop"
    assert load_model(str(package)).name == "model_of_shop"
    assert load_model(f"{package}:model").name == "model_of_shop"
    assert sys.modules["shop.model"].__file__ == str(package / "model.py")


def test_a_file_without_a_package_imports_its_neighbours(tmp_path: Path) -> None:
    package = project(tmp_path, "shop", "tables")
    (package / "__init__.py").unlink()
    assert load_model(str(package / "model.py")).name == "model_of_shop"


def test_a_module_is_looked_for_in_the_working_directory_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project(tmp_path, "shop", "shop.tables")
    monkeypatch.chdir(tmp_path)
    assert load_model("shop.model").name == "model_of_shop"
    assert sys.path[-1] == str(tmp_path)


@pytest.mark.parametrize("package", ["loaders", "resolvers", "gateway", "deploy", "fuseway"])
def test_a_package_named_as_one_of_the_gateways_hides_nothing_and_is_loaded_by_its_file(
    package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = importlib.import_module(package)
    folder = project(tmp_path, package, ".tables")
    monkeypatch.chdir(tmp_path)
    assert load_model(str(folder / "model.py")).name == f"model_of_{package}"
    assert sys.modules[package] is own
    with pytest.raises(ModelError) as raised:
        load_model(f"{package}.no_such_model")
    assert "is neither a module nor a file" in str(raised.value)
    (folder / "shop.py").write_text((folder / "model.py").read_text())
    with pytest.raises(ModelError) as raised:
        load_model(f"{package}.shop")
    assert f"another package named {package} hides it: name the file instead, {package}/shop.py." in str(raised.value)


def test_a_module_that_fails_is_imported_again_the_next_time(tmp_path: Path) -> None:
    file = tmp_path / "model.py"
    file.write_text("import fuseway as m\nraise ValueError('half')\n")
    with pytest.raises(ModelError, match=r"model.py:2  ValueError: half. More may be told when this is mended."):
        load_model(str(file))
    file.write_text(RIGHT)
    assert load_model(str(file)).name == "shop"
