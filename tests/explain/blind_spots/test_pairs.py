"""Do the known pairs share what they say, do they differ, and would the instruments notice if not?"""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from equiviz.explain.blind_spots.pairs import (
    Pair,
    chain,
    fold,
    four_body,
    known_pairs,
    mirror_images,
    three_body,
    two_body,
)
from equiviz.explain.blind_spots.sameness import Degrees, Hops, ManyBody
from equiviz.explain.blind_spots.superposition import apart
from equiviz.explain.errors import BlindSpotError
from equiviz.structures.structure import Structure
from equiviz.symmetry.groups import O3, Permutation, Translation, haar
from tests.explain.blind_spots.known import cloud

PAIRS = known_pairs()


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.name)
def test_pairs_share_what_they_say_and_differ(pair: Pair) -> None:
    proof = pair.certificate()
    assert proof.difference < 1e-13
    assert proof.apart.rms > 0.05
    assert proof.apart.at_least == proof.apart.rms


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.name)
def test_control_a_moved_point_is_noticed(pair: Pair) -> None:
    moved = pair.second.positions.clone()
    moved[-1] += torch.tensor([0.1, 0.05, -0.07], dtype=torch.float64)
    assert replace(pair, second=replace(pair.second, positions=moved)).certificate().difference > 0.01


def test_pairs_are_told_apart_by_the_next_order() -> None:
    cases = [(two_body(), ManyBody(3)), (three_body(), ManyBody(4)), (four_body(), ManyBody(5))]
    cases += [(fold(3), Degrees(4)), (fold(5), Degrees(6)), (chain(3), Hops(2)), (chain(4), Hops(3))]
    for pair, finer in cases:
        assert finer.difference(pair.first, pair.second) > 0.05, pair.name


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.name)
def test_a_cutoff_in_the_gap_makes_a_star_or_a_chain(pair: Pair) -> None:
    assert pair.gap > 1.05
    for structure in (pair.first, pair.second):
        bonds = int((torch.pdist(structure.positions) < 0.5 * (1 + pair.gap)).sum())
        assert bonds == len(structure) - 1


def test_mirror_images_are_superposed_by_a_reflection_only() -> None:
    pair = mirror_images()
    assert apart(pair.first, pair.second, 0).rms < 1e-14
    assert apart(pair.first, pair.second, 0, proper=True).rms > 0.05


def _published(points: list[list[float]]) -> Structure:
    return Structure(torch.tensor([[0.0, 0.0, 0.0], *points], dtype=torch.float64), torch.ones(len(points) + 1).long())


def test_published_coordinates_are_degenerate() -> None:
    """Coordinates in chaitjo/geometric-gnn-dojo, experiments/incompleteness.ipynb, after Pozdnyakov et al. (2020)."""
    two = [[5.0, 0, 0], [3.0, 0, 4]], [[5.0, 0, 0], [-5.0, 0, 0]]
    common = [[5.0, 0, 5], [5.0, 5, 5], [-5.0, -5, 5]]
    three = [*common, [0.0, 5, 5]], [*common, [0.0, -5, 5]]
    ring = torch.tensor([[3.0, 2, -4], [0, 2, 5], [0, 2, -5]], dtype=torch.float64)
    mirrored = ring * torch.tensor([1, -1, 1], dtype=torch.float64)
    turned = mirrored @ O3.rotation((0, 1, 0), math.pi / 10).matrix.T
    rings = [*ring.tolist(), *turned.tolist()]
    four = [*rings, [0.0, 5, 0]], [*rings, [0.0, -5, 0]]
    for order, (one, other) in zip((2, 3, 4), (two, three, four), strict=True):
        first, second = _published(one), _published(other)
        assert ManyBody(order).difference(first, second) < 1e-12
        assert ManyBody(order + 1).difference(first, second) > 0.1
        assert apart(first, second, 0).rms > 0.1


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_copies_that_are_turned_and_reordered_are_not_apart(seed: int) -> None:
    structure = replace(cloud(6, seed % 7), species=torch.tensor([1, 1, 2, 1, 2, 2]))
    copy = structure.transform(haar(1, seed, "O(3)")[0]).transform(Translation(torch.tensor([3.0, -1.0, 2.0])))
    assert apart(structure, copy.transform(Permutation.random(6, seed))).rms < 1e-12


def test_many_points_are_bounded_from_below() -> None:
    structure = cloud(14, least=0.5)
    assert math.isnan(apart(structure, structure).rms)
    assert apart(structure, structure.transform(haar(1, 0)[0])).at_least < 1e-12
    shift = torch.zeros_like(structure.positions)
    shift[0, 0] = 0.3
    bound = apart(structure, replace(structure, positions=structure.positions + shift)).at_least
    assert 0.01 < bound <= 0.3


def test_other_species_are_infinitely_apart() -> None:
    structure = cloud(4)
    assert math.isinf(apart(structure, replace(structure, species=torch.tensor([1, 1, 1, 2]))).at_least)


def test_families_refuse_what_is_too_small() -> None:
    with pytest.raises(BlindSpotError, match="Expected a fold of at least 2, got 1"):
        fold(1)
    with pytest.raises(BlindSpotError, match="Expected a chain of at least 2, got 0"):
        chain(0)
