"""Do stages that are known to be blind show up as blind, and those that see as seeing?"""

from __future__ import annotations

import functools
from pathlib import Path

import pytest
import torch
from e3nn import o3

from equiviz.explain.blind_spots.blind_spots import CONTROL, blind_spots
from equiviz.explain.blind_spots.pairs import chain, fold, known_pairs, mirror_images, three_body, two_body
from equiviz.explain.blind_spots.report import BlindSpotReport
from equiviz.explain.errors import BlindSpotError
from equiviz.structures.graph import Graph
from tests.explain.blind_spots.known import Known, density, handedness, radial
from tests.toy_networks import Declared, toy

SEEN, BLIND = "tells apart", "cannot tell apart"


@functools.cache
def _of_two_body() -> BlindSpotReport:
    return blind_spots(Known(radial, "8x0e"), progress=False)


def test_a_two_body_network_cannot_tell_any_pair() -> None:
    report = _of_two_body()
    assert report.verdict("stage_read", CONTROL) == SEEN
    assert {report.verdict("stage_read", pair.name) for pair in known_pairs()} == {BLIND}


def test_a_density_with_products_sees_angles_and_no_more() -> None:
    model = Known(functools.partial(density, lmax=4), "1x0e+1x1o+1x2e+1x3o+1x4e")
    report = blind_spots(model, progress=False)
    table = report.table().loc["stage_read"]
    assert table["2-body"] == SEEN
    assert {table[name] for name in ("3-body", "4-body", "mirror images", "5-fold")} == {BLIND}
    assert {table[name] for name in ("2-fold", "3-fold", "4-fold")} == {SEEN}


def test_only_a_pseudo_scalar_tells_mirror_images_apart() -> None:
    report = blind_spots(Known(handedness, "1x0o"), [mirror_images()], progress=False)
    assert report.verdict("stage_read", "mirror images") == SEEN
    assert _of_two_body().verdict("stage_read", "mirror images") == BLIND


def test_chains_need_as_many_layers_as_joshi_says() -> None:
    """Joshi et al., ICML 2023, section 4.1: k-chains need floor(k / 2) + 1 iterations."""
    lengths = range(2, 8)
    report = blind_spots(toy(lmax=1, layers=4), [chain(k) for k in lengths], progress=False)
    for k in lengths:
        for layer in range(1, 5):
            blind = report.verdict(f"stage_layers.{layer - 1}", f"{k}-chain") == BLIND
            assert blind == (layer < k // 2 + 1), (k, layer)


@pytest.mark.parametrize("lmax", [1, 2, 3, 4])
def test_folds_need_a_degree_as_high_as_their_order(lmax: int) -> None:
    """Joshi et al., ICML 2023, section 4.2: order l < L cannot tell how an L-fold symmetric star is turned."""
    orders = (2, 3, 4, 5)
    report = blind_spots(toy(lmax=lmax, layers=1), [fold(order) for order in orders], progress=False)
    for order in orders:
        assert (report.verdict("stage_layers.0", f"{order}-fold") == BLIND) == (lmax < order)


def test_a_float32_network_is_judged_in_float64() -> None:
    report = blind_spots(toy(torch.float32, lmax=2, layers=1), [two_body(), three_body()], progress=False)
    ratios = report.to_frame().set_index(["stage", "pair"])["ratio"]
    assert ratios["stage_layers.0", "3-body"] < 1e-12
    assert report.verdict("stage_layers.0", "2-body") == SEEN


def test_a_stage_without_eyes_fails_the_control() -> None:
    report = blind_spots(toy(lmax=1, layers=1), [two_body()], stages=["stage_inputs"], progress=False)
    assert report.verdict("stage_inputs", CONTROL) == "constant"
    assert "stage_inputs fails the control" in report.describe()


def test_stages_of_a_network_that_declares_none_are_seen_too() -> None:
    report = blind_spots(Declared(toy(lmax=2, layers=1)), [two_body(), three_body()], cutoff=3.0, progress=False)
    assert report.verdict("layers.0.mix", "2-body") == SEEN
    assert report.verdict("layers.0.mix", "3-body") == BLIND


class _Plain(torch.nn.Module):
    """An e3nn module that takes a graph, and prepares none."""

    def __init__(self) -> None:
        super().__init__()
        self.mix = o3.Linear("1x0e+1x1o+1x2e", "2x0e+2x1o+2x2e")

    def forward(self, graph: Graph) -> torch.Tensor:
        return self.mix(density(graph, 2))


def test_plain_e3nn_modules_need_a_cutoff() -> None:
    report = blind_spots(_Plain().double(), [two_body()], cutoff=2.0, progress=False)
    assert report.verdict("mix", "2-body") == SEEN
    with pytest.raises(BlindSpotError, match="How far this model looks is not known: give cutoff="):
        blind_spots(_Plain().double(), [two_body()], progress=False)


def test_bad_questions_are_refused() -> None:
    model = Known(radial, "8x0e")
    with pytest.raises(BlindSpotError, match=r"There is no stage .*'nowhere'.*; the model has stage_read"):
        blind_spots(model, [two_body()], stages=["nowhere"], progress=False)
    with pytest.raises(BlindSpotError, match="at least 2 unrelated"):
        blind_spots(model, unrelated=1, progress=False)
    with pytest.raises(BlindSpotError, match="no pairs were given"):
        blind_spots(model, [], progress=False)
    with pytest.raises(KeyError, match="no verdict on '9-fold'"):
        _of_two_body().verdict("stage_read", "9-fold")


def test_the_report_has_its_face(tmp_path: Path) -> None:
    report = _of_two_body()
    assert "stage_read cannot tell apart 2-body, 3-body" in report.describe()
    assert list(report.to_frame().columns) == ["stage", "pair", "verdict", "ratio", "distance", "spread", "noise"]
    assert len(report.scenes()) == 2 * len(report.pairs)
    assert (report.certificates()["differs_by"] < 1e-12).all()
    assert "Blind spots of Known" in Path(report.to_html(tmp_path / "report.html")).read_text()
