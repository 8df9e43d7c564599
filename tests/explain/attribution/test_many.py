"""Over many structures: the same scores as one by one, here and on a cluster, with few structures in memory."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest
import torch
from dask.distributed import Client, LocalCluster

from equiviz.explain.attribution.attribute import attribute
from equiviz.explain.attribution.known_answers import CROWD, MARKED, PairDistance
from equiviz.explain.attribution.many import attribute_each
from equiviz.explain.errors import AttributionError
from equiviz.structures.structure import Structure
from equiviz.symmetry.groups import O3


def examples(count: int) -> list[Structure]:
    return [PairDistance().example(seed, crowd=6) for seed in range(count)]


def test_the_same_as_one_by_one() -> None:
    task = PairDistance()
    report = attribute_each(task, iter(examples(4)), progress=False, steps=16)
    alone = [attribute(task, structure, steps=16).shares.nodes for structure in examples(4)]
    assert report.to_frame()["score"].tolist() == pytest.approx(torch.cat(alone).tolist(), abs=1e-14)
    table = report.by_species().set_index("species")["mean_score"]
    assert set(table.index) == {"C", "N", "O"}
    assert (CROWD, MARKED) == (6, 7)
    assert table["N"] > 10 * abs(table["C"])
    assert "mean score of an atom in 4 structures: C" in report.describe()
    assert list(report.figure().data[0].y) == ["C", "N", "O"]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_on_a_cluster() -> None:
    here = attribute_each(PairDistance(), examples(3), progress=False, steps=8)
    with (
        LocalCluster(n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        there = attribute_each(PairDistance(), examples(3), client=client, progress=False, steps=8)
    assert there.to_frame().equals(here.to_frame())


def test_few_structures_are_alive() -> None:
    alive: list[weakref.ref[Structure]] = []
    most = 0

    def drawn() -> Iterator[Structure]:
        nonlocal most
        for structure in examples(12):
            copy = structure.transform(O3.identity())
            alive.append(weakref.ref(copy))
            yield copy
            del copy
            gc.collect()
            most = max(most, sum(one() is not None for one in alive))

    attribute_each(PairDistance(), drawn(), progress=False, steps=4, rotations=0)
    assert most <= 2
    kept = list(drawn())  # the control: who keeps them all is found out
    assert len(kept) == 12
    assert most > 2


def test_nothing_to_do() -> None:
    with pytest.raises(AttributionError, match="at least one structure"):
        attribute_each(PairDistance(), [], progress=False)
    with pytest.raises(AttributionError, match="leave out to="):
        attribute_each(PairDistance(), examples(1), progress=False, to="stages")
