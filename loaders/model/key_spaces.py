"""Key spaces: which keys may meet in one load, one cache entry and one statement."""

from __future__ import annotations

from dataclasses import dataclass, field

from loaders.model.keys import Key

NO_KEY = Key((), ())
"""The key of pages and lists that belong to no object: its only value is `()`, its text is empty."""


@dataclass(frozen=True, slots=True)
class KeySpace:
    """The keys of an object type, of a unique look-up, or the empty key of a page.

    The name is that of the object type (`Customer`) or of the root field (`Query.customer_by_email`). Key spaces of one
    name are equal: a process serves one model.
    """

    name: str
    key: Key = field(compare=False)
