"""Does each training of the glass benchmark have a state of its own?"""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

from equiviz.apps.glass_benchmark import state_folder
from equiviz.apps.glass_benchmark_cells import CELLS
from tests.training.liquids import liquid

CROSS_VALIDATED = next(cell for cell in CELLS if cell.folds)


def test_folds_that_share_their_first_configuration_share_no_state() -> None:
    """Folds 1 and 2 of five both begin with configuration 0; one's weights have seen the other's test set."""
    every = [liquid(seed) for seed in range(5)]
    folds = [[c for place, c in enumerate(every) if place != held] for held in range(5)]
    assert len({state_folder(CROSS_VALIDATED, fold, 0) for fold in folds}) == len(folds)


def test_other_seeds_settings_or_targets_have_another_state() -> None:
    every = [liquid(seed) for seed in range(2)]
    other_targets = [replace(every[0], propensity=2 * every[0].propensity), every[1]]
    found = [
        state_folder(CROSS_VALIDATED, every, 0),
        state_folder(CROSS_VALIDATED, every, 1),
        state_folder(replace(CROSS_VALIDATED, plan={"vector_weight": 0.7}), every, 0),
        state_folder(CROSS_VALIDATED, other_targets, 0),
    ]
    assert all(one != two for one, two in combinations(found, 2))
    assert found[0] == state_folder(CROSS_VALIDATED, [liquid(seed) for seed in range(2)], 0)
