"""`equivariant_probe(model, structures, targets)`: which vectors and tensors can be read off each stage?

A linear map that commutes with rotations and inversion has one weight for each pair of a channel of the stage and a
channel of the target of the same irrep (Schur's lemma), and a constant for 0e alone. Those weights are fitted by ridge;
folds, intervals and networks of random weights are as in `equiviz.probe`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from equiviz.explain.chunks import DaskClient, in_chunks
from equiviz.explain.errors import ProbeError
from equiviz.explain.probing.environments import Environments
from equiviz.explain.probing.equivariant_report import (
    EquivariantControl,
    EquivariantMap,
    EquivariantProbeReport,
    EquivariantScore,
)
from equiviz.explain.probing.equivariant_targets import EquivariantAsked, EquivariantTarget, equivariant_targets
from equiviz.explain.probing.folds import folds_of, groups
from equiviz.explain.probing.looking import Look, chosen_parts
from equiviz.explain.probing.question import Question
from equiviz.explain.probing.ridge import nested_predictions, whole_weights
from equiviz.explain.random_network import random_network
from equiviz.features.model_input import measured_inputs
from equiviz.nn.equivariant_model import title_of
from equiviz.symmetry.errors import IrrepsError
from equiviz.symmetry.field import Field
from equiviz.symmetry.groups import haar_matrices
from equiviz.symmetry.irreps import Irrep
from equiviz.symmetry.wigner import wigner_d

if TYPE_CHECKING:
    from equiviz.structures.interchange.recognised import StructureLike


def equivariant_probe(
    model: nn.Module,
    structures: StructureLike | Sequence[StructureLike],
    targets: EquivariantAsked,
    *,
    stages: Collection[str] | None = None,
    species: Collection[int] | None = None,
    folds: int = 5,
    seed: int = 0,
    max_environments: int = 10_000,
    random_networks: int = 3,
    client: DaskClient | None = None,
    progress: bool = True,
) -> EquivariantProbeReport:
    """Regress vectors and tensors on the channels of the same irrep of each node stage, by an equivariant linear map.

    Two controls: targets turned at random, each node's by a rotation of its own (must give R2 of about 0; invariants
    are shuffled over nodes), and networks of the same shape with random weights.

    Example:
        >>> report = equivariant_probe(model, glass, "neighbour asymmetry")  # doctest: +SKIP
        >>> report = equivariant_probe(model, glass, {"force": Field(forces, "1x1o")})  # doctest: +SKIP

    Args:
        model: anything that `equiviz.capture` takes.
        structures: one or several, as for `equiviz.probe`, but no iterator.
        targets: "neighbour asymmetry" (1o), "local dipole" (1o, needs the node attribute "charge"), "local gyration"
            (2e), "local strain" (2e, needs the node attribute "displacement"), or the name of any node attribute; a
            Field with one row per node of all structures, one after the other; a list of names; or a dict of these.
        stages: names of the stages to read; None for all on nodes.
        species: only nodes of these species.
        folds: number of folds, at least 3.
        seed: of the sample, the turning, the random networks and the intervals.
        max_environments: a larger set is sampled.
        random_networks: how many networks with random weights to compare with.
        client: of a Dask cluster that looks at the structures.
        progress: whether a bar shows itself, at a terminal or in a notebook, once the work takes longer than a moment.

    Raises:
        ProbeError: too few environments; unknown stage or target; values that are not finite.
        CaptureError: as `equiviz.capture`.
    """
    listed = measured_inputs(model, structures)
    asked = equivariant_targets(targets, listed)
    fresh = [network for i in range(random_networks) if (network := random_network(model, seed + i)) is not None]
    look = Look([model, *fresh], species, seed, 1.0, counting=False)
    parts = chosen_parts(listed, [target.values for target in asked], max_environments, species, seed)
    names = [target.name for target in asked for _ in target.values.names]
    sample = Environments.of(list(in_chunks(look, parts, client, progress=progress)), names)
    group = groups(sample.positions, folds)
    question = Question(sample.targets(), names, group, folds_of(group, folds), seed)
    problems = list(_problems(asked, question.targets))
    asking = _Asking(question, problems, stages)
    scores, maps = asking.trained(sample.stages(0))
    for number in range(len(fresh)):
        scores += asking.scores(sample.stages(1 + number), "random weights")
    return EquivariantProbeReport(title_of(model), _joined(scores), maps, len(group), int(group.max()) + 1)


@dataclass(frozen=True, eq=False)
class _Problem:
    """All copies of one irrep of one target.

    Attributes:
        target: name.
        label: of the irrep.
        values: [N, copies, size].
        invariant: whether a constant may be added.
    """

    target: str
    label: str
    values: Tensor
    invariant: bool


def _problems(asked: Sequence[EquivariantTarget], values: Tensor) -> Iterator[_Problem]:
    widths = [target.representation.dim for target in asked]
    for target, block in zip(asked, values.split(widths, 1), strict=True):
        field = Field(block, target.representation, "node")
        if field.representation.affine:
            raise ProbeError(f"Target {target.name!r} holds positions, which depend on the origin: take differences.")
        for label in field.representation.labels():
            own = all(part.invariant for part in field.blocks if part.label == label)
            yield _Problem(target.name, label, field[label], own)


@dataclass(frozen=True, eq=False)
class _Asking:
    """All problems at all stages."""

    question: Question
    problems: Sequence[_Problem]
    stages: Collection[str] | None

    def trained(self, fields: dict[str, Field]) -> tuple[list[EquivariantScore], list[EquivariantMap]]:
        """Scores of the network and of targets that were turned, and the maps of all environments."""
        wanted = self._wanted(fields)
        scores = self.scores(fields, "trained") + self.scores(fields, "turned")
        maps = [
            EquivariantMap.fitted(stage, problem.target, problem.label, *self._map(field, problem))
            for stage, field in wanted.items()
            for problem in self.problems
            if problem.label in field.representation.labels()
        ]
        return scores, maps

    def scores(self, fields: dict[str, Field], control: EquivariantControl) -> list[EquivariantScore]:
        """R2 of every target at every stage."""
        pairs = [(name, field, one) for name, field in self._wanted(fields).items() for one in self.problems]
        return [self._score(name, field, problem, control) for name, field, problem in pairs]

    def _wanted(self, fields: dict[str, Field]) -> dict[str, Field]:
        unknown = set(self.stages or ()) - set(fields)
        if unknown or not fields:
            raise ProbeError(f"No stage {sorted(unknown)} on nodes; the model has {', '.join(fields) or 'none'}.")
        return {name: field for name, field in fields.items() if self.stages is None or name in self.stages}

    def _score(self, stage: str, field: Field, problem: _Problem, control: EquivariantControl) -> EquivariantScore:
        none = float("nan")
        nothing = EquivariantScore(stage, problem.target, problem.label, control, none, none, none, 0)
        if problem.label not in field.representation.labels():
            return nothing
        truth = self._turned(problem) if control == "turned" else problem.values
        x, y, folds = self._rows(field, problem, truth, stage)
        found = nested_predictions(x, y, folds, intercept=problem.invariant)
        guess = found.view(len(truth), truth.shape[2], -1).transpose(1, 2)
        about = truth.mean(0) if problem.invariant else torch.zeros_like(truth[0])
        spread = (truth - about).square().sum((1, 2))[:, None]
        if not bool((spread > 1e-24 * truth.square().sum((1, 2))[:, None]).any()):
            return replace(nothing, channels=x.shape[1])
        r2, low, high = self.question.share((truth - guess).square().sum((1, 2))[:, None], spread)
        return replace(nothing, r2=float(r2), low=float(low), high=float(high), channels=x.shape[1])

    def _map(self, field: Field, problem: _Problem) -> tuple[Tensor, Tensor]:
        x, y, folds = self._rows(field, problem, problem.values, "")
        return whole_weights(x, y, folds, intercept=problem.invariant)

    def _rows(self, field: Field, problem: _Problem, truth: Tensor, stage: str) -> tuple[Tensor, Tensor, Tensor]:
        """Every component of every node is a row: channels [N * size, mul], targets [N * size, copies], folds."""
        channels = field.to(torch.float64)[problem.label]  # [N, mul, size]
        if not bool(channels.isfinite().all()):
            raise ProbeError(f"Stage {stage!r} has values of {problem.label} that are not finite: repair the model.")
        folds = self.question.fold.repeat_interleave(channels.shape[2])
        return channels.transpose(1, 2).flatten(0, 1), truth.transpose(1, 2).flatten(0, 1), folds

    def _turned(self, problem: _Problem) -> Tensor:
        """The control: each node's target turned by a rotation of its own; invariants shuffled over nodes."""
        try:
            degree = Irrep.parse(problem.label).l
        except IrrepsError:
            degree = 0
        if degree == 0:
            return problem.values[self.question.shuffled()]
        turns = wigner_d(degree, haar_matrices(len(problem.values), self.question.seed, "SO(3)"))
        return torch.einsum("nij,ncj->nci", turns, problem.values)


def _joined(scores: Sequence[EquivariantScore]) -> list[EquivariantScore]:
    """Several random networks as one control: their mean, and the hull of their intervals."""
    found: dict[tuple[str, str, str, str], list[EquivariantScore]] = {}
    for score in scores:
        found.setdefault((score.stage, score.target, score.irrep, score.control), []).append(score)
    return [
        replace(
            same[0],
            r2=sum(one.r2 for one in same) / len(same),
            low=min(one.low for one in same),
            high=max(one.high for one in same),
        )
        for same in found.values()
    ]
