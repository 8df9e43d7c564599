"""Which row of a transformed record belongs to which row of the reference: nodes by order, edges by their ends."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from equiviz.equivariance.trials import Trial
from equiviz.features.capture import Capture
from equiviz.features.precision import wide
from equiviz.structures.graph import Graph
from equiviz.symmetry.field import Field
from equiviz.symmetry.groups import Permutation


@dataclass(eq=False)
class RowMatching:
    """Pairs the rows of a reference record with those of one trial's record.

    Attributes:
        reference, other: the two records.
        trial: what was done to the input of `other`.
        unmatched_edges: how many edges are in one graph only (neighbours that came or went), once edges were asked for.
    """

    reference: Capture
    other: Capture
    trial: Trial
    unmatched_edges: int = 0
    _edges: tuple[Tensor, Tensor] | None = None

    def pair(self, name: str) -> tuple[Field, Field]:
        """Expected and found field of a stage, row by row: the reference, transformed as it should be, and the trial's.

        Returns:
            two fields of one shape in double precision; the found one is NaN, a failure, where the numbers of rows
            disagree and nothing tells which rows belong together.
        """
        reference = self.reference[name]
        expected = reference.with_values(wide(reference.values))
        if self.trial.g is not None:
            expected = expected.transform(self.trial.g)
        return self._paired(expected, wide(self.other[name].values))

    def _paired(self, expected: Field, found: Tensor) -> tuple[Field, Field]:
        rows = self._rows(expected)
        if rows is not None:
            left, right = (part.to(found.device) for part in rows)
            return expected.with_values(expected.values[left]), expected.with_values(found[right])
        if self.trial.company:
            found = found[: len(expected)]
        if found.shape != expected.values.shape:
            found = torch.full_like(expected.values, torch.nan)
        return expected, expected.with_values(found)

    def _rows(self, reference: Field) -> tuple[Tensor, Tensor] | None:
        if reference.support != "edge" or self.reference.graph is None or self.other.graph is None:
            return None
        if self._edges is None:
            self._edges = self._matched_edges(self.reference.graph, self.other.graph)
        return self._edges

    def _matched_edges(self, before: Graph, after: Graph) -> tuple[Tensor, Tensor]:
        relabelled = before.edge_index
        if isinstance(self.trial.g, Permutation):
            relabelled = self.trial.g.inverse().order.to(before.edge_index.device)[before.edge_index]
        ours = torch.cat([relabelled, before.shifts.T.to(relabelled)]).cpu().numpy()  # [5, E]
        theirs = torch.cat([after.edge_index, after.shifts.T.to(after.edge_index)]).cpu().numpy()  # [5, E']
        theirs_within = np.flatnonzero(theirs[1] < len(before.positions)) if self.trial.company else slice(None)
        theirs = theirs[:, theirs_within]
        left, right = _common(ours, theirs)
        self.unmatched_edges = ours.shape[1] + theirs.shape[1] - 2 * len(left)
        return torch.from_numpy(left), torch.from_numpy(right)


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
