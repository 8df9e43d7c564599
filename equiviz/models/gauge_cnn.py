r"""The icosahedral gauge CNN: convolutions on the sphere whose features know directions, whatever frames one chooses.

Paper: T. Cohen, M. Weiler, B. Kicanaoglu, M. Welling, "Gauge Equivariant Convolutional Networks and the Icosahedral
CNN", ICML 2019, arXiv:1902.04615.

==================  ===================================================================================================
block               what it is
==================  ===================================================================================================
`IcosahedralGrid`   (equiviz.symmetry) five charts and the transport between neighbours, section 4.1 and figure 3
`Atlas`             gauge padding ("G-padding"): charts get a margin, whose directions are turned, section 4.2
`GaugeConvolution`  seven taps on hexagons as 3 x 3 with two zeros, turned and shifted for each direction (equation 4,
                    figure 4): all five charts in one `conv2d`; scalar -> regular and regular -> regular
`Layer`             convolution, normalisation, gate (pointwise, so that a circular shift of directions passes), corners
`classes`           largest over directions, mean over points, linear layers, section 5.1
==================  ===================================================================================================

Departures
----------
- Features live on points, and charts are made where a convolution needs them: the poles, which no chart owns, keep
  their scalars, so that all 12 corners are alike.
- Corners, which have five neighbours, carry no regular features: they are zero after each layer, as in the paper.
- A head of one hidden layer on the means of the last features; the paper has three linear layers.
- ``head="field"`` predicts a scalar field by the mean over directions; the paper's segmentation network has a decoder.

What is claimed is the group of the 60 rotations of the icosahedron, exactly; of others `equiviz.check` tells how well
they do.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any, Literal, cast

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, pad, relu

from equiviz.datasets.sphere.named_signals import signals_named
from equiviz.models.errors import ConfigError
from equiviz.models.registry import Family
from equiviz.nn.equivariant_model import EquivariantModel
from equiviz.nn.errors import ModelError
from equiviz.nn.stage import Stage
from equiviz.structures.sphere_signal import SphereSignal, joined
from equiviz.symmetry.field import Field
from equiviz.symmetry.icosahedral_grid import CHARTS, DIRECTIONS, STEPS, grid
from equiviz.symmetry.sphere_signals import Fibre, SphereSignals

# Shapes: B spheres, C channels in, O channels out, D = 6 directions (1 for scalars), V points, H x W a chart.

TAPS = 7
_PLACES = ((0, 0), *STEPS)
"""Rows and columns of the taps in a 3 x 3 kernel, from its middle."""


@dataclass(frozen=True)
class GaugeCnnConfig:
    """What the network sees, and how large it is.

    Attributes:
        level: of the grid that it reads, 10 * 4**level + 2 points.
        channels: scalars at each point.
        widths: channels of the layers; each has six directions.
        strides: of the layers, 1 or 2: a stride of 2 goes to the next coarser grid.
        head: "classes" (numbers per sphere) or "field" (numbers per point).
        outputs: how many.
        hidden: width of the hidden layer of "classes".
    """

    level: int = 3
    channels: int = 1
    widths: tuple[int, ...] = (8, 12, 12, 16, 24)
    strides: tuple[int, ...] = (1, 2, 1, 2, 1)
    head: Literal["classes", "field"] = "classes"
    outputs: int = 10
    hidden: int = 48

    def __post_init__(self) -> None:
        if min((self.channels, self.outputs, self.hidden, *self.widths), default=0) < 1 or not self.widths:
            raise ConfigError("gauge_cnn: expected channels, widths, outputs and hidden of at least 1.")
        if len(self.strides) != len(self.widths) or set(self.strides) - {1, 2}:
            raise ConfigError("gauge_cnn: expected one stride, 1 or 2, for each width.")
        if self.head == "field" and 2 in self.strides:
            raise ConfigError(
                "gauge_cnn: expected strides of 1 for the head 'field', which has a number at each point."
            )
        if not self.level - self.strides.count(2) >= 0 or self.level < 1:
            raise ConfigError(f"gauge_cnn: level {self.level} is too coarse for {self.strides.count(2)} strides of 2.")

    @property
    def levels(self) -> list[int]:
        """Of the grid that each layer gives."""
        return [self.level - self.strides[: k + 1].count(2) for k in range(len(self.strides))]


class GaugeCnn(EquivariantModel):
    """The network: reads a `SphereSignal`, gives ``classes`` "10x0e" per sphere, or ``field``, scalars at points."""

    family = "gauge_cnn"
    group = "I"
    task = "digits"
    config: GaugeCnnConfig  # pyright: ignore[reportIncompatibleVariableOverride]

    def __init__(self, config: GaugeCnnConfig) -> None:
        super().__init__(config)
        self.task = self.task_for({"head": config.head})  # type: ignore[misc]  # the class has that of most
        widths, levels = (config.channels, *config.widths), (config.level, *config.levels)
        self.layers = nn.ModuleList(
            Layer(level, inward, outward, "regular" if place else "scalar", stride)
            for place, (level, (inward, outward), stride) in enumerate(
                zip(levels, pairwise(widths), config.strides, strict=False)
            )
        )
        self.input_stage = Stage(SphereSignals(config.level, config.channels))
        self.feature_stages = nn.ModuleList(
            Stage(SphereSignals(level, width, "regular"))
            for level, width in zip(config.levels, config.widths, strict=True)
        )
        pointwise = SphereSignals(config.levels[-1], config.widths[-1])
        self.pooled_stage = Stage(f"{config.widths[-1]}x0e" if config.head == "classes" else pointwise)
        inward, inner = config.widths[-1], config.hidden if config.head == "classes" else config.widths[-1]
        self.hidden = nn.Linear(inward, inner)
        self.out = nn.Linear(inner, config.outputs)

    @property
    def level(self) -> int:
        """Of the grid that it reads."""
        return self.config.level

    @classmethod
    def task_for(cls, settings: Mapping[str, object]) -> str:
        """With the head "field" another than with "classes"."""
        return "fields" if settings.get("head") == "field" else cls.task

    def reads(self, x: object) -> object:
        """Names and files as `equiviz.datasets.sphere.named_signals.signals_named`; anything else as it is."""
        return signals_named(cast("str | os.PathLike[str]", x), self.level) if isinstance(x, (str, os.PathLike)) else x

    def prepare(self, structures: Any) -> SphereSignal:  # type: ignore[override]
        """One input of all the signals that came. Raises ModelError for another level or number of channels."""
        parts = list(structures) if isinstance(structures, (list, tuple)) else [structures]
        if not parts or not all(isinstance(part, SphereSignal) for part in parts):
            got = type(parts[0]).__name__ if parts else "nothing"
            raise ModelError(f"gauge_cnn reads signals on the sphere, got {got}. Make one by SphereSignal.of(values).")
        return self._known_kind(parts[0] if len(parts) == 1 else joined(parts))

    def forward(self, signal: SphereSignal) -> dict[str, Field]:  # type: ignore[override]
        """``classes`` per sphere, or ``field``."""
        values = self._known_kind(signal).values.to(self.out.weight.dtype)
        x = self.input_stage(values).unflatten(
            1, (self.config.channels, 1, len(grid(self.config.level)))
        )  # [B, C, 1, V]
        for layer, stage in zip(self.layers, self.feature_stages, strict=True):
            made = layer(x)
            x = stage(made.flatten(1)).reshape(made.shape)  # [B, O, 6, V]
        return self._field(x) if self.config.head == "field" else self._classes(x)

    def _classes(self, x: Tensor) -> dict[str, Field]:
        """``[B, O, 6, V]`` -> numbers per sphere."""
        known = self.pooled_stage(x.amax(2).mean(-1))  # [B, O]; corners count as zeros
        return {"classes": Field(self.out(relu(self.hidden(known))), f"{self.config.outputs}x0e", "node")}

    def _field(self, x: Tensor) -> dict[str, Field]:
        """``[B, O, 6, V]`` -> numbers at points; at corners the mean of their neighbours."""
        at, mean = grid(self.config.level), x.mean(2)
        filled = mean.index_copy(2, at.corners, mean[:, :, at.neighbours[at.corners, 1:]].mean(-1))  # [B, O, V]
        known = self.pooled_stage(filled.flatten(1)).reshape(filled.shape)
        made = self.out(relu(self.hidden(known.transpose(1, 2)))).transpose(1, 2)  # [B, outputs, V]
        return {"field": Field(made.flatten(1), SphereSignals(self.config.level, self.config.outputs), "node")}

    def _known_kind(self, signal: SphereSignal) -> SphereSignal:
        wanted = SphereSignals(self.config.level, self.config.channels)
        if signal.representation != wanted:
            raise ModelError(
                f"gauge_cnn with these settings reads {wanted}, got {signal.representation}. Build it with "
                f"level={signal.representation.level}, channels={signal.representation.channels}, or resample."
            )
        return signal


class Layer(nn.Module):
    """Convolution, normalisation over spheres, directions and points, gate; zero at corners.

    Args:
        level: of the grid that comes.
        inward: channels that come.
        outward: channels that leave.
        fibre: what comes; regular features leave.
        stride: 2 gives features on the next coarser grid.
    """

    kept: Tensor

    def __init__(self, level: int, inward: int, outward: int, fibre: Fibre, stride: int) -> None:
        super().__init__()
        self.convolution = GaugeConvolution(level, inward, outward, fibre, stride)
        self.norm = nn.BatchNorm1d(outward)
        self.register_buffer(
            "kept", grid(level - (stride == 2)).regular.to(torch.get_default_dtype()), persistent=False
        )

    def forward(self, x: Tensor) -> Tensor:
        """``[B, C, D, V]`` -> ``[B, O, 6, V']``."""
        y = self.convolution(x) * self.kept  # corners would tell the statistics of frames that mean nothing there
        return relu(self.norm(y.flatten(2)).reshape(y.shape)) * self.kept


class GaugeConvolution(nn.Module):
    """Seven taps, the same in all frames; equation 4 of the paper, on all charts at once."""

    table: Tensor

    def __init__(self, level: int, inward: int, outward: int, fibre: Fibre, stride: int) -> None:
        super().__init__()
        directions = DIRECTIONS if fibre == "regular" else 1
        self.stride = stride
        self.atlas = Atlas(level, fibre)
        self.weight = nn.Parameter(
            torch.randn(outward, inward, directions * TAPS) * (2 / (inward * directions * TAPS)) ** 0.5
        )
        self.bias = nn.Parameter(torch.zeros(outward))
        self.register_buffer("table", _turned_taps(directions), persistent=False)

    def kernel(self) -> Tensor:
        """``[6 O, D C, 3, 3]``: the taps turned into each direction, those of directions shifted along."""
        outward, inward = self.weight.shape[:2]
        spread = pad(self.weight, (0, 1))[:, :, self.table]  # [O, C, 6, D, 9]
        return spread.permute(0, 2, 1, 3, 4).reshape(DIRECTIONS * outward, self.table.shape[1] * inward, 3, 3)

    def forward(self, x: Tensor) -> Tensor:
        """``[B, C, D, V]`` -> ``[B, O, 6, V']``."""
        charts = self.atlas(x)  # [5 B, C D, H + 2, W + 2]
        # Coarser grids keep the points with even i and j, and the first row that charts own is i = 1.
        seen = charts[:, :, 1:] if self.stride == 2 else charts
        y = conv2d(seen, self.kernel(), self.bias.repeat_interleave(DIRECTIONS), self.stride)  # [5 B, 6 O, H', W']
        y = y.reshape(len(x), CHARTS, len(self.weight), DIRECTIONS, y.shape[-2] * y.shape[-1])
        y = y.permute(0, 2, 3, 1, 4).flatten(3)  # [B, O, 6, V' - 2]
        return pad(y, (0, 2))  # the poles


class Atlas(nn.Module):
    """Features on points as five charts with a margin of one: gauge padding.

    Args:
        level: of the grid.
        fibre: of the features.
    """

    index: Tensor

    def __init__(self, level: int, fibre: Fibre) -> None:
        super().__init__()
        self.level = level
        points, turns = grid(level).padding  # [5, H + 2, W + 2]
        width = DIRECTIONS if fibre == "regular" else 1
        source = (torch.arange(width)[:, None, None] - turns[:, None]) % width  # [5, D, H + 2, W + 2]
        self.register_buffer("index", source * (len(grid(level)) + 1) + points[:, None], persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """``[B, C, D, V]`` -> ``[5 B, C D, H + 2, W + 2]``."""
        known = pad(x, (0, 1)).flatten(2)
        # Faster than indexing by the whole table, forward and backward.
        spread = known.index_select(2, self.index.flatten()).unflatten(2, self.index.shape)
        # [B, C, 5, D, H + 2, W + 2]
        return spread.transpose(1, 2).flatten(0, 1).flatten(1, 2)


@cache
def _turned_taps(directions: int) -> Tensor:
    """``[6, D, 9]``: where in ``[D * 7]`` weights (and one zero behind them) each place of a turned kernel looks."""
    empty = directions * TAPS
    table = torch.full((DIRECTIONS, directions, 3, 3), empty)
    for turn in range(DIRECTIONS):
        for direction in range(directions):
            row = (direction - turn) % directions * TAPS
            for tap, (down, along) in enumerate(_PLACES):
                table[turn, direction, 1 + down, 1 + along] = row + (tap and 1 + (tap - 1 - turn) % DIRECTIONS)
    return table.flatten(2)


def _example(atoms: int, seed: int) -> SphereSignal:
    """So many random signals on 162 points."""
    generator = torch.Generator().manual_seed(seed)
    return SphereSignal.of(torch.randn(atoms, 1, len(grid(2)), generator=generator, dtype=torch.float64))


FAMILY = Family(
    name=GaugeCnn.family,
    config_class=GaugeCnnConfig,
    model_class=GaugeCnn,
    paper="Cohen et al., ICML 2019, arXiv:1902.04615",
    group=GaugeCnn.group,
    small={"level": 2, "widths": (3, 4, 4), "strides": (1, 2, 1), "outputs": 3, "hidden": 5},
    example=_example,
    references={
        "gauge_cnn-mnist": "N/N, N/I 99.4 %, N/R 70 % (the paper, 60,000 pictures; from memory)",
        "gauge_cnn-weather": "1.03 m/s (the law itself, by differences on this grid)",
    },
)
