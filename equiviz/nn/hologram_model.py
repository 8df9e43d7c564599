"""HologramModel: what networks that guess amino acids share: how a file becomes their rows, and what they give."""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Protocol, cast

import torch
from torch import Tensor, nn

from equiviz.holograms.compiled_projection import project_neighbourhoods
from equiviz.holograms.hologram import Basis, Counting, Hologram, Origin, joined
from equiviz.holograms.neighbourhoods import RADIUS, Centre, Neighbourhoods
from equiviz.holograms.projection import Given, neighbourhoods_of
from equiviz.holograms.protein import AMINO_ACIDS, Protein
from equiviz.holograms.two_centres import seen_channels
from equiviz.nn.equivariant_model import EquivariantModel
from equiviz.nn.errors import ModelError
from equiviz.structures.interchange.recognised import is_structure_like
from equiviz.symmetry.field import Field

FILES = (str, os.PathLike, Protein, Neighbourhoods)
"""What a hologram is made of."""


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


def reading_of(model: EquivariantModel) -> Reading:
    """What a model of amino acids reads; an ensemble's configuration is that of its members.

    Raises:
        ModelError: a model that reads no proteins.
    """
    if model.task != "amino acids":
        raise ModelError(
            f'{model.title} reads no holograms of proteins. Expected a model of amino acids: equiviz.load("hcnn").'
        )
    return cast(Reading, model.config)


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
        return [len(self.channels) * len(config.radial.orders(degree)) for degree in range(config.l_max + 1)]

    @property
    def channels(self) -> tuple[str, ...]:
        """Those of the holograms: of each centre that is looked from."""
        return seen_channels(self.config.channels, self.config.centre)

    @property
    def origin(self) -> Origin:
        """Of what neighbourhoods the holograms must be."""
        return Origin(self.config.centre, RADIUS, self.counting)

    @abstractmethod
    def preferences(self, rows: Sequence[Tensor]) -> Tensor:
        """Coefficients by degree, each ``[S, R, 2l+1]`` -> ``[S, 20]``."""

    def reads(self, x: object) -> object:
        """Files and proteins, also lists of them, as one hologram, see `hologram`; anything else as it is.

        Raises:
            ModelError: a structure without residues.
        """
        if isinstance(x, (list, tuple)) and x and all(isinstance(part, FILES) for part in x):
            return joined([self.hologram(cast(Given, part)) for part in x])
        if is_structure_like(x) and not isinstance(x, FILES):
            raise ModelError(
                f"{self.family} reads holograms of proteins, got a {type(x).__name__}, which has no residues. Pass the "
                "path of its PDB or mmCIF file, or equiviz.holograms.Protein.read(path)."
            )
        return self.hologram(cast(Given, x)) if isinstance(x, FILES) else x

    def hologram(self, given: str | os.PathLike[str] | Protein | Neighbourhoods) -> Hologram:
        """The hologram that this network reads, of a file or a protein.

        Raises:
            StructureError: a file that cannot be read, or no usable residue.
            HologramError: a channel that the file cannot give.
            MissingLibrary: a channel whose library is not installed.
            ModelError: neighbourhoods with another centre or radius than this network reads.
        """
        config = self.config
        around = neighbourhoods_of(given, config.channels, centre=config.centre)
        came = Origin(around.centre, around.radius, self.counting)
        if came != self.origin:
            raise ModelError(
                f"{self.family} with these settings reads {self.origin}, got {came}. Pass the file, or read them with "
                f"centre={config.centre!r}."
            )
        dtype = self.out.weight.dtype
        return project_neighbourhoods(around, config.channels, config.radial, counting=self.counting, dtype=dtype)

    def prepare(self, structures: Any) -> Hologram:  # type: ignore[override]
        """One hologram of all that came: holograms, or what `hologram` projects.

        Raises:
            ModelError: a hologram of other channels, radial functions or neighbourhoods than this network reads.
        """
        parts = list(structures) if isinstance(structures, (list, tuple)) else [structures]
        found = [part if isinstance(part, Hologram) else self.hologram(part) for part in parts]
        return self._known_kind(found[0] if len(found) == 1 else joined(found))

    def _known_kind(self, hologram: Hologram) -> Hologram:
        """The same, if it is of the kind that this network reads."""
        wanted = (self.channels, self.config.radial)
        if (hologram.channels, hologram.basis) != wanted:
            raise ModelError(
                f"{self.family} reads channels {', '.join(wanted[0])} on {wanted[1]}, got a hologram of "
                f"{', '.join(hologram.channels)} on {hologram.basis}. Pass the file, or model.reads(path)."
            )
        if hologram.origin != self.origin:
            raise ModelError(
                f"{self.family} with these settings reads {self.origin}, got a hologram of {hologram.origin}. Pass the "
                "file, or model.reads(path)."
            )
        return hologram

    def forward(self, hologram: Hologram) -> dict[str, Field]:  # type: ignore[override]
        """Preferences per site. Raises ModelError for a hologram of another kind."""
        rows = [block.to(self.out.weight.dtype) for block in rows_of(self._known_kind(hologram))]
        return {"preferences": Field(self.preferences(rows), f"{len(AMINO_ACIDS)}x0e", "node")}


def rows_of(hologram: Hologram) -> list[Tensor]:
    """The coefficients by degree, each ``[S, R, 2l+1]``."""
    return [hologram.degree(degree).flatten(1, 2) for degree in range(hologram.basis.l_max + 1)]


def random_hologram(reading: Reading, sites: int, seed: int, counting: Counting = "atoms") -> Hologram:
    """A hologram of random coefficients in float64, for tests and demonstrations."""
    generator = torch.Generator().manual_seed(seed)
    channels = seen_channels(reading.channels, reading.centre)
    values = torch.randn(sites, len(channels) * reading.radial.width, generator=generator, dtype=torch.float64)
    origin = Origin(reading.centre, RADIUS, counting)
    return Hologram.of(values, channels, reading.radial, origin=origin)
