"""The HTML document around the pieces of a page: head, policy, contents, figures, footer."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from importlib.resources import files

from equiviz.view.colours import ON_DARK
from equiviz.view.escape import escape, escape_json
from equiviz.view.fragments import Fragment, prose_fragment
from equiviz.view.template import DARK, LIGHT, template

__all__ = ["Fragment", "document"]

MODULES = ("view.js",)
"""Scripts that export something; they run when the others have, and before the document says that it is complete."""


def document(
    title: str, lead: str, sections: Sequence[tuple[str, Sequence[Fragment]]], footer: Sequence[tuple[str, str]]
) -> str:
    """One self-contained page. ``sections`` are (heading, pieces), ``footer`` rows of (name, text); all are escaped."""
    body, figures = _body(sections)
    own = _own_scripts(sections)
    scripts = [_plotly_script(), static("page.js")] if figures else []
    scripts += [static(name) for name in own if name not in MODULES]
    modules = [static(name) for name in own if name in MODULES]
    data = _figure_data(figures) if figures else ""
    parts = [
        "<!DOCTYPE html>",
        '<html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{escape(policy([*scripts, *modules]))}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="color-scheme" content="light dark">',
        f"<title>{escape(title)}</title>",
        f"<style>{static('page.css')}</style></head><body>",
        f"<header><h1>{escape(title)}</h1>{prose_fragment(lead, kind='lead').html if lead.strip() else ''}</header>",
        _contents([heading for heading, _ in sections]),
        f"<main>{body}</main>",
        _footer(footer),
        data,
        *(f"<script>{script}</script>" for script in scripts),
        *(f'<script type="module">{module}</script>' for module in modules),
        "</body></html>\n",
    ]
    return "\n".join(part for part in parts if part)


def policy(scripts: Sequence[str]) -> str:
    """The Content-Security-Policy: nothing is loaded from anywhere, and only the scripts with these exact texts run.

    Inline event handlers (``onerror=...``) and injected scripts have no hash here, so the browser refuses them.
    Styles stay open because plotly writes them; ``data:`` and ``blob:`` pictures are what its camera button makes.
    """
    allowed = " ".join(f"'sha256-{_digest(script)}'" for script in scripts) or "'none'"
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data: blob:; font-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _plotly_script() -> str:
    """The source of plotly.js as shipped in plotly's wheel (4.8 MB); nothing is fetched."""
    from plotly.offline import get_plotlyjs

    return str(get_plotlyjs())


def _own_scripts(sections: Sequence[tuple[str, Sequence[Fragment]]]) -> list[str]:
    """What the pieces ask for, each once."""
    return list(dict.fromkeys(name for _, pieces in sections for piece in pieces for name in piece.scripts))


def static(name: str) -> str:
    """A script or style sheet that is shipped in the package."""
    return (files("equiviz.view") / "static" / name).read_text(encoding="utf-8")


def _body(sections: Sequence[tuple[str, Sequence[Fragment]]]) -> tuple[str, list[Fragment]]:
    """The sections' HTML, with an empty, named box for each figure; and the figures in the order of their boxes."""
    html, figures = [], []
    for number, (heading, pieces) in enumerate(sections, start=1):
        inside = []
        for piece in pieces:
            inside.append(_figure_box(piece, len(figures)) if piece.figure else piece.html)
            figures += [piece] if piece.figure else []
        html.append(f'<section id="section-{number}"><h2>{escape(heading)}</h2>{"".join(inside)}</section>')
    return "\n".join(html), figures


def _figure_box(piece: Fragment, number: int) -> str:
    name = f'id="figure-{number}" role="img" aria-label="{escape(piece.label)}"'
    least = f";min-width:{piece.least}px" if piece.least else ""
    box = f'<div class="figure" {name} style="height:{piece.height}px{least}"></div>'
    return f'<div class="wide" tabindex="0">{box}</div>' if piece.least else box


def _contents(headings: Sequence[str]) -> str:
    if len(headings) < 3:
        return ""
    links = "".join(f'<li><a href="#section-{k}">{escape(text)}</a></li>' for k, text in enumerate(headings, start=1))
    return f'<nav aria-label="Contents"><ol>{links}</ol></nav>'


def _footer(rows: Sequence[tuple[str, str]]) -> str:
    lines = "".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in rows)
    return f"<footer><dl>{lines}</dl></footer>" if rows else ""


def _figure_data(figures: Sequence[Fragment]) -> str:
    """A block of data, not a script: the browser never runs it, and :func:`escape_json` keeps it from ending early."""
    templates = {"light": template(LIGHT).to_plotly_json(), "dark": template(DARK).to_plotly_json()}
    looks = f'"templates":{json.dumps(templates, default=list)},"scales":{json.dumps(ON_DARK)}'
    content = f'{{{looks},"figures":[{",".join(f.figure for f in figures)}]}}'
    return f'<script type="application/json" id="figures">{escape_json(content)}</script>'
