"""Is a data set captured structure by structure, in order, in little memory, and on a cluster as here?"""

from __future__ import annotations

import weakref
from collections.abc import Iterator

import pytest
import torch

from equiviz import capture_each
from equiviz.explain.chunks import DaskClient
from equiviz.features.capture import capture
from equiviz.features.errors import CaptureError
from equiviz.structures.structure import Structure
from tests.toy_networks import molecule, toy

STAGE = "stage_layers.0"


class Counted:
    """Structures that are made as they are drawn, and how many of them lived at once."""

    def __init__(self) -> None:
        self.alive: weakref.WeakSet[torch.Tensor] = weakref.WeakSet()
        self.most = 0

    def draw(self, count: int) -> Iterator[Structure]:
        for seed in range(count):
            structure = molecule(4 + seed % 3, seed=seed)
            self.alive.add(structure.positions)
            self.most = max(self.most, len(self.alive))
            yield structure
            del structure


def test_it_is_what_capture_records_in_the_same_order() -> None:
    model, structures = toy(), [molecule(4 + seed, seed=seed) for seed in range(3)]
    for one, structure in zip(capture_each(model, structures), structures, strict=True):
        alone = capture(model, structure)
        assert list(one) == list(alone)
        assert one.graph is not None
        assert all(torch.equal(one[name].values, alone[name].values) for name in alone)


def test_only_the_stages_that_are_named_are_kept() -> None:
    (found,) = capture_each(toy(), [molecule(5)], stages=[STAGE, "output.energy"])
    assert list(found) == [STAGE, "output.energy"]
    assert found.graph is None
    assert not any(field.values.requires_grad for field in found.values())


def test_structures_are_drawn_one_by_one() -> None:
    counted = Counted()
    rows = [len(one[STAGE]) for one in capture_each(toy(layers=1), counted.draw(20), stages=[STAGE])]
    assert rows == [4 + seed % 3 for seed in range(20)]
    # The loop variable of the generator, and the one being made.
    assert counted.most <= 2


def test_the_count_trips_where_a_list_is_kept() -> None:
    counted = Counted()
    list(capture_each(toy(layers=1), list(counted.draw(5)), stages=[STAGE]))
    assert counted.most == 5


def test_a_cluster_gives_the_same(client: DaskClient) -> None:
    model, structures = toy(), [molecule(4 + seed % 4, seed=seed) for seed in range(6)]
    here = capture_each(model, structures, stages=[STAGE])
    there = capture_each(model, iter(structures), stages=[STAGE], client=client)
    for one, other in zip(here, there, strict=True):
        torch.testing.assert_close(one[STAGE].values, other[STAGE].values, rtol=1e-12, atol=1e-12)
        assert one[STAGE].representation == other[STAGE].representation


def test_what_cannot_be_captured_is_refused_in_words(client: DaskClient) -> None:
    with pytest.raises(CaptureError, match=r"got a single Structure: put it into a list, or use equiviz\.capture"):
        capture_each(toy(), molecule(4))  # type: ignore[arg-type]
    with pytest.raises(CaptureError, match=r"list of names, got the name 'energy': write \['energy'\]"):
        capture_each(toy(), [molecule(4)], stages="energy")
    for where in (None, client):
        with pytest.raises(CaptureError, match=r"There is no stage 'layer9'; this model passes stage_harmonics"):
            list(capture_each(toy(), [molecule(4)], stages=["layer9"], client=where))
