"""Blocks as one HTML page, which needs no other file and runs no script."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from itertools import groupby

from gateway.model_tools.docs.blocks import (
    Block,
    Code,
    CodeBlock,
    Heading,
    Inline,
    Paragraph,
    Table,
    Text,
    anchors,
    anchors_by_heading,
)

_STYLE = """
:root { color-scheme: light dark; --text: #1d2430; --dim: #5b6675; --line: #dde2e9; --ground: #fff; --panel: #f5f7fa;
  --link: #1f5fbf; --code: #eef1f5; }
@media (prefers-color-scheme: dark) { :root { --text: #dfe5ee; --dim: #98a3b3; --line: #303947; --ground: #14181f;
  --panel: #1a202a; --link: #7fb0ff; --code: #232b37; } }
* { box-sizing: border-box; }
body { margin: 0; color: var(--text); background: var(--ground); font: 15px/1.55 system-ui, sans-serif;
  display: grid; grid-template-columns: 16rem minmax(0, 1fr); }
nav { position: sticky; top: 0; height: 100vh; overflow: auto; padding: 1.5rem 1rem; background: var(--panel);
  border-right: 1px solid var(--line); font-size: 14px; }
nav p { margin: 1rem 0 .25rem; font-weight: 600; }
nav p:first-child { margin-top: 0; }
nav a { display: block; padding: .1rem 0; overflow-wrap: anywhere; }
nav ul { margin: 0; padding: 0 0 0 .75rem; list-style: none; }
main { max-width: 82rem; padding: 1.5rem 2.5rem 6rem; }
a { color: var(--link); text-decoration: none; }
a:hover { text-decoration: underline; }
h1 { font-size: 1.9rem; margin: 0 0 1rem; }
h2 { font-size: 1.4rem; margin: 3rem 0 1rem; padding-bottom: .3rem; border-bottom: 1px solid var(--line); }
h3 { font-size: 1.12rem; margin: 2.2rem 0 .6rem; }
h1, h2, h3, h4 { line-height: 1.25; scroll-margin-top: 1rem; }
.scroll { overflow-x: auto; margin: .8rem 0 1.2rem; border: 1px solid var(--line); border-radius: 6px; }
table { border-collapse: collapse; width: 100%; }
th, td { padding: .4rem .7rem; text-align: left; vertical-align: top; border-top: 1px solid var(--line); }
thead th { border-top: 0; background: var(--panel); color: var(--dim); font-size: 13px; font-weight: 600; }
code { font: .88em/1.45 ui-monospace, monospace; background: var(--code); padding: .1em .3em; border-radius: 4px;
  overflow-wrap: break-word; }
td:first-child code, td a code { overflow-wrap: normal; white-space: nowrap; }
pre { padding: .8rem 1rem; overflow-x: auto; background: var(--code); border-radius: 6px; }
pre code { padding: 0; background: none; }
@media (max-width: 50rem) { body { display: block; } nav { position: static; height: auto; } main { padding: 1rem; } }
@media print { nav { display: none; } body { display: block; } }
"""


def write_html(blocks: Sequence[Block]) -> str:
    """Return a page with these blocks, as HTML, with a list of its headings."""
    title = next((block.text for block in blocks if isinstance(block, Heading)), "")
    by_heading, places = anchors_by_heading(blocks), anchors(blocks)
    body = [_block(block, places.get(place, ""), by_heading) for place, block in enumerate(blocks)]
    return "\n".join(
        [
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(title)}</title>",
            f"<style>{_STYLE}</style>\n</head>\n<body>",
            *_navigation(blocks, places),
            "<main>",
            *body,
            "</main>\n</body>\n</html>\n",
        ]
    )


def _navigation(blocks: Sequence[Block], places: Mapping[int, str]) -> Iterator[str]:
    """Yield the headings of the second and third level as links."""
    yield '<nav aria-label="Contents">'
    headings = [
        (block, places[place]) for place, block in enumerate(blocks) if isinstance(block, Heading) and block.level < 4
    ]
    for is_below, group in groupby(headings, lambda item: item[0].level == 3):
        links = [f'<a href="#{escape(anchor)}">{escape(heading.text)}</a>' for heading, anchor in group]
        if is_below:
            yield f"<ul>{''.join(f'<li>{link}</li>' for link in links)}</ul>"
        else:
            yield from (f"<p>{link}</p>" for link in links)
    yield "</nav>"


def _block(block: Block, anchor: str, by_heading: Mapping[str, str]) -> str:
    if isinstance(block, Heading):
        return f'<h{block.level} id="{escape(anchor)}">{escape(block.text)}</h{block.level}>'
    if isinstance(block, Paragraph):
        return f"<p>{_text(block.text, by_heading)}</p>"
    if isinstance(block, CodeBlock):
        return f"<pre><code>{escape(block.text)}</code></pre>"
    return _table(block, by_heading)


def _table(block: Table, by_heading: Mapping[str, str]) -> str:
    head = "".join(f'<th scope="col">{escape(word)}</th>' for word in block.head)
    rows = "\n".join(f"<tr>{''.join(f'<td>{_text(cell, by_heading)}</td>' for cell in row)}</tr>" for row in block.rows)
    return f'<div class="scroll"><table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody></table></div>'


def _text(text: Text, by_heading: Mapping[str, str]) -> str:
    return "".join(_inline(part, by_heading) for part in text)


def _inline(part: Inline, by_heading: Mapping[str, str]) -> str:
    if isinstance(part, str):
        return escape(part)
    code = f"<code>{escape(part.text)}</code>"
    anchor = None if isinstance(part, Code) else by_heading.get(part.name)
    return f'<a href="#{escape(anchor)}">{code}</a>' if anchor else code
