"""Neighbourhoods: which atoms surround which residues.

A site is a standard amino acid with a CA atom; its neighbourhood is all atoms within the radius of the CA, of every
chain and of ligands too, without the residue itself (Pun et al., bioRxiv 2022.10.31.514614: the network is to guess
what is missing). Of chains with the same sequence the first gives sites, and all give atoms.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

import numpy as np

from equiviz.holograms.errors import HologramError
from equiviz.holograms.protein import HYDROGENS, Protein, text
from equiviz.holograms.side_chain_centre import side_chain_centres
from equiviz.structures.errors import StructureError

if TYPE_CHECKING:
    from numpy.typing import NDArray

RADIUS = 10.0
"""Å, as published."""
Centre: TypeAlias = Literal["CA", "side chain", "both"]
"""Where the origin of a neighbourhood is: the CA, as published, or where a side chain would be; or seen from both."""
SINGLE: dict[Centre, tuple[Centre, ...]] = {
    "CA": ("CA",),
    "side chain": ("side chain",),
    "both": ("side chain", "CA"),
}
"""The centres of each, one by one."""


@dataclass(frozen=True, eq=False)
class Neighbourhoods:
    """The sites of a protein and the atoms around each; A atoms, S sites, E neighbours of all sites.

    Attributes:
        protein: with the atoms that count (hydrogens only where asked).
        residues: ``[S]``, the number of each site's residue in the protein, in its order.
        first: ``[S + 1]``: the neighbours of site s are ``neighbours[first[s]:first[s + 1]]``.
        neighbours: ``[E]``, atoms; those of one site in no special order.
        radius: in Å; a neighbour at exactly this distance belongs.
        centre: where the origin is, see `side_chain_centre.py` for the second; "both" has the neighbours of either.
    """

    protein: Protein
    residues: NDArray[np.int64]
    first: NDArray[np.int64]
    neighbours: NDArray[np.int64]
    radius: float = RADIUS
    centre: Centre = "CA"

    @classmethod
    def of(
        cls,
        protein: Protein,
        radius: float = RADIUS,
        *,
        hydrogens: bool = False,
        unique_chains: bool = True,
        residues: Iterable[int] | None = None,
        centre: Centre = "CA",
    ) -> Neighbourhoods:
        """Find them.

        Args:
            protein: all that is near a site, whatever it is; waters are gone already.
            radius: in Å.
            hydrogens: whether hydrogen atoms count, where the file has some.
            unique_chains: whether chains with the same sequence give sites only once.
            residues: the sites by number of residue, instead of all.
            centre: where the origin of each is.

        Raises:
            HologramError: a radius that is not positive, an unknown centre, or a residue that is no standard amino acid
                with a CA.
            StructureError: no site at all; the message says what each chain lacks.
        """
        if not 0 < radius < np.inf:
            raise HologramError(f"Expected a positive radius in Å, got {radius}.")
        if centre not in get_args(Centre):
            raise HologramError(f"Expected centre {' or '.join(map(repr, get_args(Centre)))}, got {centre!r}.")
        if not hydrogens:
            protein = protein.taken(~np.isin(protein.elements, HYDROGENS))
        sites = _sites(protein, unique_chains) if residues is None else _asked(protein, residues)
        if not len(sites):
            raise StructureError(None, None, f"{protein.name}: no usable residue; {_lacking(protein)}")
        return cls(protein, sites, *_search(protein, sites, centre, radius), radius, centre)

    def __len__(self) -> int:
        """Number of sites."""
        return len(self.residues)

    def only(self, site: int) -> Neighbourhoods:
        """The neighbourhood of one site."""
        begin, end = self.first[site : site + 2]
        first, neighbours = np.array([0, end - begin]), self.neighbours[begin:end]
        return replace(self, residues=self.residues[[site]], first=first, neighbours=neighbours)

    def seen_from(self, centre: Centre) -> Neighbourhoods:
        """Those of "both" centres as seen from one of them: the neighbours that are within the radius of it.

        Raises:
            HologramError: another centre than these have.
        """
        if centre not in (self.centre, *SINGLE[self.centre]):
            raise HologramError(f"These neighbourhoods have the centre {self.centre!r}, not {centre!r}.")
        if centre == self.centre:
            return self
        one = replace(self, centre=centre)
        first, neighbours = _kept(self.first, self.neighbours, _lengths(one.offsets()) <= self.radius)
        return replace(one, first=first, neighbours=neighbours)

    @cached_property
    def site(self) -> NDArray[np.int64]:
        """``[E]``, the site of each neighbour."""
        return np.repeat(np.arange(len(self)), np.diff(self.first))

    @cached_property
    def names(self) -> tuple[str, ...]:
        """What people call each site, "A MET 1"."""
        return tuple(self.protein.labels(self.residues))

    @property
    def centres(self) -> NDArray[np.float64]:
        """``[S, 3]``, the origin of each, in Å; of "both" that of the side chain."""
        return _centres(self.protein, self.residues, self.centre)

    @property
    def classes(self) -> NDArray[np.int64]:
        """``[S]``: the amino acid of each site, as in `AMINO_ACIDS`."""
        return self.protein.classes[self.residues]

    def offsets(self) -> NDArray[np.float64]:
        """``[E, 3]``, from the centre to each neighbour, in Å."""
        return self.protein.positions[self.neighbours] - self.centres[self.site]


def _sites(protein: Protein, unique_chains: bool) -> NDArray[np.int64]:
    usable = (protein.classes >= 0) & (protein.alphas >= 0)
    if unique_chains:
        first = {sequence: chain for chain, sequence in reversed(protein.sequences.items())}
        usable &= np.isin(protein.chains, [chain.encode("latin-1") for chain in first.values()])
    return np.flatnonzero(usable)


def _asked(protein: Protein, residues: Iterable[int]) -> NDArray[np.int64]:
    sites = np.array(list(residues), dtype=np.int64)
    outside = sites[(sites < 0) | (sites >= len(protein.numbers))]
    if len(outside):
        raise HologramError(f"Expected residues from 0 to {len(protein.numbers) - 1}, got {outside[0]}.")
    bad = sites[(protein.classes[sites] < 0) | (protein.alphas[sites] < 0)]
    if len(bad):
        raise HologramError(f"Residue {protein.label(int(bad[0]))} is no standard amino acid with a CA atom.")
    return sites


def _lacking(protein: Protein) -> str:
    """By chain, why none of its residues is a site."""
    told: list[str] = []
    for chain in dict.fromkeys(protein.chains.tolist()):
        rows = protein.chains == chain
        standard, alpha = protein.classes[rows] >= 0, protein.alphas[rows] >= 0
        why = f"{int(rows.sum())} residues, {int(standard.sum())} of them standard amino acids"
        usable = int((standard & alpha).sum())
        told.append(f"chain {text(chain) or 'without a name'} has {why}, {usable} of these with a CA atom")
    return "; ".join(told[:8]) or "it has no residues"


def _centres(protein: Protein, sites: NDArray[np.int64], centre: Centre) -> NDArray[np.float64]:
    if centre == "CA":
        return protein.positions[protein.alphas[sites]]
    return side_chain_centres(protein, sites)


def _search(
    protein: Protein, sites: NDArray[np.int64], centre: Centre, radius: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """``first`` and ``neighbours``; of several centres those of any, found from the middle between them."""
    from equiviz.holograms.search_kernel import search

    ends = np.stack([_centres(protein, sites, one) for one in SINGLE[centre]])  # [1 or 2, S, 3]
    middle = ends.mean(0)
    apart = float(_lengths(ends - middle).max(initial=0.0)) * (1 + 1e-9)
    first, near = search(protein.positions, middle, radius + apart, protein.residue, sites)
    if len(ends) == 1:
        return first, near
    places, owner = protein.positions[near], np.repeat(np.arange(len(sites)), np.diff(first))
    away = np.min([_lengths(places - end[owner]) for end in ends], axis=0)
    return _kept(first, near, away <= radius)


def _kept(
    first: NDArray[np.int64], neighbours: NDArray[np.int64], which: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """``first`` and ``neighbours`` of some of the neighbours."""
    return np.concatenate([[0], np.cumsum(which)])[first], neighbours[which]


def _lengths(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.sqrt(np.einsum("...k,...k->...", vectors, vectors))
