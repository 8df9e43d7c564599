"""Baselines of `hcnn`: networks that see only invariants of the same holograms, of about the same size.

- "diagonal": the norm of each row (channel, shell, degree), that is the diagonal of the power spectrum;
- "full": rows of each degree are mapped to 32 by a learned matrix, and all inner products of these are taken: the power
  spectrum of learned combinations, for that of all 110 rows has 24,420 entries.

Then batch normalisation and two hidden layers. Recipe, noise and data are those of `hcnn`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, cast

import torch
from torch import Tensor, nn

from equiviz.models.hcnn import HcnnConfig
from equiviz.nn.hologram_model import HologramModel
from equiviz.training.seeds import seeded

Name = Literal["diagonal", "full"]
BASELINES: tuple[Name, ...] = ("diagonal", "full")
WIDTH = 32
HIDDEN: dict[Name, tuple[int, int]] = {"diagonal": (288, 160), "full": (64, 160)}  # 170 k parameters each


class Invariant(HologramModel):
    """Rows by degree -> preferences; reads what `hcnn` reads."""

    config: HcnnConfig  # pyright: ignore[reportIncompatibleVariableOverride]

    def __init__(self, name: Name, config: HcnnConfig) -> None:
        super().__init__(config)
        self.name = name
        rows = self.rows
        self.embed = nn.ModuleList(nn.Linear(count, WIDTH, bias=False) for count in rows if name == "full")
        known = sum(rows) if name == "diagonal" else len(rows) * WIDTH * (WIDTH + 1) // 2
        first, second = HIDDEN[name]
        self.head = nn.Sequential(
            nn.BatchNorm1d(known),
            nn.Dropout(0.2),
            nn.Linear(known, first),
            nn.BatchNorm1d(first),
            nn.SiLU(),
            nn.Dropout(config.dropout),
            nn.Linear(first, second),
            nn.SiLU(),
            nn.Dropout(config.dropout),
            nn.Linear(second, 20),
        )

    @property
    def out(self) -> nn.Linear:  # type: ignore[override]
        """The last layer."""
        return cast(nn.Linear, self.head[-1])

    def preferences(self, rows: Sequence[Tensor]) -> Tensor:
        """Coefficients by degree, each ``[S, R, 2l+1]`` -> ``[S, 20]``."""
        scaled = [row * scale[:, None] for row, scale in zip(rows, self.scales, strict=True)]
        if self.name == "diagonal":
            return self.head(torch.cat([(row.square().mean(2) + 1e-6).sqrt() for row in scaled], 1))
        mixed = [embed(row.transpose(1, 2)) for row, embed in zip(scaled, self.embed, strict=True)]  # [S, 2l+1, W]
        a, b = torch.triu_indices(WIDTH, WIDTH)
        products = [torch.einsum("sma,smb->sab", h, h)[:, a, b] / h.shape[1] for h in mixed]
        return self.head(torch.cat(products, 1))


def baseline(name: Name) -> Invariant:
    """With fresh weights."""
    with seeded(0):
        return Invariant(name, HcnnConfig())
