"""A protein file made for tests: residues along a helix, with whatever a file may hold besides."""

from __future__ import annotations

import math

import numpy as np

from equiviz.holograms.protein import AMINO_ACIDS

SIDE_CHAIN = {"CYS": ["CB", "SG"], "SER": ["CB", "OG"], "MET": ["CB", "CG", "SD", "CE"], "GLY": []}
BACKBONE = ("N", "CA", "C", "O")


def atom(
    serial: int,
    name: str,
    residue: str,
    number: int,
    place: np.ndarray,
    *,
    chain: str = "A",
    code: str = " ",
    altloc: str = " ",
    element: str | None = None,
    record: str = "ATOM  ",
) -> str:
    """One line of a PDB file, format 3.3."""
    x, y, z = place
    kind = element or name[0]
    return (
        f"{record}{serial:5d} {name:^4s}{altloc}{residue:>3s} {chain}{number:4d}{code}   "
        f"{x:8.3f}{y:8.3f}{z:8.3f}{1.0:6.2f}{20.0:6.2f}          {kind:>2s}"
    )


def chain_lines(residues: list[str], chain: str = "A", shift: float = 0.0, seed: int = 0) -> list[str]:
    """A helix of residues: CA every 1.5 Å along z, the other atoms at random beside it."""
    random = np.random.default_rng(seed)
    lines: list[str] = []
    for k, residue in enumerate(residues):
        turn = math.radians(100 * k)
        alpha = np.array([2.3 * math.cos(turn) + shift, 2.3 * math.sin(turn), 1.5 * k])
        for name in [*BACKBONE, *SIDE_CHAIN.get(residue, ["CB"])]:
            place = alpha if name == "CA" else alpha + random.normal(size=3)
            lines.append(atom(len(lines) + 1, name, residue, k + 1, place, chain=chain))
    return lines


def helix(count: int = 30, seed: int = 0) -> str:
    """A PDB file of one chain with all amino acids."""
    residues = [AMINO_ACIDS[k % 20] for k in range(count)]
    return "\n".join([*chain_lines(residues, seed=seed), "TER", "END", ""])
