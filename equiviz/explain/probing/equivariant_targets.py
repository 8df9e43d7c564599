r"""Vectors and tensors of an environment that experts ask for: targets of an equivariant probe, by name.

With w(r) = (cos(pi r / r_c) + 1) / 2 and r_c the reach, sums run over the neighbours j of node i:

    neighbour asymmetry   1o   sum w r_ij / |r_ij|                      which side is crowded; no unit
    local dipole          1o   sum w q_j r_ij                           q: the node attribute "charge" (0e)
    local gyration        2e   traceless part of sum w r_ij r_ij^T      along which axis the neighbours lie; length^2
    local strain          2e   traceless part of (F + F^T) / 2          no unit; F is the linear map that carries r_ij
                               to u_j - u_i best, weighted by w; u: the node attribute "displacement" (1o)

Sources: the strain of Falk and Langer, Phys. Rev. E 57, 7192 (1998), equations 2.11 to 2.13, here with weights; the
others are moments of the neighbourhood. r_ij points from i to j. Where neighbours lie in a plane or on a line, F is
the smallest map that carries them best.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias, cast

import torch
from torch import Tensor

from equiviz.descriptors.neighbourhood import Neighbourhood
from equiviz.descriptors.windows import Cosine
from equiviz.explain.errors import ProbeError
from equiviz.explain.probing.asked_targets import Measured
from equiviz.explain.probing.named_targets import Named
from equiviz.structures.structure import Structure
from equiviz.structures.typed_tensors import TypedTensors
from equiviz.symmetry.errors import IrrepsError
from equiviz.symmetry.field import Field
from equiviz.symmetry.harmonics import spherical_harmonics
from equiviz.symmetry.irreps import Irrep
from equiviz.symmetry.representations import Representation

EquivariantAsked: TypeAlias = "str | Field | Sequence[str] | Mapping[str, str | Field]"
"""What users may ask for: `equivariant_targets` makes targets of it."""


@dataclass(frozen=True, eq=False)
class EquivariantTarget:
    """One vector or tensor on nodes.

    Attributes:
        name: of it.
        representation: how it turns.
        values: gives it for one structure; `names` has one entry for each component.
    """

    name: str
    representation: Representation
    values: Measured | Attribute | Moment


@dataclass(frozen=True)
class Attribute:
    """A typed attribute that structures carry."""

    name: str
    names: Sequence[str]

    def __call__(self, system: Structure, /) -> Field:
        """It, for one structure."""
        return system.node[self.name]


@dataclass(frozen=True)
class Moment:
    """A moment of the neighbourhood, by name."""

    name: str
    reach: float
    names: Sequence[str]

    def __call__(self, system: Structure, /) -> Field:
        """It, for one structure."""
        around = Neighbourhood.within(system, self.reach)
        irrep, made, _ = MOMENTS[self.name]
        return Field(made(system, around, Cosine(self.reach)(around.distances)), f"1x{irrep}", "node")


def equivariant_targets(
    asked: EquivariantAsked, structures: Sequence[Structure] | Sequence[TypedTensors]
) -> list[EquivariantTarget]:
    """What is asked for, as targets.

    Raises:
        ProbeError: an unknown name, a field that has not one row per node, something else, or nothing.
    """
    named = _by_name(asked)
    if not named:
        raise ProbeError("Expected at least one vector or tensor to look for, got none.")
    reach = Named(structures)
    return [_target(name, value, structures, reach) for name, value in named.items()]


def _by_name(asked: object) -> dict[str, object]:
    if isinstance(asked, Mapping):
        return {str(key): value for key, value in cast("Mapping[str, object]", asked).items()}
    entries = list(cast("Sequence[object]", asked)) if isinstance(asked, (list, tuple)) else [asked]
    return {entry if isinstance(entry, str) else "target": entry for entry in entries}


def _target(name: str, value: object, structures: Sequence[object], reach: Named) -> EquivariantTarget:
    if isinstance(value, str):
        return _named(name, value, structures, reach)
    if not isinstance(value, Field):
        raise ProbeError(
            f"Target {name!r}: expected a name ({', '.join(MOMENTS)}, or a node attribute) or a Field such as "
            f"Field(values, '1x1o'), got {type(value).__name__}."
        )
    if value.values.is_complex():
        raise ProbeError(
            f"Target {name!r}: expected real numbers that turn with space, such as Field(values, '1x1o'), got a "
            f"field of {value.representation}. Probe its real invariants instead: equiviz.probe."
        )
    known = cast("Sequence[Structure]", structures)
    total = sum(len(one) for one in known)
    if value.support != "node" or value.values.ndim != 2 or len(value) != total:
        raise ProbeError(
            f"Target {name!r}: expected a field on the {total} nodes of all structures, one after the other, got "
            f"{len(value)} rows on {value.support}s."
        )
    parts = value.detach().to("cpu").values.double().split([len(one) for one in known])
    held = {id(one): part for one, part in zip(known, parts, strict=True)}
    return EquivariantTarget(name, value.representation, Measured(held, _components(value.dim)))


def _named(name: str, value: str, structures: Sequence[object], reach: Named) -> EquivariantTarget:
    known = [one for one in structures if isinstance(one, Structure)]
    if value in MOMENTS and len(known) == len(structures):
        irrep, _, needed = MOMENTS[value]
        if needed and not all(needed in one.node for one in known):
            raise ProbeError(f"{value!r} needs the node attribute {needed!r} on every structure: attach it as a Field.")
        size = Irrep.parse(irrep).dim
        field = Field(torch.zeros(1, size), f"1x{irrep}", "node")
        return EquivariantTarget(name, field.representation, Moment(value, reach.reach, _components(size)))
    if known and len(known) == len(structures) and all(value in one.node for one in known):
        carried = known[0].node[value]
        return EquivariantTarget(name, carried.representation, Attribute(value, _components(carried.dim)))
    attributes = sorted({own for one in known for own in one.node})
    raise ProbeError(
        f"There is no vector or tensor {value!r}. Known by name: {', '.join(MOMENTS)} (all need positions); node "
        f"attributes of the structures: {', '.join(attributes) or 'none'}. Others are given as {{'name': Field}}."
    )


def parity_of(label: str) -> int:
    """1 or -1 for irreps of O(3); 1 for others."""
    try:
        return Irrep.parse(label).p
    except IrrepsError:
        return 1


def traceless_part(matrices: Tensor) -> Tensor:
    """Symmetric matrices [N, 3, 3] as 2e [N, 5], without their trace; |2e| is its Frobenius norm."""
    axes = torch.eye(3, dtype=matrices.dtype)
    pairs = spherical_harmonics(2, (axes[:, None] + axes).reshape(9, 3), normalize=False)[:, 4:].view(3, 3, 5)
    own = torch.stack([pairs[k, k] for k in range(3)]) / 4  # Y(2 e) = 4 Y(e)
    forms = (pairs - own[:, None] - own) / 2  # [3, 3, 5] Y_m(v) = sum of forms v_a v_b
    found = torch.einsum("abm,nab->nm", forms, matrices)
    return found / forms[..., 0].norm()


def _asymmetry(system: Structure, around: Neighbourhood, weights: Tensor) -> Tensor:
    unit = around.vectors / around.distances[:, None].clamp(min=1e-300)
    return around.sum_to_centres(weights[:, None] * unit)


def _dipole(system: Structure, around: Neighbourhood, weights: Tensor) -> Tensor:
    charges = system.node["charge"].values.to(weights)  # [N, 1]
    return around.sum_to_centres(weights[:, None] * charges[around.sender] * around.vectors)


def _gyration(system: Structure, around: Neighbourhood, weights: Tensor) -> Tensor:
    return traceless_part(_second_moment(around, around.vectors, weights))


def _strain(system: Structure, around: Neighbourhood, weights: Tensor) -> Tensor:
    moved = system.node["displacement"].values.to(weights)
    apart = moved[around.sender] - moved[around.receiver]
    size = _second_moment(around, around.vectors, weights)
    fitted = _second_moment(around, apart, weights) @ torch.linalg.pinv(size)  # F [N, 3, 3]
    return traceless_part((fitted + fitted.mT) / 2)


def _second_moment(around: Neighbourhood, left: Tensor, weights: Tensor) -> Tensor:
    return around.sum_to_centres(weights[:, None, None] * left[:, :, None] * around.vectors[:, None, :])


def _components(count: int) -> tuple[str, ...]:
    return tuple(str(place) for place in range(count))


MOMENTS: dict[str, tuple[str, Callable[[Structure, Neighbourhood, Tensor], Tensor], str]] = {
    "neighbour asymmetry": ("1o", _asymmetry, ""),
    "local dipole": ("1o", _dipole, "charge"),
    "local gyration": ("2e", _gyration, ""),
    "local strain": ("2e", _strain, "displacement"),
}
"""By name: the irrep, how it is made, and the node attribute that it needs."""
