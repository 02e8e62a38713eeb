"""Pages for people: HTML with one style sheet, and without a script."""

from __future__ import annotations

import base64
import hashlib
from html import escape
from typing import TYPE_CHECKING

from starlette.responses import HTMLResponse

from gateway.http.security_headers import SAFE

if TYPE_CHECKING:
    from gateway.observability.table import Table

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --up: #2da44e; --down: #cf222e; --unknown: #8888; }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 76rem; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.05rem; margin: 2rem 0 .3rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
.wide { overflow-x: auto; }
th, td { border-bottom: 1px solid var(--line); padding: .2rem .8rem .2rem 0; text-align: left; white-space: nowrap; }
.number { text-align: right; }
svg { display: block; width: 100%; height: 2.4rem; }
.up { color: var(--up); fill: var(--up); } .down { color: var(--down); fill: var(--down); }
.unknown { fill: var(--unknown); }
""".strip()
_DIGEST = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_DIGEST}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def html_page(title: str, body: str, *, refresh_s: int, cache_control: str) -> HTMLResponse:
    """Return a page, which browsers load again every `refresh_s` seconds. `body` is HTML."""
    text = (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width">\n'
        f'<meta http-equiv="refresh" content="{refresh_s}">\n<title>{escape(title)}</title>\n'
        f"<style>{_STYLE}</style>\n</head>\n<body>\n<h1>{escape(title)}</h1>\n{body}\n</body>\n</html>\n"
    )
    headers = {"Content-Security-Policy": _POLICY, "Cache-Control": cache_control, **SAFE}
    return HTMLResponse(text, headers=headers)


def html_table(table: Table) -> str:
    """Return a table under its title as HTML."""
    classes = [' class="number"' if column.unit.is_number else "" for column in table.columns]
    heads = "".join(
        f"<th{kind}>{escape(column.heading)}</th>" for column, kind in zip(table.columns, classes, strict=True)
    )
    rows = "\n".join(
        "<tr>"
        + "".join(
            f"<td{kind}>{escape(column.text(cell))}</td>"
            for column, kind, cell in zip(table.columns, classes, row, strict=True)
        )
        + "</tr>"
        for row in table.rows
    )
    return (
        f'<h2>{escape(table.title)}</h2>\n<div class="wide"><table>\n<thead><tr>{heads}</tr></thead>\n'
        f"<tbody>\n{rows}\n</tbody></table></div>"
    )
