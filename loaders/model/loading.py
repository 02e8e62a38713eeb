"""Loading: from the name of a module, or the path of a file or folder, to the compiled model."""

from __future__ import annotations

import importlib
import importlib.util
import re
import sys
import sysconfig
import traceback
from pathlib import Path
from types import ModuleType

from loaders.model.declaration import ModelDeclaration
from loaders.model.model import Model, compile_model
from loaders.model.places import Place
from loaders.model.problems import ModelError, Problem, suggestion

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
        held = "there is none" if model is None else f"it is a {type(model).__name__}"
        message = f"a module's model is its variable {name or DEFAULT_NAME}, an m.Model, and {held}."
        raise ModelError([Problem(Place(module.__file__ or where), target, message)])
    return compile_model(model)


def _module(where: str) -> ModuleType:
    path = Path(where)
    if path.is_dir():
        path /= "model.py"
    try:
        if path.is_file():
            return _of_file(path.resolve())
        return importlib.import_module(where)
    except ModuleNotFoundError as error:
        if error.name is not None and (where == error.name or where.startswith(f"{error.name}.")):
            message = "is neither a module nor a file: name one, such as shop.model or shop/model.py."
            raise ModelError([Problem(Place(""), where, message)]) from error
        raise _import_error(where, error) from error
    except Exception as error:
        raise _import_error(where, error) from error


def _of_file(path: Path) -> ModuleType:
    """Import a file by the name that it has in its package, or by its own where it is in none.

    The folder that the package lies in goes to the end of the path, so that it hides nothing that is installed.
    """
    top = path.parent
    while (top / "__init__.py").exists():
        top = top.parent
    if str(top) not in sys.path:
        sys.path.append(str(top))
    if top != path.parent:
        return importlib.import_module(".".join(path.relative_to(top).with_suffix("").parts))
    name = f"fuseway_model_{abs(hash(str(path))):x}"
    spec = importlib.util.spec_from_file_location(name, path)
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
    subject = Path(where).name
    if isinstance(error, SyntaxError) and error.filename:
        place = Place(error.filename, error.lineno or 0)
        return ModelError([Problem(place, subject, f"{error.msg}.")])
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if _is_of_an_author(frame.filename)]
    place = Place(own[-1].filename, own[-1].lineno or 0) if own else Place(where)
    return ModelError([Problem(place, subject, f"{type(error).__name__}: {_text(error)}{_hint(error, place)}")])


def _is_of_an_author(file: str) -> bool:
    """Whether a file is neither the language's own nor one of Python's or a package's."""
    folders = (str(Path(__file__).parent), *(sysconfig.get_path(name) for name in ("stdlib", "purelib")))
    return not file.startswith((*folders, "<"))


def _text(error: Exception) -> str:
    """Return an error's text, with a class of the language by the name that its authors know."""
    return re.sub(r"\b(Object|Section|Order)\.__init_subclass__\(\)", r"m.\1", str(error))


def _hint(error: Exception, place: Place) -> str:
    if "takes no keyword arguments" in str(error):
        return ". Is the class derived from m.Object or m.Section?"
    if isinstance(error, AttributeError):
        return f".{suggestion(error.name, dir(error.obj))}" if error.name else ""
    if not isinstance(error, NameError) or "from __future__ import annotations" in Path(place.file).read_text():
        return ""
    return ". Begin the file with: from __future__ import annotations"
