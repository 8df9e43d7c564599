"""Does long work keep its order, stay small in memory, and give the same on a cluster as here?"""

from __future__ import annotations

import gc
import os
import weakref
from collections.abc import Iterator

import pytest
import torch

from equiviz.explain.chunks import AHEAD, DaskClient, batches, in_chunks
from equiviz.features.capture import capture
from equiviz.symmetry.field import Field
from tests.toy_networks import ToyNetwork, molecule, toy


class Piece:
    """Something that can be counted while it lives."""

    def __init__(self, number: int) -> None:
        self.number = number


class Living:
    """How many of what it handed out are still there, and how many there were at most."""

    def __init__(self) -> None:
        self.alive: weakref.WeakSet[Piece] = weakref.WeakSet()
        self.most = 0

    def draw(self, count: int) -> Iterator[Piece]:
        for number in range(count):
            piece = Piece(number)
            self.alive.add(piece)
            self.most = max(self.most, len(self.alive))
            yield piece
            del piece


class Threefold:
    """A function with state, which goes to the workers once."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, number: int) -> tuple[int, int]:
        if number < 0:
            raise ValueError(f"Expected a number that is not negative, got {number}.")
        self.calls += 1
        return 3 * number, self.calls


class LastLayer:
    """A model at work: what `capture` finds in one structure."""

    def __init__(self, model: ToyNetwork) -> None:
        self.model = model

    def __call__(self, seed: int) -> Field:
        return list(capture(self.model, molecule(seed=seed)).values())[-1]


class DiesOnce:
    """Kills the process that works on the third part for the first time."""

    def __init__(self, flag: str) -> None:
        self.flag = flag

    def __call__(self, number: int) -> int:
        if number == 2 and not os.path.exists(self.flag):
            open(self.flag, "w").close()
            os._exit(1)
        return number


def test_results_come_in_order() -> None:
    assert [triple for triple, _ in in_chunks(Threefold(), range(5))] == [0, 3, 6, 9, 12]


def test_one_part_at_a_time_is_held() -> None:
    living = Living()
    total = sum(in_chunks(lambda piece: piece.number, living.draw(50)))
    assert total == sum(range(50))
    # The loop variable of the generator, and the one being made.
    assert living.most <= 2


def test_the_count_of_the_living_trips_where_parts_are_kept() -> None:
    living = Living()
    kept = list(living.draw(50))
    gc.collect()
    assert living.most == len(kept) == 50


def test_batches_are_drawn_as_needed() -> None:
    drawn: list[int] = []
    source = (drawn.append(number) or number for number in range(7))
    made = batches(source, 3)
    assert next(made) == [0, 1, 2]
    assert drawn == [0, 1, 2]
    assert list(made) == [[3, 4, 5], [6]]
    with pytest.raises(ValueError, match="at least one entry, got size=0"):
        next(batches([], 0))


def test_a_cluster_gives_the_same(client: DaskClient) -> None:
    here = list(in_chunks(Threefold(), range(20)))
    found = list(in_chunks(Threefold(), range(20), client))
    assert [triple for triple, _ in found] == [triple for triple, _ in here] == [3 * number for number in range(20)]


def test_a_worker_gets_the_function_once(client: DaskClient) -> None:
    # A worker's copy counts on; were it sent with every part, it would count to one each time.
    assert max(calls for _, calls in in_chunks(Threefold(), range(20), client)) > 1


def test_a_cluster_runs_models(client: DaskClient) -> None:
    look = LastLayer(toy())
    for here, there in zip(in_chunks(look, range(3)), in_chunks(look, range(3), client), strict=True):
        torch.testing.assert_close(here.values, there.values, rtol=1e-12, atol=1e-12)
        assert here.representation == there.representation


def test_a_cluster_is_given_few_parts_at_a_time(client: DaskClient) -> None:
    drawn: list[int] = []
    source = (drawn.append(number) or number for number in range(30))
    found = in_chunks(Threefold(), source, client)
    next(found)
    assert len(drawn) <= AHEAD * 2
    assert len(list(found)) == 29


def test_errors_of_a_cluster_are_those_of_the_function(client: DaskClient) -> None:
    with pytest.raises(ValueError, match="not negative, got -1"):
        list(in_chunks(Threefold(), [1, -1, 2], client))


def test_a_worker_that_dies_loses_nothing(client: DaskClient, tmp_path: object) -> None:
    found = list(in_chunks(DiesOnce(f"{tmp_path}/flag"), range(6), client))
    assert found == list(range(6))
