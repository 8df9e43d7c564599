"""Features that are made of a known dictionary."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import normalize

from equiviz.symmetry.field import Field

CHANNELS = {"0e": 10, "1o": 8, "2e": 8}
ATOMS = 6
ACTIVE = 3


def known(seed: int = 1, count: int = 1500, noise: float = 0.02) -> tuple[Field, dict[str, Tensor]]:
    """Features [N, dim] with three active atoms each, and the atoms [6, C_l] of each irrep."""
    generator = torch.Generator().manual_seed(seed)

    def random(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    atoms = {label: normalize(random(ATOMS, copies), dim=1) for label, copies in CHANNELS.items()}
    rank = torch.rand(count, ATOMS * len(CHANNELS), generator=generator).argsort(1)
    held = (rank < ACTIVE).double().chunk(len(CHANNELS), 1)
    values: list[Tensor] = []
    for (label, vectors), own in zip(atoms.items(), held, strict=True):
        codes = random(count, ATOMS, 2 * int(label[0]) + 1) * own[:, :, None]
        made = torch.einsum("kc,nkm->ncm", vectors, codes)
        values.append((made + noise * random(*made.shape)).flatten(1))
    return Field(torch.cat(values, 1), "10x0e+8x1o+8x2e"), atoms
