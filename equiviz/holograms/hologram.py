"""Hologram: the coefficients of neighbourhoods, typed: a group acts on them, and every tool works on them.

Coefficients are real, in e3nn's basis, orthonormal on the sphere; of one degree l the copies are the channels, and in
each the orders n = l, l + 2, ...:

    Z_cnlm = sum over neighbours i of  w_ci  R_nl(r_i)  Y_lm(direction of i)

Other codes' arrangements come out by `layouts.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias, cast

import torch
from torch import Tensor

from equiviz.holograms.errors import HologramError
from equiviz.holograms.protein import LETTERS
from equiviz.holograms.shells import Shells
from equiviz.holograms.zernike import Zernike
from equiviz.structures.typed_tensors import ONLY, TypedTensors
from equiviz.symmetry.field import Field
from equiviz.symmetry.groups import GroupElement, Permutation

if TYPE_CHECKING:
    from collections.abc import Sequence

Basis: TypeAlias = "Zernike | Shells"
"""The radial functions: what a projection needs to know of them is the same for both."""
AMINO_ACID = "amino_acid"
HCNN_BASIS = Zernike()


@dataclass(frozen=True, eq=False)
class Hologram(TypedTensors):
    """Coefficients of S sites, as `TypedTensors` with one field on nodes; what a model of proteins reads.

    Attributes:
        channels: names, in the order of the copies.
        basis: the radial functions.
        sites: what people call each site, "A MET 1".
        name: of the protein, or of the set.
    """

    channels: tuple[str, ...] = ()
    basis: Basis = HCNN_BASIS
    sites: tuple[str, ...] = ()
    name: str = ""

    @classmethod
    def of(
        cls,
        coefficients: Tensor,
        channels: Sequence[str],
        basis: Basis,
        classes: Tensor | None = None,
        sites: Sequence[str] = (),
        name: str = "",
    ) -> Hologram:
        """From coefficients ``[S, channels x basis.width]``.

        Args:
            coefficients: by degree, then channel, order, and m.
            channels: their names.
            basis: the radial functions.
            classes: ``[S]``, the amino acid of each site where it is known, else -1; by default unknown.
            sites: a name for each.
            name: of all of them.

        Raises:
            HologramError: another number of coefficients than channels and basis give.
        """
        width = len(channels) * basis.width
        if coefficients.ndim != 2 or coefficients.shape[1] != width:
            raise HologramError(f"Expected {width} coefficients per site, got shape {list(coefficients.shape)}.")
        kinds = torch.full((len(coefficients),), -1) if classes is None else classes
        return cls(
            fields={ONLY: Field(coefficients, irreps(channels, basis), "node")},
            shapes={ONLY: tuple(coefficients.shape)},
            labels={AMINO_ACID: kinds},
            count=len(coefficients),
            form="one",
            order=(ONLY, AMINO_ACID),
            channels=tuple(channels),
            basis=basis,
            sites=tuple(sites),
            name=name,
        )

    @property
    def coefficients(self) -> Tensor:
        """``[S, channels x basis.width]``."""
        return self.fields[ONLY].values

    @property
    def classes(self) -> Tensor:
        """``[S]``: amino acids 0 to 19 as in `AMINO_ACIDS`, -1 where unknown."""
        return self.labels[AMINO_ACID]

    def transform(self, g: GroupElement) -> Hologram:
        """Turned coefficients; a permutation reorders the sites with their names."""
        moved = cast(Hologram, super().transform(g))
        if not isinstance(g, Permutation) or not self.sites:
            return moved
        return replace(moved, sites=tuple(self.sites[k] for k in g.order.tolist()))

    def degree(self, l: int) -> Tensor:  # noqa: E741 - the field's own name for it
        """The coefficients of degree l, ``[S, channels, orders, 2l+1]``."""
        copies = self.fields[ONLY][f"{l}{'eo'[l % 2]}"]  # [S, channels x orders, 2l+1]
        return copies.unflatten(1, (len(self.channels), -1))

    def __repr__(self) -> str:
        sequence = "".join(LETTERS[k] if k >= 0 else "x" for k in self.classes[:12].tolist())
        more = "..." if len(self) > 12 else ""
        return (
            f"Hologram({self.name or 'unnamed'}: {len(self)} sites {sequence}{more}, channels "
            f"{', '.join(self.channels)}; l <= {self.basis.l_max}, n <= {self.basis.n_max}, {self.basis.norm})"
        )


def joined(parts: Sequence[Hologram]) -> Hologram:
    """The sites of several holograms, one after the other.

    Raises:
        HologramError: no parts, or parts of different channels or radial functions.
    """
    if not parts or any((p.channels, p.basis) != (parts[0].channels, parts[0].basis) for p in parts):
        raise HologramError("Expected holograms of the same channels and radial functions, got none or different ones.")
    first = parts[0]
    coefficients = torch.cat([part.coefficients for part in parts])
    classes, sites = torch.cat([part.classes for part in parts]), [site for part in parts for site in part.sites]
    return Hologram.of(coefficients, first.channels, first.basis, classes, sites, ", ".join(p.name for p in parts))


def irreps(channels: Sequence[str], basis: Basis) -> str:
    """What the coefficients transform as."""
    copies = [len(channels) * len(basis.orders(degree)) for degree in range(basis.l_max + 1)]
    return "+".join(f"{mul}x{degree}{'eo'[degree % 2]}" for degree, mul in enumerate(copies))
