"""Hologram: the coefficients of neighbourhoods, typed: a group acts on them, and every tool works on them.

Coefficients are real, in e3nn's basis, orthonormal on the sphere; of one degree l the copies are the channels, and in
each the orders n = l, l + 2, ...:

    Z_cnlm = sum over neighbours i of  w_ci  R_nl(r_i)  Y_lm(direction of i)

Other codes' arrangements come out by `layouts.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeAlias, cast

import torch
from torch import Tensor

from equiviz.holograms.errors import HologramError
from equiviz.holograms.neighbourhoods import RADIUS, Centre
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
Counting: TypeAlias = Literal["atoms", "square"]
"""Whether each atom counts as one, or by the inverse of its own power."""


@dataclass(frozen=True)
class Origin:
    """Of what neighbourhoods coefficients are: where their centres are, how far they reach (Å), how atoms count.

    Coefficients of another origin look alike, and mean something else.
    """

    centre: Centre = "CA"
    radius: float = RADIUS
    counting: Counting = "atoms"

    def __str__(self) -> str:
        counted = "" if self.counting == "atoms" else ", atoms divided by their power"
        place = "the side chain and the CA" if self.centre == "both" else f"the {self.centre}"
        return f"neighbourhoods of {self.radius:g} Å around {place}{counted}"


PUBLISHED = Origin()


@dataclass(frozen=True, eq=False)
class Hologram(TypedTensors):
    """Coefficients of S sites, as `TypedTensors` with one field on nodes; what a model of proteins reads.

    Attributes:
        channels: names, in the order of the copies; seen from both centres see `two_centres.py`.
        basis: the radial functions.
        sites: what people call each site, "A MET 1".
        name: of the protein, or of the set.
        origin: of what neighbourhoods they are.
    """

    channels: tuple[str, ...] = ()
    basis: Basis = HCNN_BASIS
    sites: tuple[str, ...] = ()
    name: str = ""
    origin: Origin = PUBLISHED

    @classmethod
    def of(
        cls,
        coefficients: Tensor,
        channels: Sequence[str],
        basis: Basis,
        classes: Tensor | None = None,
        sites: Sequence[str] = (),
        name: str = "",
        origin: Origin = PUBLISHED,
    ) -> Hologram:
        """From coefficients ``[S, channels x basis.width]``.

        Args:
            coefficients: by degree, then channel, order, and m.
            channels: their names.
            basis: the radial functions.
            classes: ``[S]``, the amino acid of each site where it is known, else -1; by default unknown.
            sites: a name for each.
            name: of all of them.
            origin: of what neighbourhoods they are.

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
            origin=origin,
        )

    def with_coefficients(self, coefficients: Tensor) -> Hologram:
        """Others ``[S', width]`` of the same kind; of as many sites the names and classes are kept."""
        same = len(coefficients) == len(self)
        classes, sites = (self.classes, self.sites) if same else (None, ())
        return Hologram.of(coefficients, self.channels, self.basis, classes, sites, self.name, self.origin)

    def repeated(self, count: int) -> Hologram:
        """As many copies, one after the other: sites know nothing of each other."""
        return self if count == 1 else self.with_coefficients(self.coefficients.repeat(count, 1))

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
        """The coefficients of degree l, ``[S, channels, orders, 2l+1]``: a view."""
        many = [len(self.basis.orders(degree)) * (2 * degree + 1) for degree in range(l + 1)]
        end = len(self.channels) * sum(many)
        rows = self.coefficients[:, end - len(self.channels) * many[l] : end]
        return rows.unflatten(1, (len(self.channels), -1, 2 * l + 1))

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
        HologramError: no parts, or parts of different channels, radial functions or neighbourhoods.
    """
    if not parts or len({(part.channels, part.basis, part.origin) for part in parts}) > 1:
        raise HologramError(
            "Expected holograms of the same channels, radial functions and neighbourhoods, got none or different ones."
        )
    first = parts[0]
    coefficients = torch.cat([part.coefficients for part in parts])
    classes, sites = torch.cat([part.classes for part in parts]), [site for part in parts for site in part.sites]
    name = ", ".join(part.name for part in parts)
    return Hologram.of(coefficients, first.channels, first.basis, classes, sites, name, first.origin)


def irreps(channels: Sequence[str], basis: Basis) -> str:
    """What the coefficients transform as."""
    copies = [len(channels) * len(basis.orders(degree)) for degree in range(basis.l_max + 1)]
    return "+".join(f"{mul}x{degree}{'eo'[degree % 2]}" for degree, mul in enumerate(copies))
