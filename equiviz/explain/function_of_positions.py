"""A model as a function of the positions of one structure: for searches and derivatives, in float64.

What a model measures on a structure besides (`EquivariantModel.measure`) is measured once and held fixed while the
points move: derivatives do not pass through such measurements. Neighbour lists are found anew at every step.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from equiviz.equivariance.double_twin import cast_twin, rebuilt_twin
from equiviz.features.capture import Capture, record
from equiviz.features.model_input import Given, ModelInput, accepted_by, measured, prepared
from equiviz.features.precision import coarsest
from equiviz.nn.equivariant_model import title_of
from equiviz.structures.graph import Graph
from equiviz.structures.structure import Structure
from equiviz.symmetry.errors import EquivizError

AT_ONCE = 32
"""Rows of a Jacobian that are computed together: as many times the memory of one backward pass."""
VMAP_WORDS = ("vmap", "batching rule", "functorch", "doesn't have storage")
"""In what torch says where a backward pass cannot be batched (torch 2: `torch/_functorch`, and ATen's BatchedFallback);
the last where a backward pass asks a batched tensor for its memory."""


@dataclass(frozen=True, eq=False)
class FunctionOfPositions:
    """What passes through a model, given where the points are.

    Attributes:
        model: a copy in float64 where one can be made; else the model itself.
        structure: the structure from which points move, measured.
        cutoff: of the graph, for a model that does not prepare its own.
        held: names of typed attributes that were measured on the structure, and do not follow the points.
        given: the structure as it came, before anything was measured on it.
    """

    model: nn.Module
    structure: Structure
    cutoff: float | None
    held: tuple[str, ...]
    given: Structure

    @classmethod
    def of(
        cls, model: nn.Module, x: Given, cutoff: float | None = None, *, refusal: type[EquivizError]
    ) -> FunctionOfPositions:
        """The function for one structure.

        Raises:
            refusal: something else than one structure.
            CaptureError: no input at all.
        """
        given = one_structure(model, x, refusal).to(torch.float64)
        precise = in_float64(model)
        known = measured(precise, given)
        assert isinstance(known, Structure)  # structures are measured as structures
        refuse_without_float64(model, precise, known, cutoff, refusal)
        held = tuple(name for name in (*known.node, *known.graph) if name not in {**given.node, **given.graph})
        return cls(precise, known, cutoff, held, given)

    @property
    def start(self) -> Tensor:
        """Where the points are, [N, 3]."""
        return self.structure.positions.detach()

    def at(self, positions: Tensor) -> Capture:
        """Everything typed that passes when the points [N, 3] are there, on the autograd graph of the positions."""
        return self._recorded(replace(self.structure, positions=positions), keep_graph=True)

    def seen_at(self, positions: Tensor) -> Capture:
        """As `at`, without derivatives."""
        return self._recorded(replace(self.structure, positions=positions.detach()), keep_graph=False)

    def measured_anew_at(self, positions: Tensor) -> Capture:
        """As `seen_at`, with everything measured again on the moved structure."""
        moved = measured(self.model, replace(self.given, positions=positions.detach()))
        assert isinstance(moved, Structure)  # structures are measured as structures
        return self._recorded(moved, keep_graph=False)

    def _recorded(self, structure: Structure, *, keep_graph: bool) -> Capture:
        return record(self.model, model_input(self.model, structure, self.cutoff), keep_graph=keep_graph)

    def graph(self) -> Graph | None:
        """What the model's forward takes, where that is a Graph."""
        taken = model_input(self.model, self.structure, self.cutoff)
        return taken if isinstance(taken, Graph) else None


def model_input(model: nn.Module, structure: Structure | list[Structure], cutoff: float | None) -> ModelInput:
    """What the model's forward takes: what it prepares, or a graph with this cutoff where it prepares nothing."""
    if cutoff is None or hasattr(model, "prepare"):
        return prepared(model, structure)
    return Graph.from_structures(structure, cutoff, dtype=coarsest(model, ()))


def in_float64(model: nn.Module) -> nn.Module:
    """A copy in float64 and evaluation mode, built anew where that is possible; the model itself where no copy is."""
    exact = coarsest(model, ()) == torch.float64
    twin = (None if exact else rebuilt_twin(model).model) or cast_twin(model).model
    if twin is None:
        return model
    return twin.eval().requires_grad_(False)


def refuse_without_float64(
    model: nn.Module, twin: nn.Module, structure: Structure, cutoff: float | None, refusal: type[EquivizError]
) -> None:
    """Run the copy in float64 once; raise `refusal` where the model's own code allows no other dtype than its own."""
    if coarsest(model, ()) == torch.float64:
        return
    try:
        with torch.no_grad():
            record(twin, model_input(twin, structure, cutoff))
    except RuntimeError as problem:
        raise refusal(
            f"{title_of(model)} does not run in float64, and a search among small changes needs that precision "
            f"({str(problem).strip().splitlines()[-1]})."
        ) from problem


def one_structure(model: nn.Module, x: Given, refusal: type[EquivizError]) -> Structure:
    """The one structure that is meant.

    Raises:
        refusal: something else, or several.
    """
    taken = accepted_by(model, x)
    if isinstance(taken, Sequence) and len(taken) == 1:
        taken = taken[0]
    if not isinstance(taken, Structure):
        got = f"{len(taken)} structures" if isinstance(taken, Sequence) else f"a {type(taken).__name__}"
        raise refusal(f"Expected one structure, whose points can move; got {got}.")
    return taken


def derivative(values: Tensor, positions: Tensor) -> Tensor | None:
    """The Jacobian ``[F, 3 N]`` of values ``[F]`` by positions ``[N, 3]``; None where nothing connects them.

    Values that do not depend on the positions have a row of zeros. Where vmap does not know an operation, there is one
    backward pass for each value.

    Raises:
        RuntimeError: as the backward pass raises it.
    """
    if not values.requires_grad:
        return None
    seeds = torch.eye(len(values)).to(values)
    if len(values) > 1:
        try:
            parts = [_gradients(values, positions, part, batched=True) for part in seeds.split(AT_ONCE)]
            rows = [part for part in parts if part is not None]
            return torch.cat(rows).flatten(1).detach() if rows else None
        except RuntimeError as problem:
            if not any(word in str(problem).lower() for word in VMAP_WORDS):
                raise
    found = [_gradients(values, positions, seed, batched=False) for seed in seeds]
    known = [row for row in found if row is not None]
    return torch.stack(known).flatten(1).detach() if known else None


def _gradients(values: Tensor, positions: Tensor, seeds: Tensor, *, batched: bool) -> Tensor | None:
    return torch.autograd.grad(
        values, positions, seeds, retain_graph=True, allow_unused=True, is_grads_batched=batched
    )[0]
