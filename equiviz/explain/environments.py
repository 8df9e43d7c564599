"""The environments of a probe: what each stage holds of them, and what experts say of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from equiviz.explain.errors import ProbeError
from equiviz.explain.targets import Targets, column_names, target_columns
from equiviz.features.capture import capture
from equiviz.structures.structure import Structure
from equiviz.structures.typed_tensors import TypedTensors
from equiviz.symmetry.field import Field


@dataclass(frozen=True, eq=False)
class Environments:
    """A sample of nodes.

    Attributes:
        structures: where they come from.
        chosen: node numbers of the sample in each structure.
    """

    structures: Sequence[Structure] | Sequence[TypedTensors]
    chosen: list[Tensor]

    @classmethod
    def sample(
        cls,
        structures: Sequence[Structure] | Sequence[TypedTensors],
        most: int,
        species: Collection[int] | None,
        seed: int,
    ) -> Environments:
        """At most `most` nodes, the same share of every structure, of the given species.

        Raises:
            ProbeError: no structures, or no node of these species.
        """
        allowed = [_of_species(structure, species) for structure in structures]
        total = sum(len(nodes) for nodes in allowed)
        if total == 0:
            raise ProbeError(f"Expected structures with nodes of species {species or 'any'}, found none.")
        generator = torch.Generator().manual_seed(seed)
        share = min(1.0, most / total)
        chosen = [nodes[torch.randperm(len(nodes), generator=generator)] for nodes in allowed]
        return cls(structures, [nodes[: int(share * len(nodes))].sort().values for nodes in chosen])

    @property
    def positions(self) -> list[Tensor]:
        """[n, 3] of each structure; [n, 1], the place in the order, of what has none: neighbours in a chain."""
        pairs = zip(self.structures, self.chosen, strict=True)
        return [
            one.positions.detach().cpu()[nodes] if isinstance(one, Structure) else nodes[:, None].double()
            for one, nodes in pairs
        ]

    def stages(self, model: nn.Module) -> dict[str, Field]:
        """The node fields of the model, structure by structure, at the chosen nodes.

        Outputs are left out: a probe asks what the inside knows. No gradients are recorded.
        """
        parts: dict[str, list[Field]] = {}
        for structure, nodes in zip(self.structures, self.chosen, strict=True):
            with torch.no_grad():
                recorded = capture(model, structure)
            for name, field in recorded.items():
                if field.support == "node" and not field.representation.affine and not name.startswith("output."):
                    here = field.detach().to("cpu")
                    parts.setdefault(name, []).append(here.with_values(here.values[nodes]))
        return {name: fields[0].with_values(torch.cat([f.values for f in fields])) for name, fields in parts.items()}

    def targets(self, targets: Targets) -> Tensor:
        """What the descriptors say, [N, T] float64.

        Raises:
            ProbeError: a value that is not finite; the descriptor is named.
        """
        pairs = zip(self.structures, self.chosen, strict=True)
        values = torch.cat([target_columns(targets, structure)[nodes] for structure, nodes in pairs])
        names = column_names(targets)
        bad = (~values.isfinite()).any(0).nonzero().flatten().tolist()
        if bad:
            raise ProbeError(
                f"The target {names[bad[0]]!r} has values that are not finite; leave it out, or repair it."
            )
        return values


def _of_species(structure: Structure | TypedTensors, species: Collection[int] | None) -> Tensor:
    if species is None:
        return torch.arange(len(structure))
    if not isinstance(structure, Structure):
        raise ProbeError("species= chooses atoms of structures; what this model reads has none.")
    wanted = torch.tensor(sorted(species), dtype=torch.long)
    return torch.isin(structure.species.cpu(), wanted).nonzero().flatten()
