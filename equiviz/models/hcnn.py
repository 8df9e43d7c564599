r"""H-CNN: which amino acid belongs here? A Clebsch-Gordan network on the hologram of what surrounds it.

Paper: M. N. Pun, A. Ivanov, Q. Bellamy, Z. Montague, C. LaMont, P. Bradley, J. Otwinowski, A. Nourmohammad, "Learning
the shape of protein microenvironments with a holographic convolutional neural network", PNAS 121 (2024) e2300838121,
arXiv 2211.02936. Fourier-space networks: Kondor, Lin, Trivedi, "Clebsch-Gordan nets", arXiv 1806.09231.

==================  ===================================================================================================
block               what it is
==================  ===================================================================================================
`embed`, `norms`    linear maps of the rows (channel, n) of each degree, divided by their root mean square
`SelfProduct`       all Clebsch-Gordan products of the features of one channel with themselves, l1 <= l2 -> l3
`Layer`             gate, product, linear map of each degree, normalisation
`head`              norms of all degrees of all layers -> hidden layer -> 20 preferences (pseudo-energies)
==================  ===================================================================================================

Departures
----------
- Products channel by channel (as the authors' later HERMES), not of all pairs; real coefficients in e3nn's basis.
- Each layer keeps its input beside the products, and gates it by its invariants; the paper has neither.
- The head sees norms of all degrees, and has one non-linear hidden layer; the paper's is linear in the l = 0 rows.
- Shells (Gaussians of log r) by default, with ``basis="zernike"`` for the published functions.
- Atoms of the backbone, of rings and of charged groups have channels of their own by default, see
  `equiviz.holograms.channels`; the published ones are ``("C", "N", "O", "S", "H", "SASA", "charge")``.
- The neighbourhood is centred where the side chain would be, which bonded neighbours tell; published: ``centre="CA"``.
  The shipped networks read ``centre="both"``: some the channels of one centre, some those of the other.

The network claims SO(3): the products with odd l1 + l2 + l3 make pseudo-tensors, which are added to true ones. Proteins
are not mirror-symmetric.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, cast, get_args

import torch
from torch import Tensor, nn
from torch.nn.functional import silu

from equiviz.holograms.channels import KINDS, check
from equiviz.holograms.errors import HologramError
from equiviz.holograms.hologram import Basis, Hologram
from equiviz.holograms.neighbourhoods import RADIUS, SINGLE, Centre
from equiviz.holograms.protein import AMINO_ACIDS
from equiviz.holograms.shells import Shells
from equiviz.holograms.zernike import Zernike
from equiviz.models.errors import ConfigError
from equiviz.models.registry import Family
from equiviz.nn.hologram_model import HologramModel, random_hologram
from equiviz.nn.self_product import SelfProduct
from equiviz.nn.stage import Stage
from equiviz.symmetry.representations import O3Irreps

# Shapes: S sites, M = (L+1)^2 components, R rows of one degree, W width, P paths to one degree.


@dataclass(frozen=True)
class HcnnConfig:
    """What the network sees, and how large it is.

    Attributes:
        channels: what is projected of each atom, see `equiviz.holograms.channels`.
        centre: of the neighbourhoods: "CA", "side chain" (`equiviz.holograms.side_chain_centre`), or "both", which
            gives every channel twice (`equiviz.holograms.two_centres`).
        basis: "shells" or "zernike".
        orders: number of shells, or the largest order n.
        l_max: largest degree, of holograms and features.
        width: channels of the features.
        layers: how often features are multiplied.
        hidden: width of the hidden layer.
        dropout: of invariants and of the hidden layer, while training.
        channel_dropout: of whole channels of the first features.
    """

    channels: tuple[str, ...] = KINDS
    centre: Centre = "side chain"
    basis: Literal["shells", "zernike"] = "shells"
    orders: int = 10
    l_max: int = 3
    width: int = 32
    layers: int = 2
    hidden: int = 192
    dropout: float = 0.4
    channel_dropout: float = 0.1

    def __post_init__(self) -> None:
        if min(self.width, self.layers, self.hidden) < 1 or not 1 <= self.l_max <= 6:
            raise ConfigError("hcnn: expected width, layers and hidden of at least 1, and an l_max from 1 to 6.")
        try:
            check(self.channels)
        except HologramError as problem:
            raise ConfigError(f"hcnn: {problem}") from problem
        if self.centre not in get_args(Centre):
            raise ConfigError(f"hcnn: expected centre {' or '.join(get_args(Centre))}, got {self.centre!r}.")
        self.radial  # noqa: B018 - refuses impossible orders

    @property
    def radial(self) -> Basis:
        """The radial functions."""
        if self.basis == "shells":
            return Shells(self.orders, self.l_max)
        return Zernike(self.orders, self.l_max, RADIUS)


class Hcnn(HologramModel):
    """The network; what it reads and gives is told by `HologramModel`."""

    family = "hcnn"
    config: HcnnConfig  # pyright: ignore[reportIncompatibleVariableOverride]

    def __init__(self, config: HcnnConfig) -> None:
        super().__init__(config)
        degrees, width = range(config.l_max + 1), config.width
        self.embed = nn.ModuleList(nn.Linear(count, width, bias=False) for count in self.rows)
        self.norms = nn.ModuleList(RootMeanSquare(width) for _ in degrees)
        self.layers = nn.ModuleList(Layer(config) for _ in range(config.layers))
        known = width * (config.l_max + 1) * (config.layers + 1)
        self.head_norm = nn.BatchNorm1d(known)
        self.hidden, self.out = nn.Linear(known, config.hidden), nn.Linear(config.hidden, len(AMINO_ACIDS))
        self.dropout = nn.Dropout(config.dropout)
        irreps = "+".join(f"{width}x{degree}{'eo'[degree % 2]}" for degree in degrees)
        self.feature_stages = nn.ModuleList(Stage(O3Irreps(irreps, "spherical")) for _ in range(config.layers + 1))
        self.invariant_stage = Stage(f"{known}x0e")

    @cached_property
    def slices(self) -> list[slice]:
        """Where each degree stands among the components."""
        return [slice(degree**2, (degree + 1) ** 2) for degree in range(self.config.l_max + 1)]

    def preferences(self, rows: Sequence[Tensor]) -> Tensor:
        """Coefficients by degree, each ``[S, R, 2l+1]`` -> ``[S, 20]``."""
        parts = zip(rows, self.scales, self.embed, self.norms, strict=True)
        blocks = [norm(embed((row * scale[:, None]).transpose(1, 2))) for row, scale, embed, norm in parts]
        h = self.feature_stages[0](self._some_channels(torch.cat(blocks, 1)))  # [S, M, W]
        known = [invariants(h, self.slices)]
        for layer, stage in zip(self.layers, self.feature_stages[1:], strict=True):  # type: ignore[arg-type]
            h = stage(layer(h, known[-1]))
            known.append(invariants(h, self.slices))
        seen = self.invariant_stage(torch.cat(known, 1))
        return self.out(self.dropout(silu(self.hidden(self.dropout(self.head_norm(seen))))))

    def _some_channels(self, h: Tensor) -> Tensor:
        """While training, some channels of each site are zero in all components."""
        rate = self.config.channel_dropout
        if not self.training or not rate:
            return h
        return h * torch.empty_like(h[:, :1]).bernoulli_(1 - rate) / (1 - rate)


class Layer(nn.Module):
    """Features [S, M, W] -> features of the same shape."""

    def __init__(self, config: HcnnConfig) -> None:
        super().__init__()
        width, degrees = config.width, range(config.l_max + 1)
        self.slices = [slice(degree**2, (degree + 1) ** 2) for degree in degrees]
        self.gate_norm = nn.BatchNorm1d(width * len(degrees))
        self.gates = nn.Linear(width * len(degrees), width * len(degrees))
        self.product = SelfProduct(config.l_max)
        self.mix = nn.ModuleList(
            nn.Linear(width * (1 + self.product.paths[degree]), width, bias=False) for degree in degrees
        )
        self.norms = nn.ModuleList(RootMeanSquare(width) for _ in degrees)

    def forward(self, h: Tensor, known: Tensor) -> Tensor:
        """[S, M, W] and invariants [S, (L+1) W] -> [S, M, W]."""
        gates = 2 * torch.sigmoid(self.gates(self.gate_norm(known))).unflatten(1, (len(self.slices), -1))
        h = torch.cat([h[:, part] * gates[:, degree, None] for degree, part in enumerate(self.slices)], 1)
        made = self.product(h)  # by degree [S, 2l+1, P W]
        parts = zip(self.slices, made, self.mix, self.norms, strict=True)
        return torch.cat([norm(mix(torch.cat([h[:, part], new], 2))) for part, new, mix, norm in parts], 1)


class RootMeanSquare(nn.Module):
    """Divides each channel by its root mean square over batch and components; nothing is learned.

    The paper's batch normalisation, with running means for evaluation.
    """

    square: Tensor

    def __init__(self, width: int, momentum: float = 0.1) -> None:
        super().__init__()
        self.momentum = momentum
        self.register_buffer("square", torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        """[S, 2l+1, W] -> the same shape."""
        if not self.training:
            return x * (self.square + 1e-3).rsqrt()
        square = x.square().mean((0, 1))
        with torch.no_grad():
            self.square.lerp_(square, self.momentum)
        return x * (square + 1e-3).rsqrt()


def invariants(h: Tensor, slices: Sequence[slice]) -> Tensor:
    """[S, M, W] -> [S, (L+1) W]: l = 0 as it is, the norms of the rest."""
    norms = [(h[:, part].square().mean(1) + 1e-6).sqrt() for part in slices[1:]]
    return torch.cat([h[:, 0], *norms], 1)


@torch.no_grad()
def seen_from_both(network: Hcnn) -> Hcnn:
    """A trained network that looks from one centre, as one that gets the holograms of both and is blind to the other's.

    So networks with different centres read one hologram, and can be averaged. One that looks from both stays as it is.
    """
    if network.config.centre == "both":
        return network
    wide = deepcopy(network)
    wide.config = replace(network.config, centre="both")
    for degree, (scale, embed) in enumerate(zip(network.scales, network.embed, strict=True)):
        wide.scales[degree] = nn.Parameter(_beside_zeros(scale, network.config.centre), requires_grad=False)
        wide.embed[degree] = linear = nn.Linear(2 * len(scale), network.config.width, bias=False)
        linear.weight = nn.Parameter(_beside_zeros(cast(nn.Linear, embed).weight, network.config.centre))
    return wide


def _beside_zeros(rows: Tensor, centre: Centre) -> Tensor:
    """What belongs to the rows of one centre ``[..., R]``, and zeros for those of the other: ``[..., 2R]``."""
    return torch.cat([rows if view == centre else torch.zeros_like(rows) for view in SINGLE["both"]], -1)


def example(sites: int, seed: int) -> Hologram:
    """A hologram of random coefficients, for tests and demonstrations."""
    return random_hologram(HcnnConfig(**SMALL), sites, seed)  # type: ignore[arg-type]


SMALL = {"orders": 4, "l_max": 2, "width": 4, "layers": 2, "hidden": 8}

FAMILY = Family(
    name="hcnn",
    config_class=HcnnConfig,
    model_class=Hcnn,
    paper="Pun et al., PNAS 121 (2024) e2300838121, arXiv 2211.02936",
    group="SO(3)",
    small=SMALL,
    example=example,
    references={"hcnn": "67.7 % (the paper, trained on 37 times as many residues)"},
)
