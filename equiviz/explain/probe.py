"""`probe(model, structures, targets)`: which expert descriptors can be read off each stage by a linear map?"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor, nn

from equiviz.explain.asked_targets import Asked, as_targets
from equiviz.explain.environments import Environments
from equiviz.explain.errors import ProbeError
from equiviz.explain.folds import folds_of, groups
from equiviz.explain.invariant_columns import Invariants, invariant_columns
from equiviz.explain.probe_report import Control, ProbeReport, ProbeScore
from equiviz.explain.random_network import random_network
from equiviz.explain.ridge import nested_predictions
from equiviz.explain.targets import column_names
from equiviz.features.model_input import measured_inputs
from equiviz.structures.interchange.recognised import StructureLike
from equiviz.symmetry.field import Field

RESAMPLES = 500
# Environments per feature, at least: with fewer the folds do not tell the penalties apart.
FEWEST_ROWS = 2


def probe(
    model: nn.Module,
    structures: StructureLike | Sequence[StructureLike],
    targets: Asked,
    *,
    stages: Collection[str] | None = None,
    species: Collection[int] | None = None,
    invariants: Sequence[Invariants] = ("norms", "power_spectrum"),
    folds: int = 5,
    seed: int = 0,
    max_environments: int = 10_000,
    max_features: int | None = None,
    random_networks: int = 3,
) -> ProbeReport:
    """Regress descriptors on the invariants of each node stage, by ridge with nested cross-validation.

    Folds hold whole structures, or slabs of space where there are fewer structures than folds. Two controls: targets
    shuffled over environments (must give R2 of about 0), and a network of the same shape with random weights (what the
    architecture gives without learning).

    Example:
        >>> report = probe(model, glass, ["q_4", "q_6"])  # doctest: +SKIP
        >>> report = probe(model, glass, {"mobility": mobility})  # [nodes]  # doctest: +SKIP

    Args:
        model: anything that `equiviz.capture` takes; it is run under `torch.no_grad`.
        structures: one or several: Structures, `ase.Atoms`, PyG `Data` or paths of files. Of a model that reads
            something else, such as holograms of proteins, what it reads, or files; targets are arrays then.
        targets: the name of a family of descriptors (`equiviz.descriptors.available()`) or of one of its columns, such
            as ``"q_4"``: then it looks as far as the first shell of about 12 neighbours; a descriptor; a list of those;
            or a dict of names to any of these or to arrays with one row per node (over all structures, one after the
            other, or a list with an array for each).
        stages: names of the stages to read; None for all on nodes.
        species: only nodes of these species.
        invariants: what is read of a stage: "norms", "inner_products", "power_spectrum", "ratios"; see
            `invariant_columns`.
        folds: number of folds, at least 3.
        seed: of the sample, the shuffling, the random network and the intervals.
        max_environments: a larger set is sampled.
        max_features: more columns than this are reduced to their leading principal components, at their own variance;
            None for half as many as environments. The report tells where there are many for so few environments.
        random_networks: how many networks with random weights to compare with; 0 for none. One is not enough to say
            what training did: networks differ by their seeds.

    Raises:
        ProbeError: too few environments; unknown stage; no target, or what is none; values that are not finite.
        CaptureError: as `equiviz.capture`.
    """
    listed = measured_inputs(model, structures)
    asked = as_targets(targets, listed)
    names = column_names(asked)
    sample = Environments.sample(listed, max_environments, species, seed)
    group = groups(sample.positions, folds)
    question = _Question(sample.targets(asked), names, group, folds_of(group, folds), seed)
    reading = _Reading(sample, invariants, max_features or len(group) // FEWEST_ROWS, stages)
    scores = question.scores(reading.columns(model), ("trained", "shuffled"))
    fresh = [network for i in range(random_networks) if (network := random_network(model, seed + i)) is not None]
    scores += _hull([question.scores(reading.columns(network), ("random weights",)) for network in fresh])
    counted = (type(model).__name__, scores, len(group), int(group.max()) + 1, tuple(invariants))
    return ProbeReport(*counted, features=dict(question.features), networks=len(fresh))


def _hull(of_networks: Sequence[Sequence[ProbeScore]]) -> list[ProbeScore]:
    """Several random networks as one control: their mean, and the hull of their intervals."""
    joined: list[ProbeScore] = []
    for same in zip(*of_networks, strict=True):
        mean = sum(score.r2 for score in same) / len(same)
        low, high = min(score.low for score in same), max(score.high for score in same)
        joined.append(replace(same[0], r2=mean, low=low, high=high))
    return joined


@dataclass(frozen=True, eq=False)
class _Reading:
    """How stages become regression columns."""

    sample: Environments
    invariants: Sequence[Invariants]
    max_features: int
    stages: Collection[str] | None

    def columns(self, model: nn.Module) -> Iterator[tuple[str, Tensor]]:
        """Stage names and their features [N, F], one stage at a time."""
        for name, values in self._wanted(self.sample.stages(model)).items():
            try:
                yield name, invariant_columns(values, self.invariants, self.max_features)
            except ProbeError as problem:
                raise ProbeError(f"Stage {name!r}: {problem}") from problem

    def _wanted(self, fields: Mapping[str, Field]) -> dict[str, Field]:
        unknown = set(self.stages or ()) - set(fields)
        if unknown or not fields:
            raise ProbeError(f"No stage {sorted(unknown)} on nodes; the model has {', '.join(fields) or 'none'}.")
        return {name: values for name, values in fields.items() if self.stages is None or name in self.stages}


@dataclass(frozen=True, eq=False)
class _Question:
    """What is to be predicted, and how it is held out."""

    targets: Tensor  # [N, T]
    names: list[str]
    group: Tensor  # [N]
    fold: Tensor  # [N]
    seed: int
    known: dict[tuple[str, bytes], list[ProbeScore]] = field(default_factory=dict)
    features: dict[str, int] = field(default_factory=dict)

    def scores(self, stages: Iterable[tuple[str, Tensor]], controls: Sequence[Control]) -> list[ProbeScore]:
        """R2 of every target at every stage, under the given controls (shuffled targets share the regression)."""
        return [score for name, columns in stages for score in self._known_scores(name, columns, controls)]

    def _known_scores(self, stage: str, columns: Tensor, controls: Sequence[Control]) -> list[ProbeScore]:
        """A stage without learned weights is the same in every network: it is regressed once."""
        key = stage, hashlib.sha256(columns.contiguous().numpy().tobytes()).digest()
        if key in self.known:
            return [replace(score, control=controls[0]) for score in self.known[key] if score.control != "shuffled"]
        self.features[stage] = max(columns.shape[1], self.features.get(stage, 0))
        self.known[key] = list(self._scores(stage, columns, controls))
        return self.known[key]

    def _scores(self, stage: str, columns: Tensor, controls: Sequence[Control]) -> Iterator[ProbeScore]:
        order = torch.randperm(len(self.targets), generator=self._generator())
        asked: dict[Control, Tensor] = {
            kind: self.targets[order] if kind == "shuffled" else self.targets for kind in controls
        }
        both = torch.cat(list(asked.values()), 1)
        found = nested_predictions(columns, both, self.fold) if columns.shape[1] else both.mean(0).expand_as(both)
        for kind, truth, guess in zip(asked, asked.values(), found.chunk(len(asked), 1), strict=True):
            r2, low, high = self._r2(truth, guess)
            for i, name in enumerate(self.names):
                yield ProbeScore(stage, name, kind, float(r2[i]), float(low[i]), float(high[i]))

    def _r2(self, truth: Tensor, guess: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """R2 of the pooled held-out predictions [T], and its 95 % interval over resampled groups; NaN if constant."""
        count = int(self.group.max()) + 1
        errors = truth.new_zeros(count, truth.shape[1]).index_add(0, self.group, (truth - guess).square())
        centred = truth - truth.mean(0)
        centred = torch.where(centred.abs().amax(0) > 1e-12 * truth.abs().amax(0), centred, math.nan)
        spread = truth.new_zeros(count, truth.shape[1]).index_add(0, self.group, centred.square())
        draws = torch.randint(count, (RESAMPLES, count), generator=self._generator())
        resampled = 1 - errors[draws].sum(1) / spread[draws].sum(1)  # [RESAMPLES, T]
        low, high = resampled.quantile(torch.tensor([0.025, 0.975], dtype=truth.dtype), 0)
        return 1 - errors.sum(0) / spread.sum(0), low, high

    def _generator(self) -> torch.Generator:
        return torch.Generator().manual_seed(self.seed)
