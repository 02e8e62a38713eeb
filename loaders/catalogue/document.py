"""The catalogue as a page of documentation: `python -m loaders.catalogue.document > docs/sections.md`."""

import sys

from loaders.catalogue import FAMILIES, SECTIONS
from loaders.catalogue.declaration import ConnectionSection, ListSection, Section

_HEAD = """# Sections

What an analysis can be asked for. This page is written from the declarations in `loaders/catalogue/` (`make schema`).

Sections of one *source* are fused into one statement, whatever else is asked beside them.
"""


def page() -> str:
    """All visible sections by family, with their fields, units and sources."""
    return _HEAD + "".join(_family(family.__name__, family.__doc__ or "") for family in FAMILIES)


def _family(module: str, about: str) -> str:
    name = module.rpartition(".")[2]
    sections = [one for one in SECTIONS.values() if one.__module__ == module and not one.hidden]
    _, _, text = about.partition(": ")
    return f"\n## {name.capitalize()}\n\n{text[:1].upper()}{text[1:]}\n" + "".join(map(_section, sections))


def _section(section: type[Section]) -> str:
    shape = (
        "one row" if not issubclass(section, ListSection) else f"a list, first {section.first:,} of {section.most:,}"
    )
    if issubclass(section, ConnectionSection):
        shape = f"a connection, first {section.first:,} of {section.most:,} a page"
    lines = [
        f"\n### {section.graphql_name()}\n\n{section.description}\n",
        f"Source `{section.relation.source.name}`, {shape}.\n",
        "| field | unit | what |\n| --- | --- | --- |",
        *(f"| `{c.graphql_name}` | {c.unit} | {c.description} |" for c in section.columns),
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(page())
