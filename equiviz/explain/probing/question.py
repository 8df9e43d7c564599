"""What is to be predicted, how it is held out, and how well it is predicted."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from equiviz.explain.probing.report import Control, ProbeScore
from equiviz.explain.probing.ridge import nested_predictions

RESAMPLES = 500


@dataclass(frozen=True, eq=False)
class Question:
    """Targets, and which environments are held out together.

    Attributes:
        targets: [N, T] float64.
        names: of the targets.
        group: number of each environment's group [N], whole in training or in test.
        fold: number of each environment's fold [N].
        seed: of the shuffling and the intervals.
        known: scores by stage and what the regression saw.
        features: number of columns by stage.
    """

    targets: Tensor
    names: list[str]
    group: Tensor
    fold: Tensor
    seed: int
    known: dict[tuple[str, bytes], list[ProbeScore]] = field(default_factory=dict)
    features: dict[str, int] = field(default_factory=dict)

    def scores(self, stages: Iterable[tuple[str, Tensor]], controls: Sequence[Control]) -> list[ProbeScore]:
        """R2 of every target at every stage, under the given controls (shuffled targets share the regression)."""
        return [score for name, columns in stages for score in self._known_scores(name, columns, controls)]

    def shuffled(self) -> Tensor:
        """The environments in random order [N]."""
        return torch.randperm(len(self.targets), generator=self._generator())

    def r2(self, truth: Tensor, guess: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """R2 of the pooled held-out predictions [T], and its 95 % interval over resampled groups; NaN if constant."""
        errors = (truth - guess).square()
        centred = truth - truth.mean(0)
        centred = torch.where(centred.abs().amax(0) > 1e-12 * truth.abs().amax(0), centred, math.nan)
        return self.share(errors, centred.square())

    def share(self, errors: Tensor, spread: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """1 - sum of errors / sum of spread [T] of [N, T] each, and its 95 % interval over resampled groups."""
        count = int(self.group.max()) + 1
        lost, whole = (part.new_zeros(count, part.shape[1]).index_add(0, self.group, part) for part in (errors, spread))
        draws = torch.randint(count, (RESAMPLES, count), generator=self._generator())
        resampled = 1 - lost[draws].sum(1) / whole[draws].sum(1)  # [RESAMPLES, T]
        low, high = resampled.quantile(torch.tensor([0.025, 0.975], dtype=errors.dtype), 0)
        return 1 - lost.sum(0) / whole.sum(0), low, high

    def _known_scores(self, stage: str, columns: Tensor, controls: Sequence[Control]) -> list[ProbeScore]:
        """A stage without learned weights is the same in every network: it is regressed once."""
        key = stage, hashlib.sha256(columns.contiguous().numpy().tobytes()).digest()
        if key in self.known:
            return [replace(score, control=controls[0]) for score in self.known[key] if score.control != "shuffled"]
        self.features[stage] = max(columns.shape[1], self.features.get(stage, 0))
        self.known[key] = list(self._scores(stage, columns, controls))
        return self.known[key]

    def _scores(self, stage: str, columns: Tensor, controls: Sequence[Control]) -> Iterator[ProbeScore]:
        order = self.shuffled()
        asked: dict[Control, Tensor] = {
            kind: self.targets[order] if kind == "shuffled" else self.targets for kind in controls
        }
        both = torch.cat(list(asked.values()), 1)
        found = nested_predictions(columns, both, self.fold) if columns.shape[1] else both.mean(0).expand_as(both)
        for kind, truth, guess in zip(asked, asked.values(), found.chunk(len(asked), 1), strict=True):
            r2, low, high = self.r2(truth, guess)
            for i, name in enumerate(self.names):
                yield ProbeScore(stage, name, kind, float(r2[i]), float(low[i]), float(high[i]))

    def _generator(self) -> torch.Generator:
        return torch.Generator().manual_seed(self.seed)
