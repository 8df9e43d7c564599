"""`blind_spots(model)`: which of the known pairs of easily confused environments can each stage not tell apart?"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from equiviz.equivariance.late_bar import counted
from equiviz.explain.blind_spots.pairs import Pair, known_pairs
from equiviz.explain.blind_spots.report import BlindSpotReport, Sight
from equiviz.explain.blind_spots.stage_invariants import invariants_by_structure, usable
from equiviz.explain.blind_spots.unrelated import unrelated_environments
from equiviz.explain.errors import BlindSpotError
from equiviz.explain.finite import refuse_not_finite
from equiviz.explain.function_of_positions import in_float64, model_input, refuse_without_float64
from equiviz.features.capture import record
from equiviz.features.model_input import measured
from equiviz.nn.equivariant_model import title_of
from equiviz.structures.graph import Graph
from equiviz.structures.structure import Structure
from equiviz.symmetry.errors import EquivizError
from equiviz.symmetry.groups import haar

ROOM = 1.02
"""How much longer than the cutoff the shortest distance is that is meant to be no edge."""
TURNS = 3
CONTROL = "control: unrelated"


def blind_spots(
    model: nn.Module,
    pairs: Sequence[Pair] | None = None,
    *,
    stages: Collection[str] | None = None,
    like: Structure | None = None,
    cutoff: float | None = None,
    unrelated: int = 8,
    seed: int = 0,
    progress: bool = True,
) -> BlindSpotReport:
    """Show pairs of environments that differ to a model, and see at which stage its features differ too.

    Features are all rotation invariants of a stage that are products of at most two of its values: scalars,
    pseudo-scalars with their sign, inner products within one irrep; of the central node, or pooled over the graph
    where the pair has no centre. Their distance is compared with that of unrelated environments (the pair's own, with
    every point moved by a quarter of a bond), and with rounding (the first environment turned). Runs in float64 where
    the model can be copied.

    Example:
        >>> blind_spots(model).table()  # doctest: +SKIP

    Args:
        model: anything that `equiviz.capture` takes.
        pairs: by default `known_pairs()`. They are scaled to the model's cutoff, so that bonds are edges and nothing
            else is.
        stages: by name; None for all, and the outputs.
        like: a structure that the model knows: pairs take its first species, its names of species and length unit.
        cutoff: of the graph, for a model that does not prepare its own.
        unrelated: how many unrelated environments.
        seed: of these, and of the turns.
        progress: whether a bar shows itself, at a terminal or in a notebook, once the work takes longer than a moment.

    Raises:
        BlindSpotError: no cutoff is known; an unknown stage; fewer than two unrelated environments; features that
            are not finite; a model that takes none of the pairs (it says why).
    """
    if unrelated < 2:
        raise BlindSpotError(f"Expected at least 2 unrelated environments, got {unrelated}.")
    instrument = _Instrument(in_float64(model), stages, cutoff, unrelated, seed)
    listed = known_pairs() if pairs is None else list(pairs)
    sights: list[Sight] = []
    skipped: dict[str, str] = {}
    shown: list[Pair] = []
    for place, pair in enumerate(counted(listed, "pairs of environments", " pairs", progress=progress)):
        try:
            fitting = instrument.fitted(pair, like)
            if not shown:
                refuse_without_float64(model, instrument.model, fitting.first, cutoff, BlindSpotError)
            sights += instrument.sights(fitting, control=not shown)
            shown.append(fitting)
        except BlindSpotError:
            raise
        except EquivizError as problem:
            skipped[listed[place].name] = str(problem)
    if not shown:
        reason = next(iter(skipped.values()), "no pairs were given")
        raise BlindSpotError(f"This model takes none of the pairs: {reason}")
    title = title_of(model)
    return BlindSpotReport(title, sights, shown, skipped)


@dataclass(frozen=True, eq=False)
class _Instrument:
    """How pairs are shown."""

    model: nn.Module
    stages: Collection[str] | None
    cutoff: float | None
    unrelated: int
    seed: int

    def fitted(self, pair: Pair, like: Structure | None) -> Pair:
        """The pair at the size at which its bonds are edges and nothing else is."""
        return pair.scaled(ROOM * self._cutoff(pair.scaled(1.0, like)) / pair.gap, like)

    def _cutoff(self, pair: Pair) -> float:
        if self.cutoff is not None:
            return self.cutoff
        taken = model_input(self.model, [self._measured(pair.first)], None)
        if not isinstance(taken, Graph):
            raise BlindSpotError("How far this model looks is not known: give cutoff=, in its length unit.")
        return taken.cutoff

    def sights(self, pair: Pair, control: bool) -> Iterator[Sight]:
        """What each stage makes of the pair; of an unrelated environment beside it, if a control is wanted."""
        turned = [pair.first.transform(g) for g in haar(TURNS, self.seed, "SO(3)")]
        shown = [pair.first, pair.second, *turned, *unrelated_environments(pair, self.unrelated, self.seed)]
        for stage, features in self._features(shown, pair.centre).items():
            first, second, copies, others = features.split([1, 1, TURNS, self.unrelated])
            ruler = _Ruler.of(torch.cat([others, first]))
            noise = max(ruler.distance(first, copy[None]) for copy in copies)
            if control:
                yield Sight(stage, CONTROL, ruler.distance(first, others[:1]), ruler.spread, noise)
            yield Sight(stage, pair.name, ruler.distance(first, second), ruler.spread, noise)

    def _features(self, structures: Sequence[Structure], centre: int | None) -> dict[str, Tensor]:
        """What each stage says of each structure, [S, F]."""
        known = [self._measured(structure) for structure in structures]
        with torch.no_grad():
            taken = model_input(self.model, known, self.cutoff)
            if not isinstance(taken, Graph):
                raise BlindSpotError("How far this model looks is not known: give cutoff=, in its length unit.")
            recorded = record(self.model, taken)
            fields = usable(recorded, self.stages)
            refuse_not_finite(recorded, BlindSpotError, fields)
            found = {name: invariants_by_structure(f, taken, centre).double() for name, f in fields.items()}
        return {name: values for name, values in found.items() if values.shape[1]}

    def _measured(self, structure: Structure) -> Structure:
        known = measured(self.model, structure)
        assert isinstance(known, Structure)  # structures are measured as structures
        return known


@dataclass(frozen=True, eq=False)
class _Ruler:
    """Distances of features, each column in units of how much it varies between unrelated environments."""

    scale: Tensor  # [F]
    spread: float

    @classmethod
    def of(cls, others: Tensor) -> _Ruler:
        """Of unrelated environments [R, F]; columns that do not vary are measured by the rounding of the largest."""
        largest = float(others.abs().max()) or 1.0
        deviation = others.std(0)
        varies = bool((deviation > 1e-9 * largest).any())
        scale = deviation.clamp(min=1e-9 * largest) * others.shape[1] ** 0.5
        pairs = torch.pdist(others / scale).square().mean().sqrt()
        return cls(scale, float(pairs) if varies else 0.0)

    def distance(self, a: Tensor, b: Tensor) -> float:
        """Root mean square over columns."""
        return float(((a - b) / self.scale).norm())
