"""The squared errors of a model without each of its parts, structure by structure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from equiviz.explain.errors import InterventionError
from equiviz.explain.interventions.changes import How
from equiviz.explain.interventions.intervened_run import Draw, output_of, run, without
from equiviz.explain.interventions.parts import By, Part, parts_of
from equiviz.explain.outputs import is_output
from equiviz.features.capture import Capture
from equiviz.features.model_input import ModelInput, prepared
from equiviz.nn.equivariant_model import claimed_group
from equiviz.nn.product_paths import PathSum, gated, paths_of
from equiviz.structures.graph import Graph
from equiviz.structures.structure import Structure
from equiviz.structures.typed_tensors import TypedTensors


@dataclass(frozen=True, eq=False)
class Shown:
    """One input, and what its output should be.

    Attributes:
        place: among all inputs; part of the seed.
        x: structure, typed tensors or graph.
        target: ``[rows, K]`` float64, or None.
    """

    place: int
    x: Structure | TypedTensors | Graph
    target: Tensor | None = None


@dataclass(frozen=True, eq=False)
class Errors:
    """What one input says.

    Attributes:
        whole: squared error of the model as it is, summed over components ``[rows]``; zeros without a target.
        ablated: by part and way ``[parts, ways, rows]``.
        reference: the target, or else the output as it is ``[rows, K]`` float64.
        nothing: the largest change of the output when every stage is replaced by itself: the control.
    """

    whole: Tensor
    ablated: Tensor
    reference: Tensor
    nothing: float


@dataclass(frozen=True, eq=False)
class AblationRun:
    """Runs one input without each part; an instance can be sent to another process.

    Attributes:
        model: as for `equiviz.capture`.
        parts: what is taken away, one at a time.
        ways: how, each by itself.
        output: the name of the output.
        seed: of chance.
    """

    model: nn.Module
    parts: list[Part]
    ways: tuple[How, ...]
    output: str
    seed: int

    def __call__(self, shown: Shown) -> Errors:
        """Raises InterventionError for targets that do not fit the output, and for values that are not finite."""
        taken = prepared(self.model, shown.x)
        paths = paths_of(self.model) if any(part.path is not None for part in self.parts) else {}
        before = self._values(run(self.model, taken))
        reference = before if shown.target is None else _fitting(shown.target, before)
        same = self._same(taken, paths)
        made = [self._squares(without(self.model, taken, [p], d, paths), reference) for p, d in self._asked(shown)]
        ablated = torch.stack(made).view(len(self.parts), len(self.ways), -1) if made else before.new_zeros(0, 0, 0)
        nothing = float((same - before).abs().max()) if before.numel() else 0.0
        return Errors((before - reference).square().sum(1), ablated, reference, nothing)

    def _same(self, taken: ModelInput, paths: dict[str, PathSum]) -> Tensor:
        """The output when each stage, or each path, is put in its own place."""
        ones = {name: torch.ones(len(one.paths), dtype=torch.float64) for name, one in paths.items()}
        with gated(self.model, ones):
            return self._values(run(self.model, taken, lambda _, field: field))

    def _asked(self, shown: Shown) -> list[tuple[Part, Draw]]:
        group = claimed_group(self.model)
        draws = [Draw(how, group, 1_000_003 * self.seed + shown.place) for how in self.ways]
        return [(part, draw) for part in self.parts for draw in draws]

    def _squares(self, found: Capture, reference: Tensor) -> Tensor:
        return (self._values(found) - reference).square().sum(1)

    def _values(self, found: Capture) -> Tensor:
        """The output as float64 on the CPU, [rows, K]."""
        name, field = output_of(found, self.output)
        values = field.values.detach().cpu().flatten(1)
        values = torch.view_as_real(values).flatten(1) if values.is_complex() else values
        if not bool(values.isfinite().all()):
            raise InterventionError(f"The output {name!r} is not finite; nothing can be said of it.")
        return values.double()


def parts_in(
    model: nn.Module, first: Capture, by: By, stages: Collection[str] | None, output: str
) -> tuple[list[Part], dict[str, str]]:
    """What can be taken away, in the order in which it passes.

    Args:
        model: as for `equiviz.capture`.
        first: a pass of it.
        by: see `equiviz.explain.interventions.parts`.
        stages: only these; of paths, only these modules; None for all.
        output: the name of what is watched, which is not taken away.

    Returns:
        the parts, and the irreps of each stage.

    Raises:
        InterventionError: no such stage, or nothing to take away.
    """
    if by == "path":
        return _paths_in(paths_of(model), stages)
    watched, _ = output_of(first, output)
    fields = {
        name: field
        for name, field in first.items()
        if not is_output(name) and name != watched and not field.representation.affine and field.dim
    }
    _refuse_unknown(stages, fields, "stage")
    chosen = {name: field for name, field in fields.items() if stages is None or name in stages}
    parts = [part for name, field in chosen.items() for part in parts_of(name, field.representation, by)]
    return parts, {name: str(field.representation) for name, field in chosen.items()}


def _paths_in(found: dict[str, PathSum], stages: Collection[str] | None) -> tuple[list[Part], dict[str, str]]:
    _refuse_unknown(stages, found, "product of typed tensors")
    chosen = {name: one for name, one in found.items() if stages is None or name in stages}
    none = torch.zeros(0, dtype=torch.long)
    parts = [Part(name, str(path), none, place) for name, one in chosen.items() for place, path in enumerate(one.paths)]
    return parts, {name: f"{len(one.paths)} paths" for name, one in chosen.items()}


def _refuse_unknown(stages: Collection[str] | None, known: Collection[str], what: str) -> None:
    unknown = sorted(set(stages or ()) - set(known))
    if not known:
        raise InterventionError(f"This model has no {what} to take away.")
    if unknown:
        raise InterventionError(f"No {what} {unknown[0]!r}; it has {', '.join(known)}.")


def _fitting(target: Tensor, output: Tensor) -> Tensor:
    if target.shape != output.shape:
        raise InterventionError(
            f"Expected targets of the output's shape, {list(output.shape)} for this structure, got "
            f"{list(target.shape)}."
        )
    return target
