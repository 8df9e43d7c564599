"""Triplets: all pairs of bonds that share their centre, walked in blocks of bounded size."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from equiviz.descriptors.neighbourhood import Neighbourhood

#: Triplets per block: about 100 MB of intermediates for ten functions in float64.
TRIPLETS_PER_BLOCK = 1 << 18


def pairs_of_bonds(around: Neighbourhood, per_block: int = TRIPLETS_PER_BLOCK) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield rows (first, second), each [T], of two different bonds of one centre; each unordered pair occurs once.

    A block holds whole bonds with all their later partners, so T stays below `per_block` plus the largest number of
    bonds of one centre.
    """
    bonds = torch.arange(len(around.receiver), device=around.receiver.device)  # [E]
    later = around.offsets[1:][around.receiver] - bonds - 1  # [E] partners after each bond
    ends = later.cumsum(0)  # [E]
    start = 0
    while start < len(bonds):
        done = int(ends[start - 1]) if start else 0
        stop = int(torch.searchsorted(ends, torch.tensor(done + per_block, device=ends.device), right=True))
        stop = max(stop, start + 1)
        yield _pairs_of(bonds[start:stop], later[start:stop])
        start = stop


def _pairs_of(bonds: Tensor, later: Tensor) -> tuple[Tensor, Tensor]:
    first = bonds.repeat_interleave(later)  # [T]
    before = (later.cumsum(0) - later).repeat_interleave(later)  # [T] triplets before this bond's first one
    step = torch.arange(len(first), device=first.device) - before
    return first, first + 1 + step
