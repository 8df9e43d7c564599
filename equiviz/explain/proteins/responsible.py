"""`responsible`: which atoms, channels and degrees decide that an amino acid is preferred at a site.

Integrated gradients (Sundararajan, Taly, Yan, "Axiomatic attribution for deep networks", arXiv 1703.01365) from the
empty neighbourhood (all coefficients zero) to the hologram:

    a_k = z_k * integral over t from 0 to 1 of  df/dz_k (t z)

A hologram is linear in its atoms, z = sum over atoms of z^i, so that the share of an atom is the same integral
contracted with z^i: exact, and invariant when the protein is turned. Shares of atoms, channels and degrees each sum up
to f(z) - f(0); what is missing comes from the finite number of steps, and is told.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

import numpy as np
import torch

from equiviz.explain.proteins.scan import PREFERENCES, surroundings
from equiviz.features.model_state import untouched
from equiviz.holograms.hologram import Hologram
from equiviz.holograms.neighbourhoods import Neighbourhoods
from equiviz.holograms.projection import Given
from equiviz.holograms.protein import AMINO_ACIDS
from equiviz.holograms.two_centres import channel_groups
from equiviz.nn.errors import ModelError
from equiviz.view.charts import Series, bars
from equiviz.view.report import Report

if TYPE_CHECKING:
    from pandas import DataFrame
    from plotly.graph_objects import Figure

    from equiviz.nn.equivariant_model import EquivariantModel


def responsible(
    model: EquivariantModel, given: Given, site: int, amino_acid: str | int | None = None, steps: int = 32
) -> Responsible:
    """Share log p(amino acid) at one site out among atoms, channels and degrees.

    Args:
        model: reads holograms, such as ``equiviz.load("hcnn")``.
        given: the path of a file, a `Protein`, or `Neighbourhoods`.
        site: its number; `Scan.site` finds it.
        amino_acid: three letters, or the class 0 to 19; by default the wild type.
        steps: of the integral (Gauss-Legendre).

    Raises:
        ModelError: no such site or amino acid; a model that reads no proteins.
        StructureError: a file that cannot be read.
    """
    around = surroundings(model, given)
    if not isinstance(cast(object, site), (int, np.integer)) or not 0 <= site < len(around):
        raise ModelError(
            f"Expected a site from 0 to {len(around) - 1}, as scan(...).site(chain, number) finds it, got {site!r}."
        )
    wanted = int(around.classes[site]) if amino_acid is None else _class(amino_acid)
    own = around.only(site)
    hologram = _read(model, own)
    ends, slope = _path(model, hologram, wanted, steps)  # slope [W]
    each = _read(model, _apart(own)).coefficients.to(slope)  # [E, W]: of each atom alone
    share = hologram.coefficients[0].to(slope) * slope  # [W]
    return Responsible(
        name=around.protein.label(int(around.residues[site])),
        amino_acid=AMINO_ACIDS[wanted],
        around=own,
        atoms=own.neighbours,
        scores=(each @ slope).numpy(),
        by_degree=_by_degree(share, hologram),
        by_channel=_by_group(share, hologram, "channel"),
        by_centre=_by_group(share, hologram, "centre"),
        total=ends[1] - ends[0],
        error=float(share.sum()) - (ends[1] - ends[0]),
    )


@dataclass(eq=False, repr=False)
class Responsible(Report):
    """What a preference rests on; E atoms around the site.

    Attributes:
        name: of the site.
        amino_acid: whose log p is shared out.
        around: the neighbourhood.
        atoms: ``[E]``, numbers of atoms in ``around.protein``.
        scores: ``[E]``, nats; positive speaks for the amino acid.
        by_degree: the same by degree l of the hologram.
        by_channel: the same by channel.
        by_centre: the same by the centre that the neighbours are seen from.
        total: log p at the site minus log p without any neighbour.
        error: what the shares sum up to beyond `total`.
    """

    name: str
    amino_acid: str
    around: Neighbourhoods
    atoms: np.ndarray
    scores: np.ndarray
    by_degree: dict[int, float]
    by_channel: dict[str, float]
    by_centre: dict[str, float]
    total: float
    error: float

    @property
    def title(self) -> str:  # type: ignore[override]
        """Heading of the report."""
        return f"Why {self.amino_acid} at {self.name}"

    def to_frame(self) -> DataFrame:
        """One row per atom, the strongest first: residue, atom, distance from the centre (Å), score (nats)."""
        import pandas as pd

        protein = self.around.protein
        order = np.argsort(-np.abs(self.scores), kind="stable")
        frame = pd.DataFrame(
            {
                "residue": [protein.label(int(residue)) for residue in protein.residue[self.atoms]],
                "atom": [name.decode("latin-1") for name in protein.atom_names[self.atoms]],
                "distance_angstrom": np.linalg.norm(self.around.offsets(), axis=1),
                "score_nats": self.scores,
            }
        )
        return frame.iloc[order].reset_index(drop=True)

    def by_residue(self) -> DataFrame:
        """One row per neighbouring residue, the strongest first: sum of the scores of its atoms (nats)."""
        import pandas as pd

        owners, own = np.unique(self.around.protein.residue[self.atoms], return_inverse=True)
        sums = np.bincount(own, weights=self.scores, minlength=len(owners))
        order = np.argsort(-np.abs(sums), kind="stable")
        names = [self.around.protein.label(int(residue)) for residue in owners[order]]
        return pd.DataFrame({"residue": names, "score_nats": sums[order]})

    def figure(self) -> Figure:
        """Shares of degrees, channels, and, where there are two, centres, as bars."""
        shares = {f"l = {degree}": value for degree, value in self.by_degree.items()} | self.by_channel
        if len(self.by_centre) > 1:
            shares |= {f"seen from the {centre}": value for centre, value in self.by_centre.items()}
        series = [Series("share", np.arange(len(shares)), list(shares.values()))]
        return bars(list(shares), series, "share of log p, nats", self.title, horizontal=True)

    def describe(self) -> str:
        """The residues, the channel and the degree that weigh most."""
        residues = self.by_residue().head(3)
        each = zip(residues["residue"], residues["score_nats"], strict=True)
        told = ", ".join(f"{name} ({score:+.2f})" for name, score in each)
        degree = max(self.by_degree, key=lambda l: abs(self.by_degree[l]))  # noqa: E741
        channel = max(self.by_channel, key=lambda name: abs(self.by_channel[name]))
        return (
            f"The surroundings change log p of {self.amino_acid} at {self.name} by {self.total:+.2f} nats. Most of it "
            f"comes from {told or 'no residue'}; of the degrees l = {degree} ({self.by_degree[degree]:+.2f}), of the "
            f"channels {channel} ({self.by_channel[channel]:+.2f}). The shares sum up to it within "
            f"{abs(self.error):.1e} nats."
        )


def _class(amino_acid: str | int) -> int:
    names: dict[str, int] = dict(zip(AMINO_ACIDS, range(len(AMINO_ACIDS)), strict=True))
    found = names.get(amino_acid.upper()) if isinstance(amino_acid, str) else amino_acid
    if found is None or not 0 <= found < len(AMINO_ACIDS):
        raise ModelError(f"Expected one of {', '.join(AMINO_ACIDS)}, got {amino_acid!r}.")
    return found


def _apart(own: Neighbourhoods) -> Neighbourhoods:
    """Each neighbour of one site as a site with this neighbour alone."""
    count = len(own.neighbours)
    residues = np.repeat(own.residues, count)
    return replace(own, residues=residues, first=np.arange(count + 1))


def _read(model: EquivariantModel, around: Neighbourhoods) -> Hologram:
    read = model.reads(around)
    assert isinstance(read, Hologram)  # `surroundings` has made sure that the model reads holograms
    return read


def _path(model: EquivariantModel, hologram: Hologram, wanted: int, steps: int) -> tuple[list[float], torch.Tensor]:
    """log p at both ends of the straight path, and the mean gradient along it ``[W]``."""
    nodes, weights = np.polynomial.legendre.leggauss(steps)
    places = torch.from_numpy(np.concatenate([(nodes + 1) / 2, [0.0, 1.0]]))[:, None]
    coefficients = (places * hologram.coefficients.double()).to(hologram.coefficients.dtype).requires_grad_()
    many = hologram.with_coefficients(coefficients)
    with untouched(model), torch.enable_grad():
        model.eval()
        logs = model(many)[PREFERENCES].values.log_softmax(1)[:, wanted]
        (slopes,) = torch.autograd.grad(logs[:steps].sum(), coefficients)
    mean = torch.from_numpy(weights / 2) @ slopes[:steps].double()
    return logs.detach()[steps:].tolist(), mean


def _by_degree(share: torch.Tensor, hologram: Hologram) -> dict[int, float]:
    rows = _typed(share, hologram)
    return {degree: float(rows.degree(degree).sum()) for degree in range(hologram.basis.l_max + 1)}


def _by_group(share: torch.Tensor, hologram: Hologram, kind: str) -> dict[str, float]:
    """By channel, whatever it is seen from, or by centre."""
    rows = _typed(share, hologram)
    degrees = range(hologram.basis.l_max + 1)
    sums = torch.stack([rows.degree(degree).sum((0, 2, 3)) for degree in degrees]).sum(0)
    return {name: float(sums[places].sum()) for name, places in channel_groups(hologram)[kind].items()}


def _typed(share: torch.Tensor, hologram: Hologram) -> Hologram:
    return hologram.with_coefficients(share[None])
