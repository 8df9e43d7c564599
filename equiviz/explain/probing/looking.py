"""One structure at a time: what models hold of its chosen nodes, and what experts say of them.

A `Look` is a function of one `Part`, with all that it needs inside: it runs here or on a worker of a cluster.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from equiviz.explain.errors import ProbeError
from equiviz.explain.probing.asked_targets import Measured
from equiviz.explain.probing.composition import Composition
from equiviz.explain.probing.targets import Target, Targets, target_columns
from equiviz.features.capture import capture
from equiviz.features.model_input import measured_inputs
from equiviz.structures.structure import Structure
from equiviz.structures.typed_tensors import TypedTensors
from equiviz.symmetry.field import Field


@dataclass(frozen=True, eq=False)
class Part:
    """One structure to look at.

    Attributes:
        number: of the structure among all.
        given: the structure, measured already, or as users hand it over.
        nodes: numbers of the chosen nodes; None lets chance choose on the spot.
        targets: what is asked of it.
        below: of nodes that chance chooses, those whose lot is below this.
    """

    number: int
    given: object
    nodes: Tensor | None
    targets: Targets
    below: float = 1.0


@dataclass(frozen=True, eq=False)
class Seen:
    """What was found at n nodes of one structure.

    Attributes:
        number: of the structure among all.
        nodes: their numbers [n].
        lots: a number from 0 to 1 for each [n]; those with the lowest stay where there are too many.
        positions: [n, 3]; of what has none [n, 1], the place in the order: neighbours in a chain.
        stages: for each model, the node fields by stage.
        targets: [n, T] float64.
        composition: species of nodes and neighbours; None of what has no species.
    """

    number: int
    nodes: Tensor
    lots: Tensor
    positions: Tensor
    stages: list[dict[str, Field]]
    targets: Tensor
    composition: Composition | None

    def rows(self, kept: Tensor) -> Seen:
        """Only some of the nodes, by their places [k]."""
        return replace(
            self,
            nodes=self.nodes[kept],
            lots=self.lots[kept],
            positions=self.positions[kept],
            stages=[
                {name: field.with_values(field.values[kept]) for name, field in own.items()} for own in self.stages
            ],
            targets=self.targets[kept],
            composition=None if self.composition is None else self.composition.rows(kept),
        )


@dataclass(frozen=True, eq=False)
class Look:
    """What is to be found in each structure.

    Attributes:
        models: run one after the other; the first says what is measured, outputs are left out of all.
        species: which nodes, where chance chooses; None for all.
        seed: of that chance.
        reach: how far the composition counts, in the length unit of the structures.
        counting: whether it counts at all.
    """

    models: Sequence[nn.Module]
    species: Collection[int] | None
    seed: int
    reach: float
    counting: bool = True

    def __call__(self, part: Part) -> Seen:
        """Run all models on one structure, without gradients.

        Raises:
            ProbeError: species of what has none; more than one structure in one part.
        """
        system = self._system(part)
        lots = torch.rand(len(system), generator=torch.Generator().manual_seed(1_000_003 * self.seed + part.number))
        nodes = self._drawn(system, lots, part.below) if part.nodes is None else part.nodes
        structure = system if isinstance(system, Structure) else None
        return Seen(
            part.number,
            nodes,
            lots[nodes],
            nodes[:, None].double() if structure is None else structure.positions.detach().cpu()[nodes],
            [_stages(model, system, nodes) for model in self.models],
            target_columns(part.targets, system)[nodes],
            Composition.of(structure, nodes, self.reach) if structure is not None and self.counting else None,
        )

    def _system(self, part: Part) -> Structure | TypedTensors:
        if part.nodes is not None and isinstance(part.given, (Structure, TypedTensors)):
            return part.given
        found = measured_inputs(self.models[0], part.given)
        if len(found) != 1:
            raise ProbeError(f"Expected one structure at a time, got {len(found)} as number {part.number}.")
        return found[0]

    def _drawn(self, system: Structure | TypedTensors, lots: Tensor, below: float) -> Tensor:
        allowed = of_species(system, self.species)
        return allowed[lots[allowed] <= below]


def _stages(model: nn.Module, system: Structure | TypedTensors, nodes: Tensor) -> dict[str, Field]:
    """The node fields of a model at some nodes; outputs are left out, for a probe asks what the inside knows."""
    with torch.no_grad():
        recorded = capture(model, system)
    kept: dict[str, Field] = {}
    for name, field in recorded.items():
        if field.support == "node" and not field.representation.affine and not name.startswith("output."):
            here = field.detach().to("cpu")
            kept[name] = here.with_values(here.values[nodes])
    return kept


def of_species(structure: Structure | TypedTensors, species: Collection[int] | None) -> Tensor:
    """Numbers of the nodes of some species, all for None.

    Raises:
        ProbeError: species of what has none.
    """
    if species is None:
        return torch.arange(len(structure))
    if not isinstance(structure, Structure):
        raise ProbeError("species= chooses atoms of structures; what this model reads has none.")
    wanted = torch.tensor(sorted(species), dtype=torch.long)
    return torch.isin(structure.species.cpu(), wanted).nonzero().flatten()


def chosen_parts(
    systems: Sequence[Structure] | Sequence[TypedTensors],
    targets: Targets,
    most: int,
    species: Collection[int] | None,
    seed: int,
) -> list[Part]:
    """At most `most` nodes, the same share of every structure, of the given species.

    Raises:
        ProbeError: no structures, or no node of these species.
    """
    allowed = [of_species(structure, species) for structure in systems]
    total = sum(len(nodes) for nodes in allowed)
    if total == 0:
        raise ProbeError(f"Expected structures with nodes of species {species or 'any'}, found none.")
    generator = torch.Generator().manual_seed(seed)
    share = min(1.0, most / total)
    chosen = [nodes[torch.randperm(len(nodes), generator=generator)] for nodes in allowed]
    kept = [nodes[: int(share * len(nodes))].sort().values for nodes in chosen]
    pairs = zip(systems, kept, strict=True)
    return [Part(number, one, nodes, _without_others(targets, one)) for number, (one, nodes) in enumerate(pairs)]


def _without_others(targets: Targets, system: Structure | TypedTensors) -> Targets:
    """Arrays cut down to one structure, so that a worker is not sent those of all."""
    if isinstance(targets, dict):
        return {key: _own(target, system) for key, target in targets.items()}
    return [_own(target, system) for target in (targets.values() if not isinstance(targets, Sequence) else targets)]


def _own(target: Target, system: Structure | TypedTensors) -> Target:
    return target.of(system) if isinstance(target, Measured) else target


def drawn_parts(given: Iterable[object], targets: Targets, limit: Limit) -> Iterator[Part]:
    """Structures as they come, one after the other; which of their nodes are kept is left to chance."""
    for number, one in enumerate(given):
        yield Part(number, one, None, targets, limit.below)


@dataclass(eq=False)
class Limit:
    """How low a lot must be to be among the lowest so far: it sinks as more structures come.

    Attributes:
        most: how many nodes may stay.
        below: the limit.
    """

    most: int
    below: float = 1.0

    def gathered(self, found: Iterable[Seen]) -> list[Seen]:
        """Keep the nodes with the lowest lots: at most twice as many as may stay lie in memory at any moment."""
        kept: list[Seen] = []
        for seen in found:
            kept.append(seen)
            if sum(len(one.nodes) for one in kept) > 2 * self.most:
                kept = self._pruned(kept)
        return self._pruned(kept)

    def _pruned(self, kept: list[Seen]) -> list[Seen]:
        lots = torch.cat([one.lots for one in kept]) if kept else torch.zeros(0)
        if len(lots) <= self.most:
            return kept
        self.below = float(lots.kthvalue(self.most).values)
        return [one.rows((one.lots <= self.below).nonzero().flatten()) for one in kept]
