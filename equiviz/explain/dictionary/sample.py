"""The environments that a dictionary is learned from, and those that it is judged by.

Shapes: N environments.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from equiviz.explain.chunks import DaskClient, in_chunks
from equiviz.explain.errors import DictionaryError
from equiviz.explain.probing.folds import folds_of, groups
from equiviz.features.capture import capture
from equiviz.structures.structure import Structure
from equiviz.structures.typed_tensors import TypedTensors
from equiviz.symmetry.field import Field

PARTS = 4
"""One of so many parts of the structures is held out."""
FEWEST = 4
"""Environments for each atom, at least."""


@dataclass(frozen=True, eq=False)
class Sample:
    """Nodes of structures.

    Attributes:
        structures: where they are, as measured.
        places: [N, 2], number of the structure and of the node in it.
        held_out: [N], whether the dictionary is judged by it rather than learned from it.
    """

    structures: Sequence[Structure] | Sequence[TypedTensors]
    places: Tensor
    held_out: Tensor

    @classmethod
    def of(cls, structures: Sequence[Structure] | Sequence[TypedTensors], most: int, atoms: int, seed: int) -> Sample:
        """At most `most` nodes, the same share of every structure; whole structures are held out, or slabs of space.

        Raises:
            DictionaryError: too few nodes for so many atoms.
        """
        counts = [len(structure) for structure in structures]
        total = min(sum(counts), most)
        if total < max(FEWEST * atoms, 10 * PARTS):
            raise DictionaryError(
                f"{total} environments are too few for {atoms} atoms: give at least {max(FEWEST * atoms, 10 * PARTS)}, "
                "or ask for fewer atoms."
            )
        generator = torch.Generator().manual_seed(seed)
        share = min(1.0, most / sum(counts))
        chosen = [torch.randperm(n, generator=generator)[: max(1, int(share * n))].sort().values for n in counts]
        places = torch.cat([torch.stack([torch.full_like(own, k), own], 1) for k, own in enumerate(chosen)])
        group = groups([_positions(one)[own] for one, own in zip(structures, chosen, strict=True)], PARTS)
        return cls(structures, places, folds_of(group, PARTS) == PARTS - 1)

    def stage(self, model: nn.Module, name: str, progress: bool = True, client: DaskClient | None = None) -> Field:
        """The values of a stage at these nodes, [N, dim]; no gradients are recorded.

        Args:
            model: what `capture` takes.
            name: of the stage.
            progress: whether to show a progress bar over the structures.
            client: of a Dask cluster, to run structures beside each other.

        Raises:
            DictionaryError: no such stage, or one that is not on nodes.
        """
        found = list(in_chunks(_StageRows(model, name), self._parts(), client, progress=progress))
        return found[0].with_values(torch.cat([field.values for field in found]))

    def _parts(self) -> list[tuple[Structure | TypedTensors, Tensor]]:
        """Each structure with the numbers of its nodes."""
        number, node = self.places.T
        return [(one, node[number == k]) for k, one in enumerate(self.structures)]


@dataclass(frozen=True, eq=False)
class _StageRows:
    """Some nodes of one stage; can be sent to another process."""

    model: nn.Module
    name: str

    def __call__(self, part: tuple[Structure | TypedTensors, Tensor]) -> Field:
        structure, nodes = part
        with torch.no_grad():
            recorded = capture(self.model, structure)
        if self.name not in recorded or recorded[self.name].support != "node":
            on_nodes = [stage for stage, field in recorded.items() if field.support == "node"]
            raise DictionaryError(
                f"Expected a stage on nodes, there is none called {self.name!r}; the model has {', '.join(on_nodes)}."
            )
        field = recorded[self.name].detach().to("cpu")
        return field.with_values(field.values[nodes])


def _positions(structure: Structure | TypedTensors) -> Tensor:
    """[n, 3]; [n, 1], the place in the order, of what has none."""
    if isinstance(structure, Structure):
        return structure.positions.detach().cpu()
    return torch.arange(len(structure), dtype=torch.float64)[:, None]
