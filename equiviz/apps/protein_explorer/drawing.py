"""The heat map of a scan and the bars of a site, as plotly draws them: for the live figure and for the page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from equiviz.apps.protein_explorer.colourings import score_reach
from equiviz.holograms.protein import AMINO_ACIDS, LETTERS, text
from equiviz.view.colours import DIVERGING, SERIES, with_alpha
from equiviz.view.escape import escape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from plotly.graph_objects import Heatmap, Scatter

    from equiviz.explain.proteins.scan import Scan

ORDER = tuple(LETTERS.index(letter) for letter in "AVLIMFWYPGCSTNQHKRDE")
"""Rows of the heat map: what is alike in chemistry stands together."""
ORDERED = [LETTERS[k] for k in ORDER]
PREFERRED, WILD, ASKED = "p", "wild type", "asked"
_MOST_TICKS = 14
_STEPS = (1, 2, 5, 10, 20, 25, 50, 100, 200, 500, 1000, 2000, 5000)


def heat_trace(scan: Scan) -> Heatmap:
    """Mutation scores: amino acids against sites, which are numbered from 0."""
    import plotly.graph_objects as graphs

    scores, reach = scan.mutation_scores.numpy(), score_reach(scan)
    names = [escape(site) for site in scan.sites]
    hover = [
        [f"{name} → {AMINO_ACIDS[k]}: {row[k]:+.2f} nats" for name, row in zip(names, scores, strict=True)]
        for k in ORDER
    ]
    return graphs.Heatmap(
        name="scan",
        z=np.round(scores.T[list(ORDER)], 3),
        x=np.arange(len(scan)),
        y=ORDERED,
        zmin=-reach,
        zmax=reach,
        colorscale=DIVERGING,
        hovertext=hover,
        hovertemplate="%{hovertext}<extra></extra>",
        colorbar={"title": {"text": "nats", "side": "right"}, "thickness": 10},
    )


def wild_trace(scan: Scan) -> Scatter:
    """A dot on the wild type of each site."""
    import plotly.graph_objects as graphs

    letters = [LETTERS[k] for k in scan.classes.tolist()]
    marker = {"size": 3.5 if len(scan) < 400 else 2, "color": "#1f2430"}
    return graphs.Scatter(
        name=WILD, x=np.arange(len(scan)), y=letters, mode="markers", marker=marker, hoverinfo="skip", showlegend=False
    )


def site_axis(scan: Scan) -> dict[str, Any]:
    """Ticks at round numbers of residues, with the chain where it begins."""
    protein, residues = scan.protein, scan.around.residues
    numbers, chains = protein.numbers[residues], protein.chains[residues]
    begins = np.ones(len(residues), dtype=bool)
    begins[1:] = chains[1:] != chains[:-1]
    step = next((step for step in _STEPS if len(residues) / step <= _MOST_TICKS), _STEPS[-1])
    starts = np.flatnonzero(begins)
    room = len(residues) / 40  # a round number beside the beginning of a chain would touch it
    free = np.abs(np.arange(len(residues))[:, None] - starts).min(1) > room
    places = np.flatnonzero(begins | ((numbers % step == 0) & free))
    words = [escape(f"{text(chains[k])} {numbers[k]}" if begins[k] else str(numbers[k])) for k in places.tolist()]
    return {"tickvals": places.tolist(), "ticktext": words, "range": [-0.5, len(residues) - 0.5]}


def marks(site: int, amino_acid: int | None, sites: int) -> list[dict[str, Any]]:
    """A frame around the column of a site, and around the cell of an amino acid, 0 to 19."""
    width = max(0.5, sites / 250)  # of a long protein a column would be thinner than the line
    line = {"color": SERIES[1], "width": 1.5}
    frame = {"type": "rect", "xref": "x", "yref": "y", "x0": site - width, "x1": site + width}
    row = ORDER.index(amino_acid or 0)
    cell = {"y0": row - 0.5, "y1": row + 0.5, "line": {**line, "width": 3}, "visible": amino_acid is not None}
    return [{**frame, "y0": -0.5, "y1": len(ORDER) - 0.5, "line": line, "visible": True}, {**frame, **cell}]


def bar_colours(wild: int, asked: int | None = None) -> list[str]:
    """One colour for each of `ORDER`: red the wild type, green the amino acid that is asked for, blue the others."""
    named = {wild: SERIES[1]} | ({asked: SERIES[2]} if asked not in (None, wild) else {})
    return [with_alpha(named.get(k, SERIES[0]), 0.75) for k in ORDER]


def signed_colours(values: Sequence[float]) -> list[str]:
    """Blue below zero and brown above, as in the heat map."""
    return [DIVERGING[6][1] if value > 0 else DIVERGING[2][1] for value in values]


def amino_acid_rows() -> dict[str, Any]:
    """The axis of the amino acids, the first on top."""
    rows = {"type": "category", "categoryarray": ORDERED, "autorange": "reversed", "dtick": 1, "fixedrange": True}
    return {**rows, "showgrid": False, "ticks": "", "showline": False, "tickfont": {"size": 11}}
