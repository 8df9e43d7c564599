"""`accuracy_by_burial`: are residues inside a protein easier to recover than those on its surface?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from equiviz.explain.errors import PerturbationError
from equiviz.explain.proteins.response import Response
from equiviz.holograms.neighbourhoods import SINGLE
from equiviz.training.recovery import ProteinData, evaluate_recovery, proteins_for

if TYPE_CHECKING:
    from equiviz.nn.equivariant_model import EquivariantModel


def accuracy_by_burial(model: EquivariantModel, data: ProteinData, bins: int = 8) -> Response:
    """Accuracy against the number of atoms around a site, which is small on the surface.

    Args:
        model: reads holograms, such as ``equiviz.load("hcnn")``.
        data: whose residues are to be recovered: a folder, files, or a `ProteinSet` that was read for this model.
        bins: groups of sites of equal size.

    Raises:
        PerturbationError: fewer sites than bins.
    """
    proteins = proteins_for(model, data)
    count = len(proteins)
    if not 1 <= bins <= count:
        raise PerturbationError(f"Expected 1 to {count} bins for {count} sites, got {bins}.")
    found = evaluate_recovery(model, proteins)
    right = (found.named == found.classes).double().numpy()
    neighbours = np.diff(proteins.around.first)
    groups = np.array_split(np.argsort(neighbours, kind="stable"), bins)
    x = np.array([neighbours[rows].mean() for rows in groups])
    y = np.array([right[rows].mean() for rows in groups])
    low, high = np.array([_wilson(right[rows]) for rows in groups]).T
    radius = proteins.around.radius
    place = " or the ".join(SINGLE[proteins.around.centre])
    words = (
        f"{y[0]:.1%} of the most exposed residues ({x[0]:.0f} atoms within {radius:g} Å of the {place}) are recovered, "
        f"{y[-1]:.1%} of the most buried ones ({x[-1]:.0f} atoms). {count} sites in {bins} groups of equal size; 95 % "
        "intervals (Wilson), as if sites were independent."
    )
    sizes = np.array([len(rows) for rows in groups])
    return Response(
        "Recovery and burial", f"atoms within {radius:g} Å", "share recovered", x, y, low, high, words, sizes
    )


def _wilson(right: np.ndarray) -> tuple[float, float]:
    """95 % interval of a share (E. B. Wilson, J. Am. Stat. Assoc. 22 (1927) 209)."""
    n, p, z = len(right), float(right.mean()), 1.96
    middle, half = p + z * z / (2 * n), z * float(np.sqrt(p * (1 - p) / n + z * z / (4 * n * n)))
    return (middle - half) / (1 + z * z / n), (middle + half) / (1 + z * z / n)
