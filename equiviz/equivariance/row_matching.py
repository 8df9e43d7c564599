"""Which row of a transformed record belongs to which row of the reference: nodes by order, edges by their ends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from equiviz.equivariance.trials import Trial
from equiviz.features.capture import Capture
from equiviz.features.precision import wide
from equiviz.structures.graph import Graph
from equiviz.structures.typed_tensors import TypedTensors
from equiviz.symmetry.field import Field
from equiviz.symmetry.groups import Permutation


class Pair(NamedTuple):
    """Two fields of one shape, in double precision, whose rows belong together.

    Attributes:
        expected: the reference's, transformed as it should be.
        found: the trial's.
        origin: which rows of the reference they are; None for all, in their order.
    """

    expected: Field
    found: Field
    origin: Tensor | None


@dataclass(eq=False)
class RowMatching:
    """Pairs the rows of a reference record with those of one trial's run.

    Attributes:
        reference: the record of the input as it came.
        after: the graph of the trial, where the model's forward takes one.
        trial: what was done to the input.
        unmatched_edges: how many edges are in one graph only (neighbours that came or went), once edges were asked for.
    """

    reference: Capture
    after: Graph | None
    trial: Trial
    unmatched_edges: int = 0
    _edges: tuple[Tensor, Tensor] | None = None

    def pair(self, name: str, found: Tensor) -> Pair | None:
        """Expected and found field of a stage, row by row: the reference, transformed as it should be, and the trial's.

        Args:
            name: of the stage.
            found: its values in the trial's run.

        Returns:
            the pair; the found field is NaN, a failure, where the numbers of rows disagree and nothing tells which
            rows belong together. None where the trial says nothing of this support.
        """
        return self._paired(self._expected(name), wide(found))

    def forced(self, name: str, found: Field) -> Field | None:
        """What a stage should have given in the trial's run, in the order of its rows; None where that is not known."""
        if name not in self.reference or self.trial.copies > 1 or self.trial.company:
            return None
        expected = self._expected(name)
        rows = self._rows(expected)
        if rows is None:
            return expected if expected.values.shape == found.values.shape else None
        left, right = (part.to(found.values.device) for part in rows)
        values = wide(found.values).clone()
        values[right] = expected.values[left].to(values)
        return expected.with_values(values)

    def counts_other_edges(self) -> bool:
        """Whether neighbours came or went between the reference's graph and the trial's."""
        before, after = self.reference.graph, self.after
        if before is None or after is None:
            return False
        if self._edges is None:
            self._edges = self._matched_edges(before, after)
        return self.unmatched_edges > 0

    def _expected(self, name: str) -> Field:
        reference = self.reference[name]
        expected = reference.with_values(wide(reference.values))
        if self.trial.edge_order is not None and reference.support == "edge":
            expected = expected.with_values(expected.values[self.trial.edge_order.to(expected.values.device)])
        return expected if self.trial.g is None else expected.transform(self.trial.g)

    def _paired(self, expected: Field, found: Tensor) -> Pair | None:
        if self.trial.copies > 1:
            return _repeated(expected, found, self.trial.copies)
        rows = self._rows(expected)
        if rows is not None:
            left, right = (part.to(found.device) for part in rows)
            return Pair(expected.with_values(expected.values[left]), expected.with_values(found[right]), left)
        if expected.support == "edge" and self._hides_edges():
            return None
        if self.trial.company:
            found = found[: len(expected)]
        if found.shape != expected.values.shape:
            found = torch.full_like(expected.values, torch.nan)
        g = self.trial.g
        order = g.order if isinstance(g, Permutation) and expected.support == "node" else None
        return Pair(expected, expected.with_values(found), order)

    def _hides_edges(self) -> bool:
        """Whether nodes were reordered, and a function lists edges that it found itself, in an order of its own."""
        x = self.trial.x
        return isinstance(self.trial.g, Permutation) and isinstance(x, TypedTensors) and x.edges is None

    def _rows(self, reference: Field) -> tuple[Tensor, Tensor] | None:
        if reference.support != "edge" or self.reference.graph is None or self.after is None:
            return None
        if self._edges is None:
            self._edges = self._matched_edges(self.reference.graph, self.after)
        return self._edges

    def _matched_edges(self, before: Graph, after: Graph) -> tuple[Tensor, Tensor]:
        relabelled, shifts = before.edge_index, before.shifts
        if self.trial.winding is not None:
            # An atom that moved by n cells meets its neighbour n cells earlier.
            sender, receiver = self.trial.winding.to(shifts)[relabelled]
            shifts = shifts + receiver - sender
        if isinstance(self.trial.g, Permutation):
            relabelled = self.trial.g.inverse().order.to(before.edge_index.device)[before.edge_index]
        ours = torch.cat([relabelled, shifts.T.to(relabelled)]).cpu().numpy()  # [5, E]
        theirs = torch.cat([after.edge_index, after.shifts.T.to(after.edge_index)]).cpu().numpy()  # [5, E']
        theirs_within = np.flatnonzero(theirs[1] < len(before.positions)) if self.trial.company else slice(None)
        theirs = theirs[:, theirs_within]
        left, right = _common(ours, theirs)
        self.unmatched_edges = ours.shape[1] + theirs.shape[1] - 2 * len(left)
        return torch.from_numpy(left), torch.from_numpy(right)


def _repeated(expected: Field, found: Tensor, copies: int) -> Pair | None:
    """In a supercell each image has what the cell had; a number per structure stays, or grows with the copies."""
    if expected.support == "edge":
        return None
    rows = torch.arange(len(expected))
    if expected.support == "graph":
        grown = expected.values * copies
        if found.shape == grown.shape and bool((found - grown).norm() < (found - expected.values).norm()):
            expected = expected.with_values(grown)
    else:
        expected = expected.with_values(expected.values.repeat(copies, *[1] * (expected.values.ndim - 1)))
        rows = rows.repeat(copies)
    if found.shape != expected.values.shape:
        found = torch.full_like(expected.values, torch.nan)
    return Pair(expected, expected.with_values(found), rows)


def _common(ours: NDArray[np.int64], theirs: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Positions of the columns that both hold, paired. Each column is packed into one integer by its range."""
    both = np.concatenate([ours, theirs], axis=1)
    if both.shape[1] == 0:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    low = both.min(axis=1, keepdims=True)
    extent = (both.max(axis=1) - low[:, 0] + 1).tolist()
    packed = np.asarray(np.ravel_multi_index(tuple(both - low), tuple(extent)))
    split = ours.shape[1]
    _, left, right = np.intersect1d(packed[:split], packed[split:], assume_unique=True, return_indices=True)
    return left, right
