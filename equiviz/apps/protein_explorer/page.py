"""The explorer without a kernel: one page that opens offline, with cartoon, heat map and bars, linked by clicks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from equiviz.apps.protein_explorer.colourings import all_colourings
from equiviz.apps.protein_explorer.drawing import (
    ORDER,
    ORDERED,
    amino_acid_rows,
    bar_colours,
    heat_trace,
    marks,
    site_axis,
    wild_trace,
)
from equiviz.holograms.protein import AMINO_ACIDS
from equiviz.view.cartoon_fragment import cartoon_fragment
from equiviz.view.page import Page, Section
from equiviz.view.template import figure

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from equiviz.explain.proteins.scan import Scan

HOW = (
    "Click a residue of the cartoon or a cell of the map: the other one follows, and the bars below show which amino "
    "acids the network finds probable there. Drag to turn the protein; the menu changes its colours."
)


def page(scan: Scan, site: int) -> Page:
    """The whole page, opened at a site."""
    return Page(scan.title, scan.describe(), [linked_section(scan, site)])


def linked_section(scan: Scan, site: int) -> Section:
    """Cartoon, heat map and bars; they are linked by the page's script."""
    contents = [_cartoon(scan, site), _heat_map(scan, site), _bars(scan, site)]
    return Section(f"Explore {scan.name}", HOW, contents)


def _cartoon(scan: Scan, site: int) -> Any:
    linked = {
        "sites": scan.around.residues.tolist(),
        "names": list(scan.sites),
        "letters": ORDERED,
        "amino_acids": [AMINO_ACIDS[k] for k in ORDER],
        "wild": [ORDER.index(k) for k in scan.classes.tolist()],
        "probabilities": np.round(scan.log_probabilities.exp().numpy()[:, list(ORDER)], 4).tolist(),
        "scores": np.round(scan.mutation_scores.numpy()[:, list(ORDER)], 3).tolist(),
        "marks": marks(0, 0, len(scan)),
        "bars": [bar_colours(ORDER[0])[k] for k in (0, 1)],
        "site": site,
    }
    paintings = [(made.name, made.colours, made.labels, made.key) for made in all_colourings(scan)]
    return cartoon_fragment(scan.protein, paintings, linked)


def _heat_map(scan: Scan, site: int) -> Figure:
    chart = figure("Mutation scores: log p(mutant) − log p(wild type), nats; dots: the wild type", height=430)
    chart.add_trace(heat_trace(scan))
    chart.add_trace(wild_trace(scan))
    plain: dict[str, Any] = {"showgrid": False, "ticks": "", "showline": False}
    chart.update_layout(
        xaxis={**plain, **site_axis(scan)}, yaxis=amino_acid_rows(), shapes=marks(site, None, len(scan))
    )
    return chart


def _bars(scan: Scan, site: int) -> Figure:
    import plotly.graph_objects as graphs

    chart = figure("Probability of each amino acid (red: the wild type)", height=260)
    values = scan.log_probabilities[site].exp()[list(ORDER)].tolist()
    colours = bar_colours(int(scan.classes[site]))
    hover = "%{x}: %{y:.3f}<extra></extra>"
    chart.add_trace(graphs.Bar(x=ORDERED, y=values, marker={"color": colours}, hovertemplate=hover))
    chart.update_layout(bargap=0.3)
    chart.update_xaxes(type="category", fixedrange=True, tickangle=0)
    chart.update_yaxes(title_text="probability", rangemode="tozero", fixedrange=True)
    return chart
