"""Are random states given back as they were?"""

from __future__ import annotations

import random

import numpy as np
import torch

from equiviz.training.seeds import RandomState, epoch_order, seeded


def _draw() -> tuple[float, ...]:
    return (
        random.random(),
        random.gauss(0, 1),
        float(np.random.rand()),
        float(np.random.randn()),
        float(torch.randn(1)),
    )


def test_a_seeded_block_repeats_and_leaves_no_trace() -> None:
    outside = RandomState.now()
    with seeded(3):
        first = _draw()
    with seeded(3):
        second = _draw()
    with seeded(4):
        third = _draw()
    assert first == second != third
    after = _draw()
    outside.restore()
    assert _draw() == after


def test_a_state_survives_the_way_through_tensors_and_json() -> None:
    import json

    _draw()  # leaves a Gaussian in store in both numpy and Python
    state = RandomState.now()
    scalars = json.loads(json.dumps(state.scalars()))
    expected = [_draw() for _ in range(3)]
    RandomState.from_parts(state.tensors(), scalars).restore()
    assert [_draw() for _ in range(3)] == expected


def test_the_order_of_an_epoch_is_a_function_of_seed_and_epoch() -> None:
    assert epoch_order(10, 1, 2) == epoch_order(10, 1, 2)
    assert sorted(epoch_order(10, 1, 2)) == list(range(10))
    assert epoch_order(10, 1, 2) != epoch_order(10, 1, 3)
    assert epoch_order(10, 1, 2) != epoch_order(10, 2, 2)
