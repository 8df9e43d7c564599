"""Learning a dictionary of irreps: block orthogonal matching pursuit, and K-SVD whose rank one is vector times code.

Sources: Eldar, Kuppinger, Bolcskei, IEEE Trans. Signal Process. 58, 3042 (2010) (block pursuit); Aharon, Elad,
Bruckstein, IEEE Trans. Signal Process. 54, 4311 (2006) (K-SVD). A block is here the 2l+1 components of one atom, with
one coefficient vector for all: so both commute with rotations.

Shapes: N environments, C channels, M components, K atoms, S active atoms.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from equiviz.explain.dictionary.channels import Channels, squares
from equiviz.features.precision import wide

ROWS = 2048
"""Environments coded at a time: bounds the memory."""
RIDGE = 1e-6
"""Keeps the equations for the codes of two equal atoms solvable."""
ALIKE = 0.98
"""Two atoms with a larger cosine are one; the second is given another start."""
SELDOM = 0.005
"""Atoms in a smaller share of the environments are given another start."""


@dataclass(frozen=True, eq=False)
class Atoms:
    """Unit vectors over the channels, each within one irrep.

    Attributes:
        vectors: [K, C].
        labels: [K], the irrep of each; sorted as the channels are.
    """

    vectors: Tensor
    labels: tuple[str, ...]

    def codes(self, stacked: Tensor, active: int) -> Tensor:
        """Block orthogonal matching pursuit: codes [N, K, M] of which `active` are not zero, for channels [N, C, M].

        In each step the atom whose code would explain most is taken in, and all codes so far are fitted anew.
        """
        return torch.cat([self._pursued(rows, active) for rows in stacked.split(ROWS)])

    def decoded(self, codes: Tensor) -> Tensor:
        """Channels [N, C, M] of codes [N, K, M]."""
        return torch.einsum("kc,nkm->ncm", self.vectors, codes)

    def _pursued(self, rows: Tensor, active: int) -> Tensor:
        projected = torch.einsum("kc,ncm->nkm", self.vectors.conj(), rows)  # [n, K, M]
        gram = self.vectors.conj() @ self.vectors.T  # [K, K]
        codes, chosen = torch.zeros_like(projected), torch.zeros(len(rows), 0, dtype=torch.long)
        for _ in range(min(active, len(self.labels))):
            left = projected - torch.einsum("kj,njm->nkm", gram, codes)
            gain = squares(left).sum(2).scatter(1, chosen, -1.0)  # [n, K]
            chosen = torch.cat([chosen, gain.argmax(1, keepdim=True)], 1)  # [n, s]
            wanted = projected.gather(1, chosen[:, :, None].expand(-1, -1, rows.shape[2]))  # [n, s, M]
            square = gram[chosen[:, :, None], chosen[:, None, :]] + RIDGE * torch.eye(
                chosen.shape[1], dtype=gram.dtype
            )  # [n, s, s]
            fitted = torch.linalg.solve(square, wanted)
            codes = torch.zeros_like(projected).scatter(1, chosen[:, :, None].expand_as(fitted), fitted)
        return codes


def halved(values: Tensor) -> Tensor:
    """In single precision, complex where they are."""
    return values.to(torch.complex64 if values.is_complex() else torch.float32)


def learned(
    stacked: Tensor, channels: Channels, counts: Mapping[str, int], active: int, rounds: int, seed: int
) -> Atoms:
    """Alternate coding and updates of the atoms, from atoms that are leading parts of random environments.

    Args:
        stacked: [N, C, M].
        channels: which channel is of which irrep.
        counts: number of atoms of each irrep.
        active: S.
        rounds: of coding and updating.
        seed: of the start.
    """
    generator = torch.Generator().manual_seed(seed)
    stacked = halved(stacked)  # half the memory to walk through; the atoms need no more digits
    atoms = _started(stacked, channels, counts, generator)
    for place in range(rounds):
        codes = atoms.codes(stacked, active)
        atoms = _updated(atoms, codes, stacked, channels)
        if place < 0.7 * rounds:
            atoms = _renewed(atoms, codes, stacked, channels, generator)
    return _signed(atoms)


def _started(stacked: Tensor, channels: Channels, counts: Mapping[str, int], generator: torch.Generator) -> Atoms:
    labels = tuple(label for label in channels.labels for _ in range(counts[label]))
    vectors = torch.zeros(len(labels), stacked.shape[1], dtype=stacked.dtype)
    for row, label in enumerate(labels):
        vectors[row] = _leading(stacked, channels, label, generator)
    return Atoms(vectors, labels)


def _leading(left: Tensor, channels: Channels, label: str, generator: torch.Generator) -> Tensor:
    """The leading channel vector [C] of one environment, drawn by how much of this irrep is left in it."""
    part = left[:, channels.places(label)]
    weights = squares(part).sum((1, 2))
    weights = weights if float(weights.sum()) > 0 else torch.ones_like(weights)
    drawn = int(torch.multinomial(weights, 1, generator=generator))
    vector = torch.zeros(left.shape[1], dtype=left.dtype)
    vector[channels.places(label)] = torch.linalg.svd(part[drawn], full_matrices=False)[0][:, 0]
    return vector / vector.norm().clamp(min=1e-30)


def _updated(atoms: Atoms, codes: Tensor, stacked: Tensor, channels: Channels) -> Atoms:
    """Each atom in turn: with its codes, nearly the best rank one of what the others leave in its environments.

    One step of power iteration in place of the singular value decomposition: Rubinstein, Zibulevsky, Elad, Technion
    report CS-2008-08 (2008).
    """
    vectors, codes = atoms.vectors.clone(), codes.clone()
    for label in channels.labels:
        numbers = [k for k, own in enumerate(atoms.labels) if own == label]
        size, places = channels.sizes[label], channels.places(label)
        decoded = torch.einsum("kc,nkm->ncm", vectors[numbers, places], codes[:, numbers, :size])
        left = stacked[:, places, :size] - decoded  # [N, C_l, 2l+1]
        for k in numbers:
            users = squares(codes[:, k]).sum(1).nonzero().flatten()
            if len(users):
                code = codes[users, k, None, :size]  # [n, 1, 2l+1]
                own = left[users] + vectors[k, places, None] * code
                vector = (own * code.conj()).sum((0, 2))
                vector = vector / vector.norm().clamp(min=1e-30)
                codes[users, k, :size] = code = (own * vector.conj()[:, None]).sum(1)
                left[users] = own - vector[:, None] * code[:, None]
                vectors[k, places] = vector
    return Atoms(vectors, atoms.labels)


def _renewed(atoms: Atoms, codes: Tensor, stacked: Tensor, channels: Channels, generator: torch.Generator) -> Atoms:
    """Atoms that are hardly used, or nearly equal to another, start anew where most is left."""
    used = squares(codes).sum(2).gt(0).double().mean(0)  # [K]
    alike = (atoms.vectors.conj() @ atoms.vectors.T).abs().triu(1).amax(0) > ALIKE
    poor = ((used < SELDOM) | alike).nonzero().flatten().tolist()
    if not poor:
        return atoms
    left = stacked - atoms.decoded(codes)
    vectors = atoms.vectors.clone()
    for k in poor:
        vectors[k] = _leading(left, channels, atoms.labels[k], generator)
    return Atoms(vectors, atoms.labels)


def _signed(atoms: Atoms) -> Atoms:
    """Unit vectors in double precision, the largest component positive: sign or phase of an atom are its code's."""
    vectors = wide(atoms.vectors)
    vectors = vectors / vectors.norm(dim=1, keepdim=True).clamp(min=1e-12)
    largest = vectors.gather(1, vectors.abs().argmax(1, keepdim=True))
    return Atoms(vectors * largest.sgn().conj(), atoms.labels)
