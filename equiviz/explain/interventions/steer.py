"""`steer(model, x, stage, irreps, channel)`: scale, turn or direct a channel, and watch the prediction."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor, nn

from equiviz.explain.errors import InterventionError
from equiviz.explain.interventions.changes import with_part
from equiviz.explain.interventions.chosen_block import copies_in, labels_of, rows_of, stage_of
from equiviz.explain.interventions.intervened_run import (
    outputs_of,
    refuse_spoiled,
    refuse_spoiled_after,
    run,
    single_input,
)
from equiviz.explain.interventions.output_change import noise_floor
from equiviz.explain.interventions.steer_report import Response, SteerReport
from equiviz.features.capture import Capture
from equiviz.features.model_input import Given, ModelInput, prepared
from equiviz.features.precision import wide
from equiviz.symmetry.field import Field
from equiviz.symmetry.groups import O3, GroupElement
from equiviz.symmetry.harmonics import spherical_harmonics

DOSES = (0.0, 0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 1.0)
"""Parts of the change at which the response is measured."""


@dataclass(frozen=True, eq=False)
class Steering:
    """What is done to one block; nothing, by default.

    Attributes:
        scale: times this; 0 takes it away, -1 turns it round.
        rotate: turned by this element of a group that acts on the block, by the representation's own matrix; after
            scaling.
        direction: along this: three numbers, a vector in space, of which an irrep of degree l takes the harmonics Y_l;
            or as many numbers as the irrep has components, complex ones of a complex irrep. Each row keeps its norm;
            the parity of the irrep is not looked at.
    """

    scale: float = 1.0
    rotate: GroupElement | None = None
    direction: Sequence[complex] | Tensor | None = None

    def __post_init__(self) -> None:
        if not math.isfinite(self.scale):
            raise InterventionError(f"Expected a finite scale, got {self.scale}.")

    @property
    def words(self) -> str:
        """What is done."""
        done: list[str] = []
        if self.direction is not None:
            told = ", ".join(f"{part:.3g}" for part in torch.as_tensor(self.direction).flatten().tolist())
            done.append(f"directed along ({told})")
        if self.scale != 1:
            done.append(f"scaled by {self.scale:g}")
        if self.rotate is not None:
            done.append(f"turned by {self.rotate!r}")
        return " and ".join(done) or "left as it is"

    def part(self, dose: float) -> Steering:
        """A part of it, from 0 (nothing) to 1 (all); a direction is taken whole, or not at all."""
        scale = 1 + dose * (self.scale - 1)
        return Steering(scale, _fraction(self.rotate, dose), self.direction if dose else None)

    def applied(self, field: Field, copies: Tensor) -> Tensor:
        """All values of a field as they become if all of these copies ``[copies, size]`` are steered."""
        values = field.values
        if self.direction is not None:
            values = _directed(values, copies, self.direction)
        if self.scale != 1:
            values = values * self.scale
        if self.rotate is not None:
            values = field.representation.transform(self.rotate, values)
        return values


@dataclass(frozen=True, eq=False)
class Wheel:
    """A model on one input, to be steered as often as one likes; the pass without steering is run once.

    Attributes:
        model: as for `equiviz.capture`.
        taken: what its forward takes.
    """

    model: nn.Module
    taken: ModelInput

    @classmethod
    def of(cls, model: nn.Module, x: Given) -> Wheel:
        """Of one structure, a Graph, or typed tensors.

        Raises:
            InterventionError: several structures.
        """
        return cls(model, prepared(model, single_input(model, x, "steer")))

    @cached_property
    def free(self) -> Capture:
        """The pass as it is."""
        return run(self.model, self.taken)

    @cached_property
    def floor(self) -> float:
        """The rms below which an output is zero, by symmetry or rounding."""
        return noise_floor(self.free)

    def outputs(
        self,
        stage: str,
        irreps: str,
        channel: int | None,
        steering: Steering,
        nodes: Sequence[int] | Tensor | int | None = None,
    ) -> dict[str, Field]:
        """The outputs with a block steered; as `steer`."""
        field = stage_of(self.free, stage)
        (label,) = _single(labels_of(field, irreps))
        copies, rows = copies_in(field, label, channel), rows_of(field, nodes)

        def replace(name: str, passing: Field) -> Field | None:
            if name != stage:
                return None
            steered = with_part(passing.values, copies.flatten(), steering.applied(passing, copies))
            made = passing.values.clone()
            made[rows] = steered[rows]
            return passing.with_values(made)

        return outputs_of(run(self.model, self.taken, replace))


def steer(
    model: nn.Module,
    x: Given,
    stage: str,
    irreps: str,
    channel: int | None = None,
    *,
    scale: float = 1.0,
    rotate: GroupElement | None = None,
    direction: Sequence[complex] | Tensor | None = None,
    nodes: Sequence[int] | Tensor | int | None = None,
) -> SteerReport:
    """Change one channel of one irrep as it passes a stage, and report the outputs before and after.

    Example:
        >>> report = steer(model, molecule, "layers.1", "1o", channel=0, scale=2.0)  # doctest: +SKIP
        >>> report.widget()  # sliders  # doctest: +SKIP

    Args:
        model: anything that `equiviz.capture` takes; it is run in evaluation mode, and left as it was.
        x: one structure, or a Graph.
        stage: name of the stage.
        irreps: one block of it, such as ``"1o"``.
        channel: which copy; None for all.
        scale: factor of the values.
        rotate: an element that turns them: of O(3), or of what else acts on the block, such as `symmetry.Unitary`.
        direction: along which they are laid, see `Steering`.
        nodes: only these rows; None for all.

    Raises:
        InterventionError: no such stage, irrep, channel or node; a direction or an element that does not fit; values
            that are not finite, before or after.
        CaptureError: as `equiviz.capture`.
    """
    wheel, steering = Wheel.of(model, x), Steering(scale, rotate, direction)
    chosen = stage, irreps, channel
    parted = direction is None and (rotate is None or isinstance(rotate, O3))
    doses = DOSES if parted else (0.0, 1.0)
    label = labels_of(stage_of(wheel.free, stage), irreps)[0]
    _refuse_idle(rotate, stage_of(wheel.free, stage), label)
    refuse_spoiled(wheel.free, stage)
    steps = [wheel.outputs(*chosen, steering.part(dose), nodes) for dose in doses]
    for made in steps:
        refuse_spoiled_after(made)
    response = Response(list(doses), steps, rotate is None and direction is None, wheel.floor)
    before = outputs_of(wheel.free)
    return SteerReport(wheel.free.model, stage, label, channel, steering.words, before, steps[-1], response, wheel)


def _single(labels: Sequence[str]) -> Sequence[str]:
    if len(labels) != 1:
        raise InterventionError(f"Steering works on one irrep at a time, got {', '.join(labels) or 'none'}.")
    return labels


def _refuse_idle(g: GroupElement | None, field: Field, label: str) -> None:
    known = field.representation.transformed_by()
    if g is not None and not any(kind.contains(g) for kind in known):
        acting = ", ".join(kind.kind for kind in known) or "nothing"
        raise InterventionError(f"{g!r} does not act on {label}. What does: {acting}.")


def _fraction(g: GroupElement | None, dose: float) -> GroupElement | None:
    """A part of a turn, or all of another element; of what inverts, the inversion belongs to the whole only."""
    if g is None or dose == 0:
        return None
    if dose == 1 or not isinstance(g, O3):
        return g
    return O3.rotation(g.axis, dose * g.angle)


def _directed(values: Tensor, copies: Tensor, direction: Sequence[complex] | Tensor) -> Tensor:
    """Each copy laid along a direction, with its own norm; `values` [..., dim]."""
    size, given = copies.shape[1], torch.as_tensor(direction).flatten()
    if given.is_complex() and not values.is_complex():
        raise InterventionError("Expected a direction of real numbers: the values of this irrep are real.")
    unit = _unit(wide(given), size).to(values)
    places = copies.to(values.device)
    made = values.clone()
    made[..., places] = values[..., places].norm(dim=-1, keepdim=True) * unit
    return made


def _unit(given: Tensor, size: int) -> Tensor:
    """A unit vector [size] of an irrep."""
    if not bool(given.isfinite().all()) or not float(given.norm()):
        raise InterventionError("Expected a direction of finite numbers that is not zero.")
    if len(given) == size:
        return given / given.norm()
    if len(given) != 3 or size % 2 == 0:
        raise InterventionError(
            f"Expected a direction of 3 numbers, a vector in space, or of {size}, the components of this irrep, got "
            f"{len(given)}."
        )
    degree = (size - 1) // 2
    harmonics = spherical_harmonics(degree, given[None])[0, degree**2 :]  # [2l+1]
    return harmonics / harmonics.norm()
