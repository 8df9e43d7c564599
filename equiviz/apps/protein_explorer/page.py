"""The explorer without a kernel: one page that opens offline, with cartoon, heat map and bars, linked by clicks.

Of the residues that are explained (`explained`) it also shows the neighbourhood, densities, and what decides there.
"""

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
    signed_colours,
    site_axis,
    wild_trace,
)
from equiviz.apps.protein_explorer.explained import GRID, MOST_BYTES, SHARE, SURPRISING, explained
from equiviz.holograms.protein import AMINO_ACIDS
from equiviz.view.cartoon_fragment import cartoon_fragment
from equiviz.view.escape import escape
from equiviz.view.page import Page, Section
from equiviz.view.surroundings_fragment import surroundings_fragment
from equiviz.view.template import figure

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from equiviz.apps.protein_explorer.explained import Explained
    from equiviz.apps.protein_explorer.subject import Subject
    from equiviz.explain.proteins.scan import Scan
    from equiviz.view.fragments import Fragment

HOW = (
    "Click a residue of the cartoon or a cell of the map: the other one follows, and the bars below show which amino "
    "acids the network finds probable there. Drag to turn the protein; the menu changes its colours."
)
ABSENT = (
    "The page holds no neighbourhood of this residue. Choose one of those in the menu, or ask the network: "
    "equiviz.explore in a notebook shows any residue, and to_html(surprising=...) puts more of them into a page."
)


def page(
    subject: Subject, site: int, amino_acid: int | None = None, frame: int = 0, surprising: int = SURPRISING
) -> Page:
    """The whole page.

    Args:
        subject: protein and network.
        site: at which the page opens.
        amino_acid: 0 to 19, explained there besides the wild type and the preferred one.
        frame: of a trajectory.
        surprising: how many other residues are explained, those that surprise most (`explained.by_surprise`).

    Raises:
        ModelError: a number of residues below zero.
    """
    scan = subject.scan(frame)
    made = explained(subject, site, amino_acid, frame, surprising)
    return Page(scan.title, scan.describe(), [linked_section(scan, made)])


def linked_section(scan: Scan, made: Explained) -> Section:
    """Cartoon, heat map, bars, neighbourhood and shares; they are linked by the page's scripts."""
    site = made.sites[0]
    contents = [_cartoon(scan, site), _heat_map(scan, site), _bars(scan, site), _surroundings(scan, made)]
    return Section(f"Explore {scan.name}", f"{HOW}\n\n{words(scan, made)}", [*contents, _shares(made)])


def words(scan: Scan, made: Explained) -> str:
    """Which residues are explained in the page, and by what rule."""
    own, count = scan.sites[made.sites[0]], len(made.sites)
    if count == len(scan):
        which = f"All {count} residues"
    elif count == 1:
        which = f"One of {len(scan)} residues, {own}, at which the page was opened,"
    else:
        which = (
            f"{count} of {len(scan)} residues ({own}, at which the page was opened, and the {count - 1} where the "
            "pseudo-energy of another amino acid exceeds that of the wild type by most)"
        )
    told = (
        f"{which} can be looked into below: the neighbourhood, the density of each channel where it exceeds "
        f"{SHARE:.0%} of its peak, and which atoms, degrees and channels decide how probable the wild type and the "
        "preferred amino acid are."
    )
    lost = f" {made.left_out} more were asked for; the page ends at {MOST_BYTES / 1e6:g} MB of them."
    return told + (lost if made.left_out else "")


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


def _surroundings(scan: Scan, made: Explained) -> Fragment:
    linked = {"residues": made.residues, "absent": ABSENT, "grid": GRID, "signed": signed_colours([-1.0, 1.0])}
    return surroundings_fragment([scan.sites[site] for site in made.sites], made.channels, linked)


def _shares(made: Explained) -> Figure:
    """Two charts beside each other; the page's script fills in what is chosen."""
    import plotly.graph_objects as graphs

    chart = figure("Shares of log p, nats: by degree l (left), by channel (right)", height=280)
    told = made.reasons
    for names, shares, number in (
        ([f"l = {degree}" for degree in made.degrees], told.by_degree, ""),
        (made.groups, told.by_channel, "2"),
    ):
        values = list(shares.values())
        look = {"marker": {"color": signed_colours(values)}, "hovertemplate": "%{x}: %{y:+.3f} nats<extra></extra>"}
        axes = {"xaxis": f"x{number}", "yaxis": f"y{number}"}
        chart.add_trace(graphs.Bar(x=[escape(name) for name in names], y=values, showlegend=False, **axes, **look))
    side = {"type": "category", "fixedrange": True}
    level = {"zeroline": True, "fixedrange": True}
    chart.update_layout(
        bargap=0.3,
        xaxis={"domain": [0, 0.26], **side},
        xaxis2={"domain": [0.36, 1], "anchor": "y2", **side},
        yaxis={"title": {"text": "nats"}, **level},
        yaxis2={"anchor": "x2", **level},
    )
    return chart
