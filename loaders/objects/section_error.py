"""The error of a section that could not be loaded."""

from loaders.stores.errors import StoreError


class SectionError(StoreError):
    """A section that could not be loaded, and the failure of the store that kept it from being.

    The failure is shared by all sections of a statement, and by all requests that waited for it. It is never raised
    again itself, which would add to its traceback each time, and so hold the frames of those requests.
    """

    def __init__(self, section: str, cause: StoreError) -> None:
        super().__init__(cause.store, str(cause))
        self.section = section
        self.cause = cause
