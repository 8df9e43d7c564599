"""By what the cartoon is coloured: a number per site as a colour per residue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from equiviz.holograms.protein import AMINO_ACIDS
from equiviz.view.cartoon_key import CartoonKey
from equiviz.view.colours import DIVERGING_ON_DARK, SEQUENTIAL_ON_DARK
from equiviz.view.shades import shades

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from equiviz.explain.proteins.scan import Scan

ENERGY, ENTROPY, MUTATION = "pseudo-energy of the wild type", "entropy", "mutation score to"
NO_SITE = "no site of its own"


@dataclass(frozen=True, eq=False)
class Colouring:
    """Colours and labels of all R residues.

    Attributes:
        name: in a menu.
        colours: ``[R]``, "#rrggbb"; grey where a residue is no site.
        labels: ``[R]``, name and number of each residue.
        key: what the colours mean.
    """

    name: str
    colours: list[str]
    labels: list[str]
    key: CartoonKey


def colouring(scan: Scan, kind: str, amino_acid: int = 0) -> Colouring:
    """Colour by one quantity.

    Args:
        scan: of a protein.
        kind: `ENERGY`, `ENTROPY` or `MUTATION`.
        amino_acid: 0 to 19, where `kind` is a mutation.
    """
    if kind == MUTATION:
        values = scan.mutation_scores[:, amino_acid].numpy()
        reach = score_reach(scan)
        name = f"{MUTATION} {AMINO_ACIDS[amino_acid]}"
        return _made(scan, name, "nats; blue is disfavoured", values, CartoonKey("", -reach, reach, DIVERGING_ON_DARK))
    values = (scan.entropies if kind == ENTROPY else scan.wild_type_energies).numpy()
    low, high = np.quantile(values, [0.02, 0.98]).tolist()
    unit = "nats" if kind == ENTROPY else "larger is preferred"
    return _made(scan, kind, unit, values, CartoonKey("", low, high, SEQUENTIAL_ON_DARK))


def all_colourings(scan: Scan) -> list[Colouring]:
    """Every entry of the menus."""
    mutations = [colouring(scan, MUTATION, k) for k in range(len(AMINO_ACIDS))]
    return [colouring(scan, ENERGY), colouring(scan, ENTROPY), *mutations]


def score_reach(scan: Scan) -> float:
    """Where the colours of mutation scores end, in nats: 98 % of the scores lie within."""
    return float(np.quantile(np.abs(scan.mutation_scores.numpy()), 0.98)) or 1.0


def _made(scan: Scan, name: str, unit: str, values: NDArray[np.float64], key: CartoonKey) -> Colouring:
    protein, residues = scan.protein, scan.around.residues
    every = np.full(len(protein.numbers), np.nan)
    every[residues] = values
    told = [
        f"{protein.label(k)}: {NO_SITE if np.isnan(value) else f'{value:.2f}'}"
        for k, value in enumerate(every.tolist())
    ]
    told_key = CartoonKey(f"{name} ({unit})", key.low, key.high, key.scale)
    return Colouring(name, shades(every, key.low, key.high, key.scale), told, told_key)
