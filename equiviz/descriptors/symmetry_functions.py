"""What Behler's radial and angular symmetry functions share: a list of functions under one taper."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from equiviz.descriptors.descriptor import Descriptor, DescriptorConfig, require_distinct
from equiviz.descriptors.neighbourhood import Neighbourhood
from equiviz.descriptors.windows import Taper, require_positive, taper_window
from equiviz.structures.graph import Graph
from equiviz.structures.structure import Structure

if TYPE_CHECKING:
    from typing_extensions import Self


@dataclass(frozen=True, kw_only=True)
class SymmetryFunctionsConfig(DescriptorConfig):
    """Options of all symmetry functions.

    Attributes:
        functions: the parameters of each function, distinct.
        cutoff: r_c [length].
        taper: f_c: "cosine" (Behler), "polynomial" or "hard".
    """

    functions: tuple[tuple[float, ...], ...]
    cutoff: float
    taper: Taper = "cosine"

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive("the cutoff", self.cutoff)
        taper_window(self.taper, self.cutoff)
        require_distinct("functions", self.functions)

    @classmethod
    @abstractmethod
    def customary(cls, cutoff: float) -> tuple[tuple[float, ...], ...]:
        """Return a customary choice of functions for a cutoff."""

    @classmethod
    def standard(cls, cutoff: float, species: tuple[int, ...] = (), species_names: tuple[str, ...] = ()) -> Self:
        """Return the options with the customary functions."""
        require_positive("the cutoff", cutoff)
        return cls(functions=cls.customary(cutoff), cutoff=cutoff, species=species, species_names=species_names)


ConfigT = TypeVar("ConfigT", bound=SymmetryFunctionsConfig)


class SymmetryFunctions(Descriptor[ConfigT]):
    """Sums over the neighbours within the cutoff."""

    def neighbourhood(self, system: Structure | Graph) -> Neighbourhood:
        """Return the bonds within the cutoff."""
        return Neighbourhood.within(system, self.config.cutoff)
