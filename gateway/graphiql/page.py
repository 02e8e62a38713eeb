"""The page that GraphiQL is mounted on: one for the built assets, one for the CDN."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from html import escape
from pathlib import Path
from string import Template

from starlette.responses import HTMLResponse

from gateway.graphiql.examples import Example
from gateway.graphiql.files import SECURITY_HEADERS

# Always asked for again: its file names tell which build is current.
PAGE_HEADERS = {"Cache-Control": "no-cache"}

# The CDN's modules load what they need from wherever it is; but no other site may frame the page or send its forms.
CDN_POLICY = "object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

# The names that the CDN's template has for the locked packages.
CDN_PACKAGES = {
    "graphiql": "graphiql",
    "graphiql_react": "@graphiql/react",
    "graphiql_toolkit": "@graphiql/toolkit",
    "graphql": "graphql",
    "monaco_editor": "monaco-editor",
    "monaco_graphql": "monaco-graphql",
    "react": "react",
    "react_dom": "react-dom",
}


def graphiql_page(directory: Path, endpoint: str, examples: Sequence[Example]) -> HTMLResponse:
    """Return the page of the finished build, or the CDN page if there is none."""
    settings = _settings(endpoint, examples)
    try:
        manifest = json.loads((directory / "assets" / "manifest.json").read_text())
    except FileNotFoundError:
        return HTMLResponse(
            _cdn_page(directory, settings),
            headers=PAGE_HEADERS | SECURITY_HEADERS | {"Content-Security-Policy": CDN_POLICY},
        )
    return HTMLResponse(_built_page(directory, settings, manifest), headers=PAGE_HEADERS | SECURITY_HEADERS)


def _settings(endpoint: str, examples: Sequence[Example]) -> dict[str, str]:
    """Return the attributes that page.js reads from the mount point, escaped for HTML."""
    return {"endpoint": escape(endpoint), "examples": escape(json.dumps([asdict(example) for example in examples]))}


def _built_page(directory: Path, settings: dict[str, str], manifest: dict[str, str]) -> str:
    template = Template((directory / "index.html").read_text())
    return template.substitute(settings, assets="graphiql/assets", script=manifest["script"], style=manifest["style"])


def _cdn_page(directory: Path, settings: dict[str, str]) -> str:
    """Return the page with the script of the build inline. It loads the locked versions of the packages from the
    CDN."""
    script = (directory / "page.js").read_text()
    style = (directory / "style.css").read_text()
    template = Template((directory / "cdn.html").read_text())
    return template.substitute(settings, page_script=script, page_style=style, **_locked_versions(directory))


def _locked_versions(directory: Path) -> dict[str, str]:
    packages = json.loads((directory / "package-lock.json").read_text())["packages"]
    return {name: packages[f"node_modules/{package}"]["version"] for name, package in CDN_PACKAGES.items()}
