"""Sharing a prediction out among the irreps of each stage: what flows through where, on the way from the baseline.

Along the path x(t) from the baseline to the input, a stage h shares the change of the prediction out among its own
components (conductance: Dhamdhere, Sundararajan, Yan, arXiv 1805.12233; Shrikumar, Su, Kundaje, arXiv 1807.09946):

    a_k = integral over t of  df/dh_k(x(t)) * dh_k/dt

It is summed over each copy of each irrep, which makes it invariant. Through a stage that everything passes, the shares
sum up to f(x) - f(baseline); through one that is bypassed (a residual connection, a second branch), to what passes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field

import torch
from torch import Tensor, nn

from equiviz.explain.attribution.question import Question
from equiviz.explain.attribution.slopes import no_gradient, slopes_by
from equiviz.explain.attribution.varied_input import VariedGraph, VariedInput, VariedTensors
from equiviz.explain.errors import AttributionError
from equiviz.explain.finite import refuse_answers
from equiviz.explain.outputs import OUTPUT
from equiviz.features.capture import record
from equiviz.features.model_input import ModelInput
from equiviz.features.model_state import untouched
from equiviz.features.precision import wide
from equiviz.nn.equivariant_model import title_of
from equiviz.structures.graph import Graph
from equiviz.structures.typed_tensors import TypedTensors
from equiviz.symmetry.field import Field, Support
from equiviz.symmetry.invariants import copies_of

# Shapes: K points of the path, R rows of a stage, mul copies of an irrep, size components of one.


@dataclass(frozen=True, eq=False)
class StageShare:
    """What one irrep of one stage carries of the change from the baseline.

    Attributes:
        stage, irrep: which.
        support: what the rows are.
        scores: ``[R, mul]``, in the unit of the prediction: of each copy on each row.
    """

    stage: str
    irrep: str
    support: Support
    scores: Tensor


@dataclass(frozen=True, eq=False)
class StageScores:
    """All shares of all stages, and what they should sum up to.

    Attributes:
        shares: stage by stage, irrep by irrep.
        value, baseline: the prediction at both ends of the path.
        silent: stages through which no gradient flows to this prediction.
    """

    shares: list[StageShare]
    value: float
    baseline: float
    silent: list[str]


def stage_scores(model: nn.Module, question: Question, taken: ModelInput, steps: int) -> StageScores:
    """Share the answer out among every stage of the model, by the trapezoidal rule with `steps` intervals.

    Raises:
        AttributionError: an input that cannot be varied; no stage that the prediction depends on.
    """
    varied, total = _varied(model, taken), _Total()
    with untouched(model), torch.enable_grad():
        model.eval()
        for chunk in _along(model, question, varied, steps):
            total.add(chunk)
    if not total.sums:
        raise no_gradient(model, "any stage")
    refuse_answers(torch.tensor(total.ends), AttributionError, "with neighbours pulled towards the cutoff")
    shares = [StageShare(*key, total.supports[key[0]], scores) for key, scores in total.sums.items()]
    return StageScores(shares, total.ends[-1], total.ends[0], [n for n in total.passed if n not in total.supports])


@dataclass(frozen=True, eq=False)
class _Chunk:
    """Consecutive points of the path.

    Attributes:
        answers: ``[K]``.
        fields: what passed each stage, at all points one after the other.
        slopes: of the answers by those that they depend on.
    """

    answers: Tensor
    fields: Mapping[str, Field]
    slopes: Mapping[str, Tensor]


@dataclass(eq=False)
class _Total:
    """What has been integrated so far."""

    sums: dict[tuple[str, str], Tensor] = dataclass_field(default_factory=dict)
    supports: dict[str, Support] = dataclass_field(default_factory=dict)
    passed: list[str] = dataclass_field(default_factory=list)
    ends: list[float] = dataclass_field(default_factory=list)

    def add(self, chunk: _Chunk) -> None:
        """One chunk more."""
        self.ends += [float(chunk.answers[0]), float(chunk.answers[-1])]
        self.passed += [name for name in chunk.fields if name not in self.passed]
        for name, slope in chunk.slopes.items():
            self.supports[name] = chunk.fields[name].support
            for label, part in _trapezoid(chunk.fields[name], slope, len(chunk.answers)).items():
                before = self.sums.get((name, label))
                self.sums[name, label] = part if before is None else before + part


def _varied(model: nn.Module, taken: ModelInput) -> VariedInput:
    if isinstance(taken, TypedTensors):
        return VariedTensors.of(taken)
    if isinstance(taken, Graph):
        return VariedGraph.of(taken)
    raise AttributionError(
        f"{title_of(model)} reads structures and finds neighbours itself, so there are no edges to pull out. "
        "Give it a `prepare` that makes a Graph."
    )


def _along(model: nn.Module, question: Question, varied: VariedInput, steps: int) -> Iterator[_Chunk]:
    """The path, chunk by chunk; each begins where the one before ended."""
    places = torch.linspace(0, 1, steps + 1, dtype=torch.float64)
    size = max(2, varied.at_once)
    for start in range(0, steps, size - 1):
        t = places[start : start + size]
        values = [_between(part, t) for part in zip(varied.baselines, varied.values, strict=True)]
        runs = [record(model, x, keep_graph=True) for x in varied.variants(values)]
        if len(runs) > 1:
            raise AttributionError("Stages are shared out of graphs and holograms; this input cannot be run in copies.")
        (run,) = runs
        answers = question.values(run)
        fields = {name: f for name, f in run.items() if not name.startswith(OUTPUT) and f.values.requires_grad}
        slopes = slopes_by([field.values for field in fields.values()], answers)
        named = {name: slope for name, slope in zip(fields, slopes, strict=True) if slope is not None}
        yield _Chunk(answers.detach().double(), {name: fields[name].detach() for name in fields}, named)


def _between(ends: tuple[Tensor, Tensor], t: Tensor) -> Tensor:
    """[K, R, d] on the way from the one to the other; gradients start here."""
    baseline, value = ends
    way = t.to(value)[:, None, None]
    return ((1 - way) * baseline + way * value).requires_grad_()


def _trapezoid(field: Field, slopes: Tensor, count: int) -> dict[str, Tensor]:
    """The integral over `count` points, of each copy of each irrep on each row: ``[R, mul]`` by label."""
    found: dict[str, Tensor] = {}
    for label in field.representation.labels():
        values, slope = (
            copies_of(wide(tensor), field.representation, label).unflatten(0, (count, -1))
            for tensor in (field.values, slopes)
        )  # [K, R, ..., mul, size]
        middle = (slope[1:] + slope[:-1]) / 2
        scores = (middle.conj() * values.diff(dim=0)).sum((0, -1)).real  # [R, ..., mul]
        found[label] = scores.flatten(1)
    return found


def summed(shares: Sequence[StageShare]) -> dict[str, float]:
    """What all irreps of each stage carry together."""
    totals: dict[str, float] = {}
    for share in shares:
        totals[share.stage] = totals.get(share.stage, 0.0) + float(share.scores.sum())
    return totals
