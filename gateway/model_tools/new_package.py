"""Writing a new model's package into a folder, and what to do with it next."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from loaders.catalog.lock_file import lock_text
from loaders.errors import CallerError

if TYPE_CHECKING:
    from pathlib import Path

    from gateway.model_tools.scaffold.package import ModelPackage
    from gateway.model_tools.scaffold.plan import Plan
    from loaders.catalog.catalog import DatabaseCatalog
    from loaders.model.databases import Database

LOCK = "model.lock"
_SHOWN = 10


class PackageExistsError(CallerError):
    """Files of the package are there, and are others."""


def write_package(
    folder: Path, package: ModelPackage, catalogs: Iterable[DatabaseCatalog], *, overwrites: bool
) -> None:
    """Write the files of a package, and the lock file of its tables.

    Raises PackageExistsError before any is written over, and CallerError where the folder cannot be written.
    """
    files = {**package.files, LOCK: lock_text(_used(package, catalogs))}
    others = [name for name, text in files.items() if (folder / name).exists() and _text(folder / name) != text]
    if others and not overwrites:
        raise PackageExistsError(f"{folder} has {', '.join(others)} already: choose another folder, or say --force.")
    try:
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise CallerError(f"{folder} cannot be written: {error.strerror or error}.") from error


def require_folder(folder: Path) -> None:
    """Raise CallerError where a folder can be no folder: a file is there, or in its path."""
    file = next((each for each in (folder, *folder.parents) if each.exists() and not each.is_dir()), None)
    if file is not None:
        raise CallerError(f"{file} is a file, and no folder of a package: choose another one.")


def next_steps(folder: Path, package: ModelPackage, databases: Mapping[Database, str], tenant: str | None) -> str:
    """Return what was written, what was left out, and the commands that come next. URLs are not repeated."""
    plan, model = package.plan, folder / "model.py"
    lines = [
        f"{folder} has a model of {len(plan.objects)} object types over {len(plan.tables)} tables.",
        *([] if plan.choices.tenant else ["No tenant: all rows are everyone's."]),
        *_left_out(plan),
        "",
        "Next, with these set, and REDIS_URL:",
        *(f"  export {each.variable}=…" for each in databases),
        *(
            [f"  export GATEWAY_ANONYMOUS_TENANT={tenant}  # whose rows are asked for without a credential"]
            if tenant
            else []
        ),
        "",
        f"  gateway model check --live --model {model}",
        f"  GATEWAY_ANONYMOUS=all GATEWAY_GRAPHIQL=true gateway serve --model {model}  # open to whoever reaches it",
        f"  pytest {folder}",
        "",
        f"{folder / 'examples' / 'dashboard.graphql'} is a query to begin with, which /graphiql shows too.",
    ]
    return "\n".join(lines)


def _left_out(plan: Plan) -> list[str]:
    """Return what is left out and why; a reason names some of its tables, and model.py has all."""
    lines = []
    for reason, tables in plan.reasons().items():
        more = f" and {len(tables) - _SHOWN} more" if len(tables) > _SHOWN else ""
        lines.append(f"  {reason}: {', '.join(tables[:_SHOWN])}{more}")
    return ["Left out are those that have", *lines] if lines else []


def _used(package: ModelPackage, catalogs: Iterable[DatabaseCatalog]) -> list[DatabaseCatalog]:
    """Return the catalogs with the tables alone that the model names."""
    used: dict[object, set[str]] = {}
    for table in package.plan.tables:
        used.setdefault((table.kind, table.database), set()).add(table.name)
    return [
        replace(catalog, tables={name: catalog.tables[name] for name in sorted(names)})
        for catalog in catalogs
        if (names := used.get((catalog.kind, catalog.name)))
    ]


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
