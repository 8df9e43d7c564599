r"""HERMES: the successor of H-CNN; the same question to a network without batch statistics.

Paper: G. M. Visani, M. N. Pun, W. Galvin, E. Daniel, K. Borisiak, U. Wagura, A. Nourmohammad, "HERMES: Holographic
Equivariant neuRal network model for Mutational Effect and Stability prediction", arXiv 2407.06703.

==================  ===================================================================================================
block               what it is
==================  ===================================================================================================
hologram            each atom divided by its own power, so that far atoms weigh as much as near ones (``counting``)
`embed`             linear maps of the rows (channel, n) of each degree to the width
`Block`             linear map of each degree, all Clebsch-Gordan products channel by channel, linear map, norm
`NormSwish`         layer norm over the norms of the irreps, swish, back onto the directions
`out`               l = 0 after the last block -> hidden -> 20 preferences
==================  ===================================================================================================

Departures
----------
- Compact: 24 channels, three blocks and l <= 3 by default; published are 96, six, and 5, with 256 scalars at the end.
- The products of one block are mixed down by a linear map before the norm, so that width and depth are independent.
- Orders n <= `orders` for all degrees, where HERMES takes eleven of each; rows are scaled by their mean squares in the
  training data, where HERMES divides all by one constant.
- Kinds of atoms and the side chain's centre as `hcnn` has them; published: ``channels=("C", "N", "O", "S", "H", "SASA",
  "charge")``, ``centre="CA"``.

The authors' "noise" variant is a training with 0.5 Å of noise on all atoms (`HologramRecipe.noise`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

import torch
from torch import Tensor, nn
from torch.nn.functional import silu

from equiviz.holograms.channels import KINDS, check
from equiviz.holograms.errors import HologramError
from equiviz.holograms.hologram import Hologram
from equiviz.holograms.neighbourhoods import RADIUS, Centre
from equiviz.holograms.protein import AMINO_ACIDS
from equiviz.holograms.zernike import Zernike
from equiviz.models.errors import ConfigError
from equiviz.models.registry import Family
from equiviz.nn.hologram_model import HologramModel, random_hologram
from equiviz.nn.self_product import SelfProduct
from equiviz.nn.stage import Stage
from equiviz.symmetry.representations import O3Irreps

# Shapes: S sites, M = (L+1)^2 components, R rows of one degree, W width, P paths to one degree.


@dataclass(frozen=True)
class HermesConfig:
    """What the network sees, and how large it is.

    Attributes:
        channels: what is projected of each atom, see `equiviz.holograms.channels`.
        centre: of the neighbourhoods: "CA", "side chain" or "both".
        orders: the largest order n of Zernike's functions.
        l_max: largest degree, of holograms and features.
        width: channels of the features.
        layers: number of blocks.
        hidden: scalars before the preferences.
        dropout: of these, while training.
    """

    channels: tuple[str, ...] = KINDS
    centre: Centre = "side chain"
    orders: int = 12
    l_max: int = 3
    width: int = 24
    layers: int = 3
    hidden: int = 128
    dropout: float = 0.3

    def __post_init__(self) -> None:
        if min(self.width, self.layers, self.hidden) < 1 or not 1 <= self.l_max <= 6:
            raise ConfigError("hermes: expected width, layers and hidden of at least 1, and an l_max from 1 to 6.")
        if self.centre not in get_args(Centre):
            raise ConfigError(f"hermes: expected centre {' or '.join(get_args(Centre))}, got {self.centre!r}.")
        try:
            check(self.channels)
        except HologramError as problem:
            raise ConfigError(f"hermes: {problem}") from problem
        self.radial  # noqa: B018 - refuses impossible orders

    @property
    def radial(self) -> Zernike:
        """The radial functions."""
        return Zernike(self.orders, self.l_max, RADIUS)


class Hermes(HologramModel):
    """The network; what it reads and gives is told by `HologramModel`."""

    family = "hermes"
    counting = "square"
    config: HermesConfig  # pyright: ignore[reportIncompatibleVariableOverride]

    def __init__(self, config: HermesConfig) -> None:
        super().__init__(config)
        width = config.width
        self.embed = nn.ModuleList(nn.Linear(count, width, bias=False) for count in self.rows)
        self.blocks = nn.ModuleList(Block(config.l_max, width) for _ in range(config.layers))
        self.hidden, self.out = nn.Linear(width, config.hidden), nn.Linear(config.hidden, len(AMINO_ACIDS))
        self.dropout = nn.Dropout(config.dropout)
        irreps = "+".join(f"{width}x{degree}{'eo'[degree % 2]}" for degree in range(config.l_max + 1))
        self.feature_stages = nn.ModuleList(Stage(O3Irreps(irreps, "spherical")) for _ in range(config.layers + 1))
        self.invariant_stage = Stage(f"{config.hidden}x0e")

    def preferences(self, rows: Sequence[Tensor]) -> Tensor:
        """Coefficients by degree, each ``[S, R, 2l+1]`` -> ``[S, 20]``."""
        parts = zip(rows, self.scales, self.embed, strict=True)
        blocks = [embed((row * scale[:, None]).transpose(1, 2)) for row, scale, embed in parts]
        h = self.feature_stages[0](torch.cat(blocks, 1))  # [S, M, W]
        for block, stage in zip(self.blocks, self.feature_stages[1:], strict=True):  # type: ignore[arg-type]
            h = stage(block(h))
        return self.out(self.dropout(self.invariant_stage(silu(self.hidden(h[:, 0])))))


class Block(nn.Module):
    """Features [S, M, W] -> features of the same shape; no skip."""

    def __init__(self, l_max: int, width: int) -> None:
        super().__init__()
        degrees = range(l_max + 1)
        self.slices = [slice(degree**2, (degree + 1) ** 2) for degree in degrees]
        self.first = nn.ModuleList(nn.Linear(width, width, bias=False) for _ in degrees)
        self.product = SelfProduct(l_max)
        paths = self.product.paths
        self.second = nn.ModuleList(nn.Linear(width * (1 + paths[l]), width, bias=False) for l in degrees)  # noqa: E741
        self.norms = nn.ModuleList(NormSwish(width) for _ in degrees)

    def forward(self, h: Tensor) -> Tensor:
        """[S, M, W] -> [S, M, W]."""
        h = torch.cat([linear(h[:, part]) for part, linear in zip(self.slices, self.first, strict=True)], 1)
        parts = zip(self.slices, self.product(h), self.second, self.norms, strict=True)
        return torch.cat([norm(linear(torch.cat([h[:, part], new], 2))) for part, new, linear, norm in parts], 1)


class NormSwish(nn.Module):
    """Norms of one degree's channels: normalised over the channels, swish; the directions are kept."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        nn.init.ones_(self.norm.bias)  # such that swish is open where norms are average

    def forward(self, x: Tensor) -> Tensor:
        """[S, 2l+1, W] -> the same shape."""
        size = (x.square().mean(1, keepdim=True) + 1e-6).sqrt()
        return x / size * silu(self.norm(size))


def example(sites: int, seed: int) -> Hologram:
    """A hologram of random coefficients, for tests and demonstrations."""
    return random_hologram(HermesConfig(**SMALL), sites, seed, "square")  # type: ignore[arg-type]


SMALL = {"orders": 4, "l_max": 2, "width": 4, "layers": 2, "hidden": 8}

FAMILY = Family(
    name="hermes",
    config_class=HermesConfig,
    model_class=Hermes,
    paper="Visani et al., arXiv 2407.06703",
    group="SO(3)",
    small=SMALL,
    example=example,
)
