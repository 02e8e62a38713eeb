"""Loading: from the name of a module, or the path of a file or folder, to the compiled model."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import keyword
import re
import sys
import sysconfig
import traceback
from pathlib import Path
from types import ModuleType
from typing import cast

from loaders.model.compilation import compile_model
from loaders.model.declaration import ModelDeclaration, SetUp
from loaders.model.model import Model
from loaders.model.places import Place, names_of_module
from loaders.model.problems import ModelError, Problem, suggestion

_MORE = "More may be told when this is mended."
DEFAULT_NAME = "model"
"""The variable of a module that holds its model, where the target names no other after a colon."""


def load_model(target: str) -> Model:
    """Return the model of a module (`shop.model`), a file, or a folder with a `model.py`; `:name` says which variable.

    Raises ModelError with all that is wrong: a target that is not there, an error while it is imported, or mistakes in
    the model.
    """
    where, _, name = target.partition(":")
    module = _module(where)
    model = getattr(module, name or DEFAULT_NAME, None)
    if not isinstance(model, ModelDeclaration):
        raise ModelError([_no_model(module, where, name or DEFAULT_NAME)])
    return compile_model(model)


def _no_model(module: ModuleType, where: str, name: str) -> Problem:
    """Return what to do where a module has no model of the name: one of another name may be there."""
    file = module.__file__ or where
    for other, value in vars(module).items():
        if isinstance(value, ModelDeclaration):
            message = f"the model is its module's variable {name}, and is called {other} here: rename it, or name"
            return Problem(value.place, "Model", f"{message} {where}:{other}.")
    value = getattr(module, name, None)
    held = "there is none" if value is None else f"it is a {type(value).__name__}"
    return Problem(Place(file), "Model", f"a module's model is its variable {name}, an m.Model, and {held}.")


def load_set_up(model: Model) -> SetUp | None:
    """Return the function that fills empty databases of a model; None where it says none.

    Its module is imported now, so that serving a model needs nothing that only makes its data. Raises ModelError where
    it cannot be imported, or has no such function.
    """
    if not isinstance(model.setup, str):
        return model.setup
    where, _, name = model.setup.partition(":")
    try:
        function = getattr(importlib.import_module(where), name, None)
    except Exception as error:
        message = f"setup= names {where}, which cannot be imported: {type(error).__name__}: {error}"
        raise ModelError([Problem(Place(""), "Model", message)]) from error
    if not callable(function):
        message = f"setup= names {name}, which is no function of {where}: write one, or correct its name."
        raise ModelError([Problem(Place(""), "Model", message)])
    return cast(SetUp, function)


def _module(where: str) -> ModuleType:
    path = Path(where)
    if path.is_dir():
        path /= "model.py"
        if not path.is_file() and not path.with_name("__init__.py").is_file():
            raise ModelError([Problem(Place(where), "Model", _no_file_in(path.parent))])
    try:
        if path.is_file():
            return _of_file(path.resolve())
        _append_to_path(Path.cwd())
        return importlib.import_module(where)
    except ModuleNotFoundError as error:
        if error.name is not None and (where == error.name or where.startswith(f"{error.name}.")):
            raise ModelError([Problem(Place(""), where, _not_found(where))]) from error
        raise _import_error(where, error) from error
    except Exception as error:
        raise _import_error(where, error) from error


def _not_found(where: str) -> str:
    """Return what to do about a module that is not there, or is hidden by an installed one of the same name."""
    path = Path(*where.split(".")).with_suffix(".py")
    if path.is_file():
        return f"another package named {where.partition('.')[0]} hides it: name the file instead, {path}."
    return "is neither a module nor a file: name one, such as shop.model or shop/model.py."


def _no_file_in(folder: Path) -> str:
    """Return what to do about a folder without a `model.py`."""
    files = sorted(file.name for file in folder.glob("*.py"))[:3]
    hint = (
        f"It has {', '.join(files)}: name the file, such as {folder / files[0]}."
        if files
        else "Name a file, or another."
    )
    return f"the folder has no model.py. {hint}"


def _of_file(path: Path) -> ModuleType:
    """Import a file by the name that it has in its package, or by a made-up name where it is in none.

    The folder that the package lies in goes to the end of the path, so that it hides nothing that is installed. A
    package whose own name is taken, such as `loaders`, gets a made-up one: relative imports work in it.
    """
    top = path.parent
    while (top / "__init__.py").exists():
        top = top.parent
    _append_to_path(top)
    names = path.relative_to(top).with_suffix("").parts
    if len(names) == 1:
        return _executed(_made_up_name(path), path)
    package = top / names[0]
    if _is_importable(names[0], package):
        return importlib.import_module(".".join(names))
    name = _made_up_name(package)
    if name not in sys.modules:
        _executed(name, package / "__init__.py", folder=package)
    return importlib.import_module(".".join((name, *names[1:])))


def _append_to_path(folder: Path) -> None:
    if str(folder) not in sys.path:
        sys.path.append(str(folder))


def _is_importable(name: str, package: Path) -> bool:
    """Return whether a package is what its name leads to, rather than another one before it on the path."""
    spec = importlib.util.find_spec(name)
    folders = spec.submodule_search_locations if spec is not None else None
    return str(package) in (folders or ())


def _made_up_name(path: Path) -> str:
    return f"fuseway_model_{hashlib.sha256(str(path).encode()).hexdigest()[:12]}"


def _executed(name: str, path: Path, *, folder: Path | None = None) -> ModuleType:
    """Execute a file as a module of this name; as a package where its folder is given."""
    locations = None if folder is None else [str(folder)]
    spec = importlib.util.spec_from_file_location(name, path, submodule_search_locations=locations)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path.name} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _import_error(where: str, error: Exception) -> ModelError:
    """Return the line of the model's own file that failed, in the words of Python."""
    if isinstance(error, SyntaxError) and error.filename:
        place = Place(error.filename, error.lineno or 0)
        return ModelError([Problem(place, "", f"{error.msg}.{_keyword_hint(error)}")])
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if _is_of_an_author(frame.filename)]
    place = Place(own[-1].filename, own[-1].lineno or 0) if own else Place(where)
    message = f"{type(error).__name__}: {_text(error)}{_hint(error, place)}"
    return ModelError([Problem(place, "", f"{message}{'' if message.endswith(('.', '?')) else '.'} {_MORE}")])


def _is_of_an_author(file: str) -> bool:
    """Return whether a file is neither the language's own nor one of Python's or a package's."""
    folders = (str(Path(__file__).parent), *(sysconfig.get_path(name) for name in ("stdlib", "purelib")))
    return not file.startswith((*folders, "<"))


def _text(error: Exception) -> str:
    """Return an error's text, with a class of the language by the name that its authors know, and without folders."""
    if isinstance(error, ImportError) and "partially initialized module" in str(error):
        return f"{error.name} imports this file too, before it is complete: put what both need into a third module"
    text = re.sub(r" \(/[^()]*\)$", "", str(error)) if isinstance(error, ImportError) else str(error)
    return re.sub(r"\b(Object|Section|Group|Filter|Order|Query)\.__init_subclass__\(\)", r"m.\1", text)


def _keyword_hint(error: SyntaxError) -> str:
    """Return what to write for a field that is named as a word of Python."""
    match = re.match(r"\s*(\w+)\s*:\s*[\w.]", error.text or "")
    name = match[1] if match is not None else ""
    if not keyword.iskeyword(name) or name in ("else", "try", "finally", "lambda"):
        return ""
    return f' {name} is a word of Python and no name of a field: write {name}_: … = m.column("{name}").'


def _hint(error: Exception, place: Place) -> str:
    if "takes no keyword arguments" in str(error):
        return ". Is the class derived from m.Object or m.Section?"
    if isinstance(error, AttributeError):
        behind = "" if not isinstance(error.obj, tuple) else " Does a comma stand behind the call that made it?"
        return f".{behind}{suggestion(error.name, dir(error.obj))}" if error.name else ""
    if not isinstance(error, NameError) or not error.name:
        return ""
    names = names_of_module(place.file)
    is_later = names.get(error.name, 0) > place.line
    if is_later and "from __future__ import annotations" not in Path(place.file).read_text():
        return ". Begin the file with: from __future__ import annotations"
    if is_later:
        return f". It is declared below, at {Place(place.file, names[error.name])}: move it above this line."
    return f".{suggestion(error.name, names)}"
