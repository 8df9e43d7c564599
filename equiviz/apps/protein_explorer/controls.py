"""Menus, buttons and fields, with labels and tooltips."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipywidgets import Button, IntSlider, Text

from equiviz.apps.explorer.look import menu, number_field, row
from equiviz.apps.protein_explorer.colourings import ENERGY, ENTROPY, MUTATION
from equiviz.holograms.protein import AMINO_ACIDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ipywidgets import HBox

ELEMENTS, SHARES = "element", "share of the decision"
NO_DENSITY = "none"
_NAMED = [(name, k) for k, name in enumerate(AMINO_ACIDS)]


class Controls:
    """What is moved by hand; no logic.

    Attributes:
        kind, mutant: what colours the cartoon.
        back, forth, site, search: which residue.
        asked: whose probability is explained; -1 for the wild type.
        painting, channel, share: how the neighbourhood is drawn.
        frame: of a trajectory.
        top, below: rows of them.
    """

    def __init__(self, sites: int, channels: Sequence[str], frames: int) -> None:
        self.kind = menu("colour by", "what the cartoon's colours are", "22em")
        self.kind.options, self.kind.value = (ENERGY, ENTROPY, MUTATION), ENERGY
        self.mutant = menu("", "the amino acid whose mutation score is shown", "6em")
        self.mutant.options, self.mutant.value = _NAMED, 0
        self.back = Button(description="◀", tooltip="the residue before", layout={"width": "3em"})
        self.forth = Button(description="▶", tooltip="the next residue", layout={"width": "3em"})
        self.site = number_field("site", "the number of the site, counted from 0")
        self.site.max = sites - 1
        self.search = Text(description="find", placeholder="A 42", continuous_update=False)
        self.search.tooltip = "chain and number of a residue"
        self.search.style.description_width, self.search.layout.width = "initial", "9em"
        self.asked = menu("explain", "whose probability is shared out among atoms, degrees and channels", "13em")
        self.asked.options, self.asked.value = [("wild type", -1), *_NAMED], -1
        self.painting = menu("atoms by", "what the colours of the atoms are", "17em")
        self.painting.options, self.painting.value = (ELEMENTS, SHARES), ELEMENTS
        self.channel = menu("density of", "the channel whose density is reconstructed from the hologram", "15em")
        self.channel.options, self.channel.value = (
            [(NO_DENSITY, -1), *((name, k) for k, name in enumerate(channels))],
            0,
        )
        self.share = IntSlider(value=45, min=15, max=90, step=5, description="above %", continuous_update=False)
        self.share.tooltip = "of the peak: where the density is drawn"
        self.share.style.description_width, self.share.layout.width = "initial", "15em"
        self.frame = IntSlider(min=0, max=max(0, frames - 1), description="frame", continuous_update=False)
        self.frame.tooltip = "of the trajectory; the network is asked again"
        self.frame.layout.display = None if frames > 1 else "none"
        self.top: HBox = row(self.kind, self.mutant, self.back, self.forth, self.site, self.search, self.frame)
        self.below: HBox = row(self.asked, self.painting, self.channel, self.share)
