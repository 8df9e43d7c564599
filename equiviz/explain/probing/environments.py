"""The environments of a probe, put together: what each stage holds of them, and what experts say of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from equiviz.explain.errors import ProbeError
from equiviz.explain.probing.composition import composition_columns
from equiviz.explain.probing.looking import Seen
from equiviz.symmetry.field import Field


@dataclass(frozen=True, eq=False)
class Environments:
    """A sample of N nodes.

    Attributes:
        parts: what was seen of each structure; those without chosen nodes are left out.
        names: of the targets.
    """

    parts: list[Seen]
    names: list[str]

    @classmethod
    def of(cls, parts: Sequence[Seen], names: list[str]) -> Environments:
        """Put together what was seen.

        Raises:
            ProbeError: no nodes at all, or structures that give different stages.
        """
        filled = [part for part in parts if len(part.nodes)]
        if not filled:
            raise ProbeError("Expected structures with nodes of the species asked for, found none.")
        for part in filled:
            if [set(own) for own in part.stages] != [set(own) for own in filled[0].stages]:
                raise ProbeError(
                    f"Structure {part.number} passes other stages than structure {filled[0].number}: "
                    f"{', '.join(part.stages[0])} instead of {', '.join(filled[0].stages[0])}. Name those that all "
                    "have by stages=, or probe these structures apart."
                )
        return cls(filled, names)

    @property
    def positions(self) -> list[Tensor]:
        """Of the nodes of each structure, [n, 3]; [n, 1] of what has none."""
        return [part.positions for part in self.parts]

    @property
    def places(self) -> Tensor:
        """Number of the structure and of the node in it, [N, 2]."""
        rows = [torch.stack([torch.full_like(part.nodes, part.number), part.nodes], 1) for part in self.parts]
        return torch.cat(rows)

    @property
    def models(self) -> int:
        """How many models were shown them."""
        return len(self.parts[0].stages)

    def stages(self, model: int) -> dict[str, Field]:
        """The node fields of one of the models, [N, dim] each."""
        first = self.parts[0].stages[model]
        return {
            name: field.with_values(torch.cat([part.stages[model][name].values for part in self.parts]))
            for name, field in first.items()
        }

    def targets(self) -> Tensor:
        """What the descriptors say, [N, T] float64.

        Raises:
            ProbeError: a value that is not finite; the descriptor is named.
        """
        values = torch.cat([part.targets for part in self.parts])
        bad = (~values.isfinite()).any(0).nonzero().flatten().tolist()
        if bad:
            raise ProbeError(
                f"The target {self.names[bad[0]]!r} has values that are not finite; leave it out, or repair it."
            )
        return values

    def composition(self) -> Tensor | None:
        """Species of nodes and neighbours, [N, F]; None where there are no species."""
        found = [part.composition for part in self.parts]
        known = [one for one in found if one is not None]
        return composition_columns(known) if len(known) == len(found) else None
