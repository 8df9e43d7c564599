"""A cartoon as a piece of a page: data in a block that no browser runs, and scripts of ours, admitted by their hash."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

from equiviz.view.cartoon_key import CartoonKey, check_paint
from equiviz.view.cartoon_structure import CartoonStructure
from equiviz.view.errors import ViewError
from equiviz.view.escape import escape, escape_json
from equiviz.view.fragments import Fragment

if TYPE_CHECKING:
    from equiviz.view.cartoon_structure import Macromolecule

Painting: TypeAlias = "tuple[str, Sequence[str], Sequence[str], CartoonKey]"
"""Name in the menu, a colour and a label for each residue, and what the colours mean."""
SCRIPTS = ("3Dmol-min.js", "cartoon.js", "cartoon_page.js")


def cartoon_fragment(
    molecule: Macromolecule, paintings: Sequence[Painting], linked: Mapping[str, object], height: int = 420
) -> Fragment:
    """A cartoon with a menu of its colours, linked with the heat map and the bars that follow in the same section.

    Args:
        molecule: what is drawn; R residues.
        paintings: at least one.
        linked: what the page's script needs of the figures beside it, see static/cartoon_page.js.
        height: in CSS pixels.

    Raises:
        ViewError: no colours, or others than the molecule has residues; a molecule that cannot be drawn.
    """
    if not paintings:
        raise ViewError("cartoon: expected at least one way to colour it, got none.")
    for _, colours, labels, _ in paintings:
        check_paint(colours, labels, len(molecule.residue_names))
    drawn = CartoonStructure.of(molecule)
    state = {
        "structure": drawn.text,
        "turn": drawn.turn,
        "residueOf": base64.b64encode(drawn.residue.tobytes()).decode(),
        "paintings": [
            {"colours": list(colours), "labels": list(labels), "key": key.to_dict()}
            for _, colours, labels, key in paintings
        ],
        "height": height,
        **linked,
    }
    data = escape_json(json.dumps(state, separators=(",", ":")))
    options = "".join(f'<option value="{k}">{escape(name)}</option>' for k, (name, *_) in enumerate(paintings))
    html = (
        '<div class="cartoon"><p class="controls"><label>Colour by <select class="colours">'
        f"{options}</select></label> "
        '<button type="button" class="back" aria-label="the residue before">◀</button> '
        '<button type="button" class="forth" aria-label="the next residue">▶</button> '
        '<label>Find <input class="find" placeholder="A 42" size="8"></label></p>'
        '<div class="cartoon-view"></div><p class="told" role="status"></p></div>'
        f'<script type="application/json" class="cartoon-data">{data}</script>'
    )
    return Fragment(html, scripts=SCRIPTS)
