"""HologramModel: what networks that guess amino acids share: how a file becomes their rows, and what they give."""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Protocol

import torch
from torch import Tensor, nn

from equiviz.holograms.compiled_projection import project_neighbourhoods
from equiviz.holograms.hologram import Basis, Hologram, joined
from equiviz.holograms.neighbourhoods import Centre, Neighbourhoods
from equiviz.holograms.projection import Counting, neighbourhoods_of, square_weights
from equiviz.holograms.protein import AMINO_ACIDS, Protein
from equiviz.nn.equivariant_model import EquivariantModel
from equiviz.nn.errors import ModelError
from equiviz.symmetry.field import Field


class Reading(Protocol):
    """What a configuration says of the holograms that are read."""

    @property
    def channels(self) -> tuple[str, ...]:
        """What is projected of each atom."""
        ...

    @property
    def centre(self) -> Centre:
        """Of the neighbourhoods."""
        ...

    @property
    def l_max(self) -> int:
        """Largest degree."""
        ...

    @property
    def radial(self) -> Basis:
        """The radial functions."""
        ...


class HologramModel(EquivariantModel):
    """Base of families that read holograms of proteins and give ``preferences`` "20x0e" per site.

    These are pseudo-energies in the order of `AMINO_ACIDS`: larger is preferred, their softmax is a probability.
    `forward` and all tools take a `Hologram`; paths of files and `Protein` are projected first. A family writes
    `preferences`, and ends in a linear layer `out`.

    Attributes:
        counting: "square" where each atom counts by the inverse of its own power, as in HERMES.
        scales: by degree a factor for each row (channel, order), set once from the training data.
    """

    group = "SO(3)"
    task = "amino acids"
    counting: ClassVar[Counting] = "atoms"
    config: Reading  # pyright: ignore[reportIncompatibleVariableOverride]
    out: nn.Linear

    def __init__(self, config: Reading) -> None:
        super().__init__(config)
        self.scales = nn.ParameterList(nn.Parameter(torch.ones(count), requires_grad=False) for count in self.rows)

    @property
    def rows(self) -> list[int]:
        """By degree, how many rows (channel, order) a hologram has."""
        config = self.config
        return [len(config.channels) * len(config.radial.orders(degree)) for degree in range(config.l_max + 1)]

    @abstractmethod
    def preferences(self, rows: Sequence[Tensor]) -> Tensor:
        """Coefficients by degree, each ``[S, R, 2l+1]`` -> ``[S, 20]``."""

    def reads(self, x: object) -> object:
        """Files and proteins as holograms, see `hologram`; anything else as it is."""
        return self.hologram(x) if isinstance(x, (str, os.PathLike, Protein, Neighbourhoods)) else x

    def hologram(self, given: str | os.PathLike[str] | Protein | Neighbourhoods) -> Hologram:
        """The hologram that this network reads, of a file or a protein.

        Raises:
            StructureError: a file that cannot be read, or no usable residue.
            HologramError: a channel that the file cannot give.
            MissingLibrary: a channel whose library is not installed.
            ModelError: neighbourhoods with another centre than this network reads.
        """
        config = self.config
        around = neighbourhoods_of(given, config.channels, centre=config.centre)
        if around.centre != config.centre:
            raise ModelError(
                f"{self.family} with these settings reads neighbourhoods around the {config.centre}, got some around "
                f"the {around.centre}. Pass the file, or read them with centre={config.centre!r}."
            )
        weights = square_weights(around, config.radial) if self.counting == "square" else None
        return project_neighbourhoods(
            around, config.channels, config.radial, weights=weights, dtype=self.out.weight.dtype
        )

    def prepare(self, structures: Any) -> Hologram:  # type: ignore[override]
        """One hologram of all that came: holograms, or what `hologram` projects.

        Raises:
            ModelError: a hologram of other channels or radial functions than this network reads.
        """
        parts = list(structures) if isinstance(structures, (list, tuple)) else [structures]
        found = [part if isinstance(part, Hologram) else self.hologram(part) for part in parts]
        wanted = (self.config.channels, self.config.radial)
        for part in found:
            if (part.channels, part.basis) != wanted:
                raise ModelError(
                    f"{self.family} reads channels {', '.join(wanted[0])} on {wanted[1]}, got a hologram of "
                    f"{', '.join(part.channels)} on {part.basis}. Pass the file, or project with model.hologram(path)."
                )
        return found[0] if len(found) == 1 else joined(found)

    def forward(self, hologram: Hologram) -> dict[str, Field]:  # type: ignore[override]
        """Preferences per site."""
        rows = [block.to(self.out.weight.dtype) for block in rows_of(hologram)]
        return {"preferences": Field(self.preferences(rows), f"{len(AMINO_ACIDS)}x0e", "node")}


def rows_of(hologram: Hologram) -> list[Tensor]:
    """The coefficients by degree, each ``[S, R, 2l+1]``."""
    return [hologram.degree(degree).flatten(1, 2) for degree in range(hologram.basis.l_max + 1)]


def random_hologram(reading: Reading, sites: int, seed: int) -> Hologram:
    """A hologram of random coefficients in float64, for tests and demonstrations."""
    generator = torch.Generator().manual_seed(seed)
    width = len(reading.channels) * reading.radial.width
    values = torch.randn(sites, width, generator=generator, dtype=torch.float64)
    return Hologram.of(values, reading.channels, reading.radial)
