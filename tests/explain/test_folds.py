"""Are environments held out in as many groups as there are folds, wherever they lie?"""

from __future__ import annotations

import pytest
import torch

from equiviz.explain.errors import ProbeError
from equiviz.explain.probing.folds import folds_of, groups


def test_structures_without_chosen_environments_leave_no_fold_empty() -> None:
    """Five structures, but the species asked for is in two of them: these are cut into slabs."""
    positions = [torch.rand(count, 3, generator=torch.Generator().manual_seed(count)) for count in (0, 40, 0, 60, 0)]
    group = groups(positions, folds=5)
    assert len(group) == 100
    assert set(folds_of(group, 5).tolist()) == set(range(5))


def test_too_few_groups_are_refused() -> None:
    positions = [torch.rand(count, 3) for count in (97, 1, 1, 1)]
    with pytest.raises(ProbeError, match="fall into 8 groups, too few for 10 folds"):
        groups(positions, folds=10)
