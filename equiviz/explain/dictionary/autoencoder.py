"""A sparse autoencoder of irreps: a linear encoder, one gate for each copy, a linear decoder; weights shared over m.

The gate lets the largest copies through, by their norm (Makhzani and Frey, arXiv 1312.5663; Gao et al., arXiv
2406.04093), and so commutes with rotations. One pass of the encoder codes an environment, where a pursuit solves
equations for each.

Shapes: N environments, C channels, M components, K atoms.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from equiviz.explain.dictionary.channels import Channels, squares
from equiviz.explain.dictionary.pursuit import Atoms, halved, learned
from equiviz.features.precision import wide

BATCH = 512
RATE = 3e-3


@dataclass(frozen=True, eq=False)
class Autoencoder(Atoms):
    """Atoms with an encoder of their own.

    Attributes:
        encoder: [K, C]: codes are its images, as far as the gate lets them through.
    """

    encoder: Tensor

    def codes(self, stacked: Tensor, active: int) -> Tensor:
        """The `active` largest images [N, K, M] of channels [N, C, M]; the others zero."""
        return gated(torch.einsum("kc,ncm->nkm", self.encoder, stacked), active)


def gated(images: Tensor, active: int) -> Tensor:
    """The copies [N, K, M] with the largest norms, `active` of each environment; the others zero."""
    strength = squares(images).sum(2)
    kept = strength.topk(min(active, images.shape[1]), 1).indices
    return images * torch.zeros_like(strength).scatter(1, kept, 1.0)[:, :, None]


def trained(
    stacked: Tensor, channels: Channels, counts: Mapping[str, int], active: int, rounds: int, seed: int
) -> Autoencoder:
    """Train by Adam on the squared error, from a few rounds of K-SVD.

    Args:
        stacked: [N, C, M].
        channels: which channel is of which irrep.
        counts: number of atoms of each irrep.
        active: copies that the gate lets through.
        rounds: passes over the environments.
        seed: of start and batches.
    """
    start = learned(stacked, channels, counts, active, 3, seed)
    stacked, vectors = halved(stacked), halved(start.vectors)
    allowed = torch.zeros_like(vectors)
    for k, label in enumerate(start.labels):
        allowed[k, channels.places(label)] = 1
    generator = torch.Generator().manual_seed(seed)
    with torch.enable_grad():
        encoder, decoder = (part.clone().requires_grad_() for part in (vectors.conj().resolve_conj(), vectors))
        optimiser = torch.optim.Adam([encoder, decoder], lr=RATE)
        for _ in range(rounds):
            for rows in torch.randperm(len(stacked), generator=generator).split(BATCH):
                optimiser.zero_grad()
                batch = stacked[rows]
                codes = gated(torch.einsum("kc,ncm->nkm", encoder * allowed, batch), active)
                error = batch - torch.einsum("kc,nkm->ncm", decoder * allowed, codes)
                squares(error).sum((1, 2)).mean().backward()
                optimiser.step()
    made, reading = (wide((part * allowed).detach()) for part in (decoder, encoder))
    sizes = made.norm(dim=1, keepdim=True).clamp(min=1e-12)
    return Autoencoder(made / sizes, start.labels, reading * sizes)
