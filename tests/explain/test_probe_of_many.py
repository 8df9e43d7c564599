"""Are very many structures probed in little memory, and on a cluster as here?"""

from __future__ import annotations

import weakref
from collections.abc import Iterator

import numpy as np
import pytest
import torch

from equiviz.explain.chunks import DaskClient
from equiviz.explain.errors import ProbeError
from equiviz.explain.probe import HEAD, probe
from equiviz.explain.probing.looking import Limit, Look, Part, drawn_parts
from equiviz.structures.structure import Structure
from tests.explain.test_probe import DensityConfig, DensityLayer, liquid

ASKED = {"stages": ["stage_scalars"], "random_networks": 0}


class Counted:
    """Structures that are made as they are drawn, and how many of them lived at once."""

    def __init__(self) -> None:
        self.alive: weakref.WeakSet[torch.Tensor] = weakref.WeakSet()
        self.most = 0

    def draw(self, count: int) -> Iterator[Structure]:
        for seed in range(count):
            structure = liquid(seed, 30)
            self.alive.add(structure.positions)
            self.most = max(self.most, len(self.alive))
            yield structure
            del structure


def test_an_iterator_is_not_kept() -> None:
    counted = Counted()
    report = probe(DensityLayer(DensityConfig()), counted.draw(40), "q_4", max_environments=200, **ASKED)  # type: ignore[arg-type]
    assert report.environments == 200
    assert counted.most <= HEAD + 3
    assert report.structures is None


def test_the_count_trips_where_a_list_is_kept() -> None:
    counted = Counted()
    probe(DensityLayer(DensityConfig()), list(counted.draw(20)), "q_4", **ASKED)  # type: ignore[arg-type]
    assert counted.most == 20


def test_all_nodes_of_an_iterator_give_what_a_list_gives() -> None:
    structures = [liquid(seed) for seed in range(8)]
    model = DensityLayer(DensityConfig())
    listed = probe(model, structures, "q_4", **ASKED)  # type: ignore[arg-type]
    streamed = probe(model, iter(structures), "q_4", **ASKED)  # type: ignore[arg-type]
    # The reach of the name is measured on the first structures alone: the same within the noise of a median.
    assert streamed.reach == pytest.approx(listed.reach, rel=0.05)
    assert streamed.environments == listed.environments
    assert streamed.scores[0].r2 == pytest.approx(listed.scores[0].r2, abs=0.05)


def test_the_nodes_that_stay_do_not_depend_on_when_others_were_dropped() -> None:
    look = Look([DensityLayer(DensityConfig())], None, seed=5, reach=1.0)

    def chosen(pruned_at_once: bool) -> list[tuple[int, int]]:
        limit = Limit(50 if not pruned_at_once else 10**6)
        structures = [liquid(seed, 30) for seed in range(12)]
        from equiviz.explain.probing.asked_targets import as_targets

        found = limit.gathered(map(look, drawn_parts(structures, as_targets("q_4", structures), limit)))
        limit.most = 50
        kept = limit._pruned(found)  # pyright: ignore[reportPrivateUsage]
        return [(seen.number, int(node)) for seen in kept for node in seen.nodes]

    assert chosen(True) == chosen(False)
    assert len(chosen(True)) == 50


def test_a_cluster_gives_the_same_scores(client: DaskClient) -> None:
    model, structures = DensityLayer(DensityConfig()), [liquid(seed) for seed in range(8)]
    values = np.concatenate([np.arange(len(one), dtype=float) for one in structures])
    asked = {"stages": ["stage_density"], "random_networks": 1}
    targets = {"order": "q_4", "place": values}
    here = probe(model, structures, targets, **asked)  # type: ignore[arg-type]
    there = probe(model, structures, targets, client=client, **asked)  # type: ignore[arg-type]
    for ours, theirs in zip(here.scores, there.scores, strict=True):
        assert (ours.stage, ours.target, ours.control) == (theirs.stage, theirs.target, theirs.control)
        assert ours.r2 == pytest.approx(theirs.r2, abs=1e-9)


def test_a_cluster_reads_an_iterator(client: DaskClient) -> None:
    drawn = (liquid(seed, 30) for seed in range(20))
    report = probe(DensityLayer(DensityConfig()), drawn, "q_4", client=client, max_environments=200, **ASKED)  # type: ignore[arg-type]
    assert report.environments == 200


def test_what_cannot_come_one_by_one_is_refused_in_words() -> None:
    model = DensityLayer(DensityConfig())
    with pytest.raises(ProbeError, match="this one is empty: was it used before"):
        probe(model, iter([]), "q_4")
    with pytest.raises(ProbeError, match="Target 'm' is an array, which is split along a list of structures"):
        probe(model, iter([liquid(0)]), {"m": np.zeros(40)})


def test_species_of_an_iterator() -> None:
    look = Look([DensityLayer(DensityConfig())], [2], seed=0, reach=1.0)
    structure = liquid(0)
    from equiviz.explain.probing.asked_targets import as_targets

    seen = look(Part(0, structure, None, as_targets("q_4", [structure])))
    assert (structure.species[seen.nodes] == 2).all()
    assert len(seen.nodes) == 20
