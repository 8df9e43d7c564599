"""What is looked at: a protein, perhaps its frames, a network, and what the network says of each site."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from equiviz.explain.proteins.responsible import Responsible, responsible
from equiviz.explain.proteins.scan import Scan, scan, surroundings, surroundings_of
from equiviz.holograms.hologram import Hologram
from equiviz.holograms.neighbourhoods import Neighbourhoods
from equiviz.holograms.protein import AMINO_ACIDS, text
from equiviz.nn.errors import ModelError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from equiviz.holograms.projection import Given
    from equiviz.holograms.protein import Protein
    from equiviz.nn.equivariant_model import EquivariantModel

KEPT = 64
"""Explanations that are kept."""


@dataclass(eq=False)
class Subject:
    """A protein and a network; S sites, R residues, A atoms, F frames.

    Attributes:
        model: reads holograms.
        around: the sites of the first frame.
        frames: ``[F, A, 3]`` in Å, of the atoms in ``around.protein``; the first is the file's own. None without more.
    """

    model: EquivariantModel
    around: Neighbourhoods
    frames: NDArray[np.float64] | None = None
    _scans: dict[int, Scan] = field(default_factory=dict[int, Scan])
    _reasons: dict[tuple[int, int, int], Responsible] = field(default_factory=dict[tuple[int, int, int], Responsible])

    @classmethod
    def of(cls, model: EquivariantModel, given: Given, frames: NDArray[np.float64] | None = None) -> Subject:
        """Read a protein, and find its sites.

        Raises:
            ModelError: a model that reads no proteins.
            StructureError: a file that cannot be read, or no usable residue.
        """
        return cls(model, surroundings(model, given), frames)

    @property
    def protein(self) -> Protein:
        """Its atoms and residues."""
        return self.around.protein

    def scan(self, frame: int = 0) -> Scan:
        """The preferences at all sites of one frame; computed once."""
        if frame not in self._scans:
            self._scans[frame] = scan(self.model, self._frame(frame))
        return self._scans[frame]

    def reasons(self, site: int, amino_acid: int, frame: int = 0) -> Responsible:
        """What an amino acid's probability at a site rests on; the latest are kept."""
        asked = (frame, site, amino_acid)
        if asked not in self._reasons:
            if len(self._reasons) >= KEPT:
                self._reasons.pop(next(iter(self._reasons)))
            self._reasons[asked] = responsible(self.model, self.scan(frame).around, site, amino_acid)
        return self._reasons[asked]

    def hologram(self, site: int, frame: int = 0) -> Hologram:
        """What the network reads at one site.

        Raises:
            ModelError: the model reads something else.
        """
        read = self.model.reads(self.scan(frame).around.only(site))
        if not isinstance(read, Hologram):
            raise ModelError(f"{self.model.title} reads no holograms, but a {type(read).__name__}.")
        return read

    @cached_property
    def site_of(self) -> dict[int, int]:
        """By number of residue, its site."""
        return {residue: site for site, residue in enumerate(self.around.residues.tolist())}

    def residue(self, site: int) -> int:
        """The number of a site's residue."""
        return int(self.around.residues[site])

    def find(self, words: str) -> int:
        """The site that "A 42", "42", "A LEU 42" or "B 101A" mean.

        Raises:
            ModelError: it is written in another way, or there is no such site.
        """
        return find_site(self.scan(), words)

    def _frame(self, frame: int) -> Neighbourhoods:
        if not frame or self.frames is None:
            return self.around
        moved = self.protein.at(self.frames[frame])
        return surroundings_of(self.model, moved, self.around.residues.tolist())


def find_site(found: Scan, words: str) -> int:
    """As `Subject.find`, in a scan."""
    parts = words.split()
    if len(parts) > 1 and parts[-2].upper() in AMINO_ACIDS:  # "A LEU 42", or "LEU 42" where the chain has no name
        parts = [*parts[:-2], parts[-1]]
    match = re.fullmatch(r"(-?\d{1,9})([A-Za-z]?)", parts[-1]) if parts else None
    if match is None or len(parts) > 2:
        raise ModelError(f'Expected a chain and a number such as "A 42", got {words[:60]!r}.')
    chains = dict.fromkeys(text(chain) for chain in found.protein.chains[found.around.residues])
    chain = parts[0] if len(parts) == 2 else next(iter(chains))
    chain = chain if chain in chains or chain.upper() not in chains else chain.upper()
    return found.site(chain, int(match[1]), match[2].upper())
