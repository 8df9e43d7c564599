"""Sums of squares, stage by stage and irrep by irrep, over the trials of one kind."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from equiviz.equivariance.row_matching import RowMatching
from equiviz.equivariance.trials import Trial
from equiviz.features.capture import Capture
from equiviz.symmetry.groups import GroupElement

BlockName = tuple[str, str]


@dataclass
class BlockSquares:
    """Squares of one irrep of one stage, summed over trials.

    Attributes:
        difference, norm: sums over trials of ||expected - found||^2 and of (||expected||^2 + ||found||^2) / 2.
        trials: how many.
        finite: whether every number was.
        worst, worst_trial: the largest single ||expected - found||^2, and the trial that gave it.
        errors: the relative error of each trial, in their order.
        drawn: how many trials were of elements drawn at random.
        worst_of: the trial with the largest difference itself, while a check runs.
        worst_element: the group element of that trial, once the check is done.
        rows: the part of `difference` that each row of the reference has.
    """

    difference: float = 0.0
    norm: float = 0.0
    trials: int = 0
    finite: bool = True
    worst: float = -1.0
    worst_trial: str = ""
    errors: list[float] = field(default_factory=list)
    worst_of: Trial | None = None
    worst_element: GroupElement | None = None
    drawn: int = 0
    rows: Tensor | None = None

    def add(self, expected: Tensor, found: Tensor, trial: Trial, origin: Tensor | None = None) -> None:
        """One trial more. A non-finite number on either side is remembered and not summed.

        Args:
            expected, found: ``[rows, mul, size]``.
            trial: which gave `found`.
            origin: to which rows of the reference they belong; None for all, in their order.
        """
        self.trials, self.drawn = self.trials + 1, self.drawn + trial.drawn
        if not bool(expected.isfinite().all() & found.isfinite().all()):
            self.finite, self.worst, self.worst_trial, self.worst_of = False, math.inf, trial.words, trial
            self.errors.append(math.inf)
            return
        by_row = (expected - found).abs().square().flatten(1).sum(1)
        difference = float(by_row.sum())
        norm = (float(expected.abs().square().sum()) + float(found.abs().square().sum())) / 2
        self.difference, self.norm = self.difference + difference, self.norm + norm
        self.errors.append(math.sqrt(difference / norm) if norm > 0 else 0.0)
        self._add_rows(by_row, origin)
        if difference > self.worst:
            self.worst, self.worst_trial, self.worst_of = difference, trial.words, trial

    def add_many(self, expected: Tensor, found: Tensor, trials: Sequence[Callable[[], Trial]], drawn: int) -> None:
        """Several trials more, at once.

        Args:
            expected: ``[1, rows, dim]``, the reference.
            found: ``[trials, rows, dim]``, turned back.
            trials: make the trials; only the worst is made.
            drawn: how many of them are of elements drawn at random.
        """
        finite = expected.isfinite().all() & found.isfinite().flatten(1).all(1)  # [trials]
        by_row = torch.where(finite[:, None], (expected - found).abs().square().sum(-1), 0.0)  # [trials, rows]
        differences = by_row.sum(1)
        norms = torch.where(finite, (expected.abs().square().sum() + found.abs().square().flatten(1).sum(1)) / 2, 0.0)
        errors = torch.where(norms > 0, differences / norms, 0.0).sqrt()
        self.trials, self.drawn = self.trials + len(trials), self.drawn + drawn
        self.finite = self.finite and bool(finite.all())
        self.difference, self.norm = self.difference + float(differences.sum()), self.norm + float(norms.sum())
        self.errors += torch.where(finite, errors, math.inf).tolist()
        self._add_rows(by_row.sum(0), None)
        worst = torch.where(finite, differences, math.inf)
        place = int(worst.argmax()) if len(worst) else 0
        if len(worst) and float(worst[place]) > self.worst:
            trial = trials[place]()
            self.worst, self.worst_trial, self.worst_of = float(worst[place]), trial.words, trial

    def _add_rows(self, by_row: Tensor, origin: Tensor | None) -> None:
        origin = torch.arange(len(by_row)) if origin is None else origin.cpu()
        count = max(0 if self.rows is None else len(self.rows), int(origin.max()) + 1 if len(origin) else 0)
        total = by_row.new_zeros(count).index_add(0, origin.to(by_row.device), by_row)
        if self.rows is not None:
            total[: len(self.rows)] += self.rows
        self.rows = total

    def merge(self, other: BlockSquares) -> None:
        """Add the trials of another sum."""
        self.difference, self.norm = self.difference + other.difference, self.norm + other.norm
        self.trials, self.finite = self.trials + other.trials, self.finite and other.finite
        self.errors += other.errors
        self.drawn += other.drawn
        if other.worst > self.worst:
            self.worst, self.worst_trial, self.worst_of = other.worst, other.worst_trial, other.worst_of
        if self.rows is not None and other.rows is not None and len(self.rows) == len(other.rows):
            self.rows = self.rows + other.rows

    @property
    def is_even(self) -> bool:
        """Whether all trials err alike, as rounding does: half of them by a tenth of the largest error or more."""
        known = sorted(self.errors)
        return not known or known[len(known) // 2] >= 0.1 * known[-1]

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

    def add(self, other: Capture, matching: RowMatching) -> None:
        """Compare one trial's record with the reference."""
        self.trials += 1
        for name in matching.reference:
            if name in other:
                self._add_stage(name, other, matching)
            else:
                self.missing[name] = matching.trial.words
        if matching.unmatched_edges:
            self.changed_edges[matching.trial.words] = matching.unmatched_edges

    def add_many(
        self, name: BlockName, expected: Tensor, found: Tensor, trials: Sequence[Callable[[], Trial]], drawn: int
    ) -> None:
        """Compare one block of many trials with the reference; arguments as `BlockSquares.add_many`."""
        self.blocks.setdefault(name, BlockSquares()).add_many(expected, found, trials, drawn)

    def merge(self, other: KindSquares) -> None:
        """Add the trials of another sum."""
        self.trials += other.trials
        self.missing.update(other.missing)
        for name, block in other.blocks.items():
            self.blocks.setdefault(name, BlockSquares()).merge(block)

    @property
    def largest(self) -> float:
        """The largest relative error of a block that is not all zero; inf where a stage is missing or not finite."""
        told = [block.relative for block in self.blocks.values() if block.norm > 0 or not block.finite]
        return math.inf if self.missing else max(told, default=0.0)

    def block(self, stage: str, irrep: str) -> BlockSquares:
        """The sums of one block; empty where there are none."""
        return self.blocks.get((stage, irrep), BlockSquares())

    def _add_stage(self, name: str, other: Capture, matching: RowMatching) -> None:
        pair = matching.pair(name, other[name].values)
        if pair is None:
            return
        for label in pair.expected.representation.labels():
            squares = self.blocks.setdefault((name, label), BlockSquares())
            squares.add(pair.expected[label], pair.found[label], matching.trial, pair.origin)


def difference_of(reference: Tensor, found: Tensor) -> float:
    """Relative difference of two tensors of one shape; inf where not finite, 0 for two zeros."""
    if not bool(torch.isfinite(reference).all() & torch.isfinite(found).all()):
        return math.inf
    norm = math.sqrt((float(reference.abs().square().sum()) + float(found.abs().square().sum())) / 2)
    return float((reference - found).abs().square().sum()) ** 0.5 / norm if norm else 0.0
