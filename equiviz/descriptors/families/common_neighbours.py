r"""The common-neighbour signature of a point: what its bonds look like from both of their ends.

Each bond (i, j) has three numbers, written as one word such as "421":

    n   how many points are bonded to both i and j
    b   how many bonds these have among each other
    c   how many bonds the largest connected group of these has

The columns count the bonds of i with each signature. Ideal crystals have, with r_c between the shells: fcc twelve 421;
hcp six 421 and six 422; bcc, whose first two shells are taken together, eight 666 and six 444; the centre of an
icosahedron twelve 555. 433 and 544 are icosahedra with a fault.

Symbols: two points are bonded where they are nearer than r_c [length unit of the structure]. No unit.

Sources: Honeycutt and Andersen, J. Phys. Chem. 91, 4950 (1987); the three numbers as in Faken and Jonsson, Comput.
Mater. Sci. 2, 279 (1994). c as Stukowski, Modelling Simul. Mater. Sci. Eng. 20, 045021 (2012), counts it: a ring of
five has 5.

Counts do not change with small displacements: the gradient is zero, and jumps are infinite.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from equiviz.descriptors.descriptor import Descriptor, DescriptorConfig, require_distinct
from equiviz.descriptors.errors import DescriptorError
from equiviz.descriptors.neighbourhood import Neighbourhood
from equiviz.descriptors.registry import DescriptorFamily
from equiviz.descriptors.windows import require_positive
from equiviz.structures.graph import Graph
from equiviz.structures.structure import Structure

MOST_PAIRS = 2_000_000
"""Pairs of neighbours that are looked at together; it bounds the memory."""


@dataclass(frozen=True, kw_only=True)
class CommonNeighboursConfig(DescriptorConfig):
    """Options of `CommonNeighbours`.

    Attributes:
        cutoff: r_c within which two points are bonded, in the length unit of the structure.
        signatures: those that are counted, each three digits n, b, c.
    """

    cutoff: float
    signatures: tuple[str, ...] = ("421", "422", "444", "666", "555", "433", "544")

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive("the cutoff of common neighbours", self.cutoff)
        require_distinct("signatures", self.signatures)
        bad = [word for word in self.signatures if len(word) != 3 or not word.isdecimal()]
        if bad or not self.signatures:
            raise DescriptorError(f"signatures must be words of three digits such as '421'; got {bad or 'none'}")

    @classmethod
    def standard(
        cls, cutoff: float, species: tuple[int, ...] = (), species_names: tuple[str, ...] = ()
    ) -> CommonNeighboursConfig:
        """Return the signatures of fcc, hcp, bcc and icosahedra; species are not used."""
        return cls(cutoff=cutoff)


class CommonNeighbours(Descriptor[CommonNeighboursConfig]):
    """Counts of bonds by signature: see the head of the file."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names such as "bonds 421"."""
        return tuple(f"bonds {word}" for word in self.config.signatures)

    def neighbourhood(self, system: Structure | Graph) -> Neighbourhood:
        """Return the bonds."""
        return Neighbourhood.within(system, self.config.cutoff)

    def evaluate(self, around: Neighbourhood) -> Tensor:
        """Return [N, D]."""
        wanted = [[int(digit) for digit in word] for word in self.config.signatures]
        asked = torch.tensor(wanted, device=around.vectors.device)  # [D, 3]
        counted = [
            (signatures(vectors, held, self.config.cutoff)[:, :, None] == asked).all(-1).sum(1)
            for vectors, held in _shelves(around)
        ]
        found = torch.cat([asked.new_zeros(0, len(asked)), *counted]).to(around.vectors.dtype)
        return found + 0 * around.sum_to_centres(around.distances)[:, None]  # in the graph of gradients, with none


def signatures(vectors: Tensor, held: Tensor, cutoff: float) -> Tensor:
    """The three numbers of each bond of some centres, [B, K, 3] integers; -1 on empty places.

    Args:
        vectors: [B, K, 3] from each centre to its neighbours.
        held: [B, K] which places hold a neighbour.
        cutoff: within which two points are bonded.
    """
    vectors, places = vectors.detach(), torch.arange(len(vectors), device=vectors.device)
    gaps = torch.cdist(vectors, vectors, compute_mode="donot_use_mm_for_euclid_dist")  # [B, K, K]
    both = held[:, :, None] & held[:, None] & ~torch.eye(held.shape[1], dtype=torch.bool, device=held.device)
    near = (gaps < cutoff) & both
    shared = near.sum(-1)  # [B, K]
    most = max(1, int(shared.max())) if near.numel() else 1
    inside, members = near.to(torch.uint8).topk(min(most, near.shape[-1]), dim=-1)  # [B, K, m]
    among = near[places[:, None, None, None], members[..., :, None], members[..., None, :]]
    among = among & inside.bool()[..., :, None] & inside.bool()[..., None, :]  # [B, K, m, m]
    found = torch.stack([shared, among.sum((-1, -2)) // 2, _largest_group(among)], -1)
    return torch.where(held[..., None], found, -1)


def _largest_group(among: Tensor) -> Tensor:
    """Bonds of the largest connected group: [..., m, m] -> [...]."""
    size = among.shape[-1]
    reached = (among | torch.eye(size, dtype=torch.bool, device=among.device)).float()
    for _ in range((size - 1).bit_length()):  # after k squarings, all within 2^k bonds
        reached = (reached @ reached).clamp(max=1)
    ends = reached @ among.sum(-1, keepdim=True).float()  # [..., m, 1] each bond of a group has two
    return (ends.squeeze(-1).amax(-1) / 2).round().long() if size else among.sum((-1, -2))


def _shelves(around: Neighbourhood) -> Iterator[tuple[Tensor, Tensor]]:
    """Vectors [B, K, 3] to the neighbours of some centres, and which of the places hold one [B, K]."""
    width = max(1, int(around.counts.max())) if around.n_points else 1
    for centres in torch.arange(around.n_points, device=around.vectors.device).split(max(1, MOST_PAIRS // width**2)):
        rows = around.offsets[centres][:, None] + torch.arange(width, device=centres.device)  # [B, K]
        held = rows < around.offsets[centres + 1][:, None]
        if len(around.vectors):
            yield around.vectors[rows.clamp(max=len(around.vectors) - 1)], held
        else:
            yield around.vectors.new_zeros(*rows.shape, 3), held


FAMILY = DescriptorFamily(
    name="common_neighbours",
    config_class=CommonNeighboursConfig,
    descriptor_class=CommonNeighbours,
    source="Honeycutt and Andersen, J. Phys. Chem. 91, 4950 (1987)",
    summary="how many bonds of a point have the common neighbours that bonds of fcc, hcp, bcc or icosahedra have",
)
