"""The catalogue: every section, in the order of the schema. The planner, the schema and the docs read it."""

from types import ModuleType

from loaders.catalogue import (
    anomalies,
    comparison,
    flights,
    network,
    performance,
    register,
    schedule,
    series,
    use,
    weather,
)
from loaders.catalogue.declaration import Section

FAMILIES: tuple[ModuleType, ...] = (
    schedule,
    use,
    series,
    network,
    flights,
    performance,
    weather,
    comparison,
    register,
    anomalies,
)


def _declared(family: ModuleType) -> list[type[Section]]:
    return [
        value
        for value in vars(family).values()
        if isinstance(value, type) and issubclass(value, Section) and value.__module__ == family.__name__
    ]


SECTIONS: dict[str, type[Section]] = {section.name: section for family in FAMILIES for section in _declared(family)}
"""Every section by its name, hidden ones too, in the order of declaration."""

ANALYSIS: tuple[type[Section], ...] = tuple(section for section in SECTIONS.values() if not section.hidden)
"""The sections of the analysis type, in order."""
