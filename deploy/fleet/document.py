"""The sections of the fleet as a page of documentation: `python -m deploy.fleet.document > docs/sections.md`."""

import sys
from itertools import groupby

from deploy import SAMPLE_MODEL
from loaders.model.bound_sections import BoundSection
from loaders.model.class_reader import DeclaredField
from loaders.model.loading import load_model
from loaders.model.model import Model
from loaders.model.names import camel
from loaders.model.shapes import Cardinality
from resolvers.fields import FieldText

_HEAD = """# Sections

What an analysis can be asked for. This page is written from the declarations in `deploy/fleet/` (`make schema`).

Sections that read the same rows are fused into one statement, whatever else is asked beside them.
"""


def page() -> str:
    """Return all sections of an analysis by family, with their fields, units and tables."""
    model = load_model(SAMPLE_MODEL)
    fields = model.groups["Analysis"].fields
    families = groupby(fields, lambda field: _type_of(field).__module__)
    return _HEAD + "".join(_family(model, module, list(some)) for module, some in families)


def _type_of(field: DeclaredField) -> type:
    if field.shape is None:
        raise TypeError(field.subject)
    declared: type = field.shape.type
    return declared


def _family(model: Model, module: str, fields: list[DeclaredField]) -> str:
    _, _, text = (sys.modules[module].__doc__ or "").partition(": ")
    name = module.rpartition(".")[2]
    sections = "".join(_section(model, field) for field in fields)
    return f"\n## {name.capitalize()}\n\n{text[:1].upper()}{text[1:]}\n{sections}"


def _section(model: Model, field: DeclaredField) -> str:
    section = model.sections[_type_of(field).__name__]
    bound = model.bound_sections[f"Aircraft.analysis.{field.name}"]
    tables = ", ".join(f"`{table.name}`" for table in bound.tables)
    texts = [FieldText.of(each) for each in section.fields if not each.option("hidden")]
    lines = [
        f"\n### {camel(field.name)}\n\n{section.description}\n",
        f"Reads {tables}; {_shape(bound)}.\n",
        "| field | what |\n| --- | --- |",
        *(f"| `{text.name}` | {text.description} |" for text in texts),
    ]
    return "\n".join(lines) + "\n"


def _shape(bound: BoundSection) -> str:
    if bound.cardinality is Cardinality.ONE:
        return "one row"
    a_page = " a page" if bound.cardinality is Cardinality.PAGE else ""
    kind = "a connection" if a_page else "a list"
    return f"{kind}, first {bound.first:,} of {bound.max:,}{a_page}"


if __name__ == "__main__":
    sys.stdout.write(page())
