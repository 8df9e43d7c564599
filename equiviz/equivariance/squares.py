"""Sums of squares, stage by stage and irrep by irrep, over the trials of one kind."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch

from equiviz.equivariance.row_matching import RowMatching
from equiviz.equivariance.trials import Trial
from equiviz.features.capture import Capture

BlockName = tuple[str, str]


@dataclass
class BlockSquares:
    """Squares of one irrep of one stage, summed over trials.

    Attributes:
        difference, norm: sums over trials of ||expected - found||^2 and of (||expected||^2 + ||found||^2) / 2.
        trials: how many.
        finite: whether every number was.
        worst, worst_trial: the largest single ||expected - found||^2, and the trial that gave it.
    """

    difference: float = 0.0
    norm: float = 0.0
    trials: int = 0
    finite: bool = True
    worst: float = -1.0
    worst_trial: str = ""

    def add(self, expected: torch.Tensor, found: torch.Tensor, words: str) -> None:
        """One trial more. A non-finite number on either side is remembered and not summed."""
        self.trials += 1
        if not bool(expected.isfinite().all() & found.isfinite().all()):
            self.finite, self.worst, self.worst_trial = False, math.inf, words
            return
        difference = float((expected - found).abs().square().sum())
        self.difference += difference
        self.norm += (float(expected.abs().square().sum()) + float(found.abs().square().sum())) / 2
        if difference > self.worst:
            self.worst, self.worst_trial = difference, words

    @property
    def relative(self) -> float:
        """rms over trials of the difference / rms over trials of the values; inf where not finite, NaN for all zero."""
        if not self.finite:
            return math.inf
        return math.sqrt(self.difference / self.norm) if self.norm > 0 else math.nan


@dataclass
class KindSquares:
    """All blocks of one kind of trial.

    Attributes:
        blocks: by stage and irrep.
        missing: stages that one of the two runs did not pass, with the trial.
        changed_edges: trials in which neighbours came or went, and how many edges did.
    """

    blocks: dict[BlockName, BlockSquares] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    changed_edges: dict[str, int] = field(default_factory=dict)
    trials: int = 0

    def add(self, reference: Capture, other: Capture, trial: Trial) -> None:
        """Compare one trial's record with the reference."""
        self.trials += 1
        matching = RowMatching(reference, other, trial)
        for name in reference:
            if name in other:
                self._add_stage(name, matching)
            else:
                self.missing[name] = trial.words
        if matching.unmatched_edges:
            self.changed_edges[trial.words] = matching.unmatched_edges

    def _add_stage(self, name: str, matching: RowMatching) -> None:
        expected, found = matching.pair(name)
        for label in expected.representation.labels():
            squares = self.blocks.setdefault((name, label), BlockSquares())
            squares.add(expected[label], found[label], matching.trial.words)
