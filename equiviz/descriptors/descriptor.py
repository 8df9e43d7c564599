"""Descriptor and DescriptorConfig: the common face of all expert invariants."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

from torch import Tensor

from equiviz.descriptors.errors import DescriptorError
from equiviz.descriptors.neighbourhood import Neighbourhood
from equiviz.structures.graph import Graph
from equiviz.structures.structure import Structure
from equiviz.symmetry.field import Field

if TYPE_CHECKING:
    from typing_extensions import Self

ConfigT = TypeVar("ConfigT", bound="DescriptorConfig")


@dataclass(frozen=True, kw_only=True)
class DescriptorConfig(ABC):
    """Options that all families share: how neighbours of different species are told apart.

    Attributes:
        species: species numbers of the structure (atomic or type numbers), one channel for each; () counts all
            neighbours together, in one channel, whatever they are.
        species_names: what to call them in column names; () uses the numbers.

    Raises:
        DescriptorError: a species listed twice, or another number of names than of species.
    """

    species: tuple[int, ...] = ()
    species_names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        require_distinct("species", self.species)
        if self.species_names and len(self.species_names) != len(self.species):
            raise DescriptorError(
                f"one name per species expected: species {list(self.species)}, names {list(self.species_names)}"
            )

    @classmethod
    @abstractmethod
    def standard(cls, cutoff: float, species: tuple[int, ...] = (), species_names: tuple[str, ...] = ()) -> Self:
        """Return a customary choice of all options for a cutoff in the length unit of the structure."""

    @property
    def channels(self) -> tuple[str, ...]:
        """Name of each species channel; one channel "all" where species are not told apart."""
        if not self.species:
            return ("all",)
        return self.species_names or tuple(str(number) for number in self.species)


class Descriptor(ABC, Generic[ConfigT]):
    """A map from structures to invariants of each point's neighbourhood that experts wrote down.

    Calling it gives a Field of irreps "Dx0e" with support "node", one column per entry of `names`. Values have the
    dtype and device of the positions and are differentiable in them.

    Attributes:
        config: the options, a frozen dataclass.
    """

    config_class: ClassVar[type[DescriptorConfig]]

    def __init__(self, config: ConfigT) -> None:
        self.config = config

    def __call__(self, system: Structure | Graph) -> Field:
        """Return the invariants of all points: values [N, D].

        Raises:
            DescriptorError: a graph with a shorter cutoff than the descriptor, too few neighbours, or a species not
                listed.
            StructureError: whatever the neighbour search refuses.
        """
        values = self.evaluate(self.neighbourhood(system))
        return Field(values, f"{values.shape[-1]}x0e", "node")

    @property
    @abstractmethod
    def names(self) -> tuple[str, ...]:
        """D names, one for each column."""

    @abstractmethod
    def neighbourhood(self, system: Structure | Graph) -> Neighbourhood:
        """Return the bonds that the descriptor looks at."""

    @abstractmethod
    def evaluate(self, around: Neighbourhood) -> Tensor:
        """Return [N, D] for bonds that are known already (several descriptors may share them)."""

    def __len__(self) -> int:
        """Return D, the number of columns."""
        return len(self.names)

    def __repr__(self) -> str:
        return f"{type(self).__name__}: {len(self)} columns, {self.config}"


def require_distinct(what: str, entries: tuple[object, ...]) -> None:
    """Raise DescriptorError where an entry occurs twice."""
    repeated = {entry for entry in entries if entries.count(entry) > 1}
    if repeated:
        raise DescriptorError(
            f"{what} must be distinct, but {sorted(repeated, key=str)} occur twice in {list(entries)}"
        )


def require_degrees(degrees: tuple[object, ...], least: int, largest: int) -> None:
    """Raise DescriptorError unless the degrees are distinct integers from `least` to `largest`, at least one."""
    require_distinct("degrees", degrees)
    good = all(isinstance(degree, int) and least <= degree <= largest for degree in degrees)
    if not degrees or not good:
        raise DescriptorError(f"degrees must be integers from {least} to {largest}, at least one; got {list(degrees)}")
