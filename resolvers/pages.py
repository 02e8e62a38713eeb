"""Relay's page information, which all connections share."""

import strawberry


@strawberry.type(description="Where a page of a connection stands (Relay).")
class PageInfo:
    """Pages go forwards."""

    has_next_page: bool = strawberry.field(description="Whether another page follows.")
    has_previous_page: bool = strawberry.field(description="Whether the page follows a cursor.")
    start_cursor: str | None = strawberry.field(description="Cursor of the first edge; null on an empty page.")
    end_cursor: str | None = strawberry.field(description="Cursor of the last edge, to ask for what is after it.")


def page_info(cursors: list[str], *, more: bool, after: str | None) -> PageInfo:
    """The information on a page with these cursors."""
    return PageInfo(
        has_next_page=more,
        has_previous_page=after is not None,
        start_cursor=cursors[0] if cursors else None,
        end_cursor=cursors[-1] if cursors else None,
    )
