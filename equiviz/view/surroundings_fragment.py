"""Neighbourhoods as a piece of a page: data in a block that no browser runs, drawn by the script of the live view."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from equiviz.view.colours import DIVERGING, DIVERGING_ON_DARK, SEQUENTIAL, SEQUENTIAL_ON_DARK
from equiviz.view.escape import escape, escape_json
from equiviz.view.fragments import Fragment

SCRIPTS = ("view.js", "surroundings_page.js")
PAINTINGS = ("element", "share of the decision")
_SIDE = "display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,330px),1fr));gap:8px 24px"


def surroundings_fragment(
    names: Sequence[str], channels: Sequence[str], linked: Mapping[str, object], height: int = 420
) -> Fragment:
    """Neighbourhoods with menus, linked with a cartoon before it and the shares, the last figure of the same section.

    Args:
        names: of the residues that the page explains; they are the ones of ``linked["residues"]``.
        channels: whose densities can be drawn.
        linked: what the page's script needs, see static/surroundings_page.js.
        height: in CSS pixels.
    """
    scales = {"sequential": (SEQUENTIAL, SEQUENTIAL_ON_DARK), "diverging": (DIVERGING, DIVERGING_ON_DARK)}
    state = {"channels": list(channels), "scales": scales, "height": height, **linked}
    data = escape_json(json.dumps(state, separators=(",", ":")))
    residues = ['<option value="">choose one</option>', *map(_option, range(len(names)), names)]
    densities = ['<option value="-1">none</option>', *map(_option, range(len(channels)), channels)]
    html = (
        '<div class="surroundings"><p class="controls">'
        f"{_menu('Neighbourhood and reasons of', 'explained', residues)} {_menu('Explain', 'asked', [])} "
        f"{_menu('Atoms by', 'painting', list(map(_option, range(len(PAINTINGS)), PAINTINGS)))} "
        f"{_menu('Density of', 'channel', densities)}</p>"
        '<p class="absent" role="status"></p>'
        f'<div class="surroundings-body"><div style="{_SIDE}"><div class="surroundings-view"></div>'
        '<div><p class="reasons"></p><p class="caption">Atoms that weigh most, and how far they are from the centre of '
        'the neighbourhood:</p><ol class="atoms" style="margin:0;font-size:0.88rem"></ol></div></div></div></div>'
        f'<script type="application/json" class="surroundings-data">{data}</script>'
    )
    return Fragment(html, scripts=SCRIPTS)


def _menu(label: str, kind: str, options: Sequence[str]) -> str:
    return f'<label>{label} <select class="{kind}">{"".join(options)}</select></label>'


def _option(value: int, name: str) -> str:
    return f'<option value="{value}">{escape(name)}</option>'
