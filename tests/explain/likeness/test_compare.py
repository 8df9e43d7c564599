"""Does `likeness` find the same where it is, and chance where there is nothing?"""

from __future__ import annotations

import pytest

from equiviz.explain.errors import LikenessError
from equiviz.explain.likeness.compare import likeness
from equiviz.explain.likeness.report import LikenessReport, Pair
from tests.explain.test_probe import Constant, DensityConfig, DensityLayer, liquid
from tests.toy_networks import toy

STRUCTURES = [liquid(seed, 30) for seed in range(8)]
MODEL = DensityLayer(DensityConfig(lmax=2))
BY_CHANCE = 0.05
"""Of an alignment: shuffled environments gave 0.012 to 0.014 for four sets of liquids; the stages themselves, 0.78."""


def test_stages_among_themselves() -> None:
    report = likeness(MODEL, STRUCTURES)
    table = report.table()
    assert list(table.index) == list(table.columns) == ["stage_density", "stage_scalars"]
    assert table.loc["stage_density", "stage_density"] == pytest.approx(1)
    assert table.loc["stage_density", "stage_scalars"] == pytest.approx(table.loc["stage_scalars", "stage_density"])
    assert float(report.chance().to_numpy().max()) < BY_CHANCE
    assert "Most alike: stage_density and stage_scalars" in report.describe()


@pytest.mark.parametrize("measure", ["cka", "cca"])
def test_the_same_model_is_as_alike_as_can_be(measure: str) -> None:
    report = likeness(MODEL, STRUCTURES, DensityLayer(DensityConfig(lmax=2)), measure=measure)  # type: ignore[arg-type]
    assert report.table().loc["stage_density", "stage_density"] > 0.99
    assert report.names == ("DensityLayer", "another DensityLayer")


def test_an_e3nn_network_beside_another_one() -> None:
    report = likeness(toy(), STRUCTURES, toy(seed=1), stages=["stage_layers.1"], max_environments=120)
    assert set(report.table().index) == {"stage_layers.1"}
    assert "stage_layers.0" in report.table().columns
    assert report.environments <= 120


def test_descriptors_are_compared_as_sets() -> None:
    report = likeness(MODEL, STRUCTURES, {"order": "steinhardt", "count": "coordination"}, measure="cca")
    assert list(report.table().columns) == ["order", "count"]
    assert report.table().loc["stage_density", "count"] > report.chance().loc["stage_density", "count"]


def test_mutual_information_has_its_noise_floor() -> None:
    report = likeness(MODEL, STRUCTURES, ["coordination"], measure="mi", shuffles=20)
    frame = report.to_frame()
    assert list(frame.columns) == ["first", "second", "mi_nats", "chance_95_nats"]
    # An estimate of nothing is zero half of the time: of twenty the upper end is not.
    assert (frame["chance_95_nats"] > 0).all()


def test_the_map_of_correlations_names_single_invariants() -> None:
    report = likeness(MODEL, STRUCTURES, ["coordination", "q_4"], measure="correlation", stages=["stage_density"])
    table = report.table()
    assert list(table.columns) == ["coordination", "q_4"]
    assert any(name.startswith("stage_density <2e[") for name in table.index)
    assert float(table["coordination"].abs().max()) > 0.5
    assert report.figure().data[0].zmin == -1


def test_a_constant_target_is_not_compared() -> None:
    report = likeness(MODEL, STRUCTURES, {"nothing": Constant(3.0)})
    assert report.table().isna().all().all()
    assert "There is nothing to compare" in report.describe()


def test_pairs_that_chance_explains_are_named() -> None:
    pairs = [Pair("a", "b", 0.1, 0.2), Pair("a", "c", 0.9, 0.2)]
    words = LikenessReport(("A", "B"), "cka", pairs, 100, 20, False).describe()
    assert "Not beyond chance (20 shuffles of the environments give as much): a and b." in words


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"measure": "rsa"}, "Expected a measure out of cka, cca, mi, correlation, got 'rsa'"),
        ({"stages": ["layer9"]}, r"No stage \['layer9'\] on nodes; the model has stage_density"),
        ({"max_environments": 3, "structures": STRUCTURES[:1]}, "at least 4 environments, got 3"),
    ],
)
def test_what_cannot_be_compared_says_why(asked: dict[str, object], words: str) -> None:
    given = {"structures": STRUCTURES, **asked}
    with pytest.raises(LikenessError, match=words):
        likeness(MODEL, **given)  # type: ignore[arg-type]
