"""GlassConfiguration: one configuration of a glassy liquid, and how far its particles move."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from equiviz.datasets.errors import DatasetError
from equiviz.structures.errors import StructureError
from equiviz.structures.structure import Structure
from equiviz.symmetry.field import Field

# Shapes: N particles, T times, S = 2 types (A, B).

SPECIES_A, SPECIES_B = 1, 2
"""Species numbers of the large (80 %) and the small (20 %) particles, LAMMPS' types of the Kob-Andersen mixture."""

SPECIES_NAMES = {SPECIES_A: "A", SPECIES_B: "B"}


@dataclass(frozen=True, eq=False)
class GlassConfiguration:
    """One configuration of a glassy liquid with its isoconfigurational averages. Lennard-Jones units, float64.

    Attributes:
        structure: Thermal positions [N, 3] in a periodic cell, species 1 = A, 2 = B. With inherent structures given, it
            carries the node attributes ``inherent_displacement`` (1o: inherent minus thermal position) and
            ``inherent_energy`` (0e); ``thermal_energy`` (0e) likewise.
        times: Times [T], increasing.
        propensity: <|r_i(t) - r_i(0)|> over replicas [T, N], from the thermal position.
        half_propensities: The same over the first and the second half of the replicas [2, T, N]; None when the file
            gives no replicas at all of its times.
        mean_displacement: <r_i(t) - r_i(0)> [T, N, 3], from the thermal position (add thermal minus inherent position
            for the displacement from the inherent structure); None like the halves.
        temperature: None when not known.
        replicas: Number of replicas; None when not known.
        inherent_positions: Positions in the inherent structure [N, 3], continuous with the thermal ones; or None.
        inherent_energies: Potential energy of each particle there, half of each pair [N]; or None.
        thermal_energies: The same in the thermal configuration [N]; or None.
        scattering: F_s(k=7.25, t) of A and of B [2, T]; or None.
        run: Number of the independent simulation that it was drawn from, or None. Splits must not cut through a run.
    """

    structure: Structure
    times: Tensor  # [T]
    propensity: Tensor  # [T, N]
    half_propensities: Tensor | None = None  # [2, T, N]
    mean_displacement: Tensor | None = None  # [T, N, 3]
    temperature: float | None = None
    replicas: int | None = None
    inherent_positions: Tensor | None = None  # [N, 3]
    inherent_energies: Tensor | None = None  # [N]
    thermal_energies: Tensor | None = None  # [N]
    scattering: Tensor | None = None  # [2, T]
    run: int | None = None

    def __post_init__(self) -> None:
        times, count = len(self.times), len(self.structure)
        _expect_shape("propensity", self.propensity, (times, count))
        _expect_shape("half_propensities", self.half_propensities, (2, times, count))
        _expect_shape("mean_displacement", self.mean_displacement, (times, count, 3))
        _expect_shape("inherent_positions", self.inherent_positions, (count, 3))
        _expect_shape("inherent_energies", self.inherent_energies, (count,))
        _expect_shape("thermal_energies", self.thermal_energies, (count,))
        _expect_shape("scattering", self.scattering, (2, times))
        rising = bool((self.times[1:] > self.times[:-1]).all()) and bool((self.times >= 0).all())
        if not rising:
            raise DatasetError(None, f"times: expected increasing times >= 0, got {self.times.tolist()}; sort the file")

    @property
    def name(self) -> str:
        """The structure's name."""
        return self.structure.name

    @property
    def species(self) -> Tensor:
        """Species [N]: 1 = A, 2 = B."""
        return self.structure.species

    def of_type(self, species: int) -> Tensor:
        """Mask [N] of the particles of one species."""
        return self.structure.species == species


def _expect_shape(name: str, values: Tensor | None, shape: tuple[int, ...]) -> None:
    if values is None:
        return
    if tuple(values.shape) != shape:
        raise DatasetError(None, f"{name}: expected shape {list(shape)}, got {list(values.shape)}")
    if not bool(torch.isfinite(values).all()):
        raise DatasetError(None, f"{name}: expected finite numbers, found NaN or infinity; the file is damaged")


def liquid_structure(
    name: str, positions: ArrayLike | Tensor, types: ArrayLike, box: ArrayLike, node: Mapping[str, Field] | None = None
) -> Structure:
    """Build the structure of a binary liquid from arrays of a file.

    Args:
        name: Name of the structure.
        positions: Positions [N, 3].
        types: 0 = A, 1 = B, [N].
        box: Edges of the orthogonal periodic box [3].
        node: Typed node attributes.
    """
    kinds = np.asarray(types)
    if kinds.dtype.kind not in "iub" or not np.isin(kinds, (0, 1)).all():
        raise DatasetError(None, f"types: expected integers 0 (A) and 1 (B), got {np.unique(kinds)[:8].tolist()}")
    edges = tensor(box)
    if edges.shape != (3,):
        raise DatasetError(None, f"box: expected three edges, got shape {list(edges.shape)}")
    return Structure(
        positions=tensor(positions),
        species=torch.from_numpy(kinds.astype(np.int64)) + SPECIES_A,
        cell=torch.diag(edges),
        pbc=(True, True, True),
        node=dict(node or {}),
        length_unit="sigma",
        species_names=SPECIES_NAMES,
        name=name,
    )


def tensor(values: ArrayLike | Tensor) -> Tensor:
    """A float64 copy of any array of numbers."""
    if isinstance(values, Tensor):
        return values.to(torch.float64, copy=True)
    return torch.from_numpy(np.array(values, dtype=np.float64))


@contextmanager
def naming(path: Path, format_name: str) -> Generator[None]:
    """Name the file in whatever its arrays make a reader raise inside the block.

    Raises:
        DatasetError: arrays of another kind or shape than the format's, or that do not belong together.
    """
    try:
        yield
    except DatasetError as known:
        raise (known if known.path is not None else DatasetError(path, known.why)) from known.__cause__
    except (ValueError, TypeError, IndexError, KeyError, OverflowError, StructureError) as cause:
        raise DatasetError(path, f"{format_name}: arrays that do not belong together ({cause})") from cause


def expect_keys(path: Path, found: Mapping[str, object], needed: tuple[str, ...], format_name: str) -> None:
    """Refuse a file that lacks one of the arrays of its format.

    Raises:
        DatasetError: naming the arrays that are missing and those that are there.
    """
    missing = [key for key in needed if key not in found]
    if missing:
        there = ", ".join(sorted(map(str, found))) or "nothing"
        raise DatasetError(
            path, f"{format_name}: expected {', '.join(needed)}; missing {', '.join(missing)}, found {there}"
        )
