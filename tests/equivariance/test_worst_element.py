"""Do the search and the map find a break that was planted in few directions?"""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from equiviz.equivariance.errors import CheckError
from equiviz.equivariance.sphere_map import SphereMap, sphere_map
from equiviz.equivariance.worst_element import WorstElement, worst_element
from equiviz.symmetry.groups import O3
from tests.equivariance.spoiled_networks import on_block, spoiled
from tests.toy_networks import molecule, toy

POINTS = torch.tensor([[0.1, 0.2, -0.3], [1.0, -0.4, 0.9]], dtype=torch.float64)
WAY = torch.nn.functional.normalize(torch.tensor([-0.6, 0.5, 0.3], dtype=torch.float64), dim=0)
"""Where the cone points; the dimer points elsewhere."""
DIMER = torch.nn.functional.normalize(POINTS[1] - POINTS[0], dim=0)
HEIGHT = 0.3


def cosine(points: Tensor) -> Tensor:
    return torch.nn.functional.normalize(points[1] - points[0], dim=0) @ WAY


def smooth(points: Tensor) -> Tensor:
    return 1 + HEIGHT * torch.exp((cosine(points) - 1) / 0.05)


def sharp(points: Tensor) -> Tensor:
    return 1 + HEIGHT * (cosine(points) > 0.9).to(points)


def search(function: object, **settings: object) -> WorstElement:
    arguments = {"inputs": {"points": "position"}, "outputs": "1x0e", "per": "graph", **settings}
    return worst_element(function, {"points": POINTS}, **arguments)  # type: ignore[arg-type]


def mapped(function: object, **settings: object) -> SphereMap:
    arguments = {"inputs": {"points": "position"}, "outputs": "1x0e", "per": "graph", **settings}
    return sphere_map(function, {"points": POINTS}, **arguments)  # type: ignore[arg-type]


def relative(height: float) -> float:
    """The error where the function is 1 + height, and 1 at the reference."""
    return height / math.sqrt((1 + (1 + height) ** 2) / 2)


def test_the_axis_of_a_planted_cone_is_found() -> None:
    found = search(smooth)
    assert found.error == pytest.approx(relative(HEIGHT), rel=1e-5)
    assert float((found.element.matrix @ DIMER) @ WAY) == pytest.approx(1, abs=1e-5)
    assert found.path[0][1] == pytest.approx(float(found.start_errors.max()))
    errors = [error for _, error in found.path]
    assert errors == sorted(errors)
    assert found.error > 1.05 * errors[0]
    assert found.element.is_proper


def test_a_cone_with_a_sharp_edge_is_found() -> None:
    found = search(sharp, band_limit=8)
    assert found.error == pytest.approx(relative(HEIGHT), rel=1e-12)
    assert float((found.element.matrix @ DIMER) @ WAY) > 0.9


def test_improper_elements_are_tried_if_asked_for() -> None:
    def mirrored(points: Tensor) -> Tensor:
        return 1 + 0.1 * torch.sign(torch.linalg.det(points[2:] - points[:1]))

    five = torch.cat([POINTS, torch.eye(3, dtype=torch.float64)])
    arguments = {"inputs": {"points": "position"}, "outputs": "1x0e", "per": "graph", "band_limit": 2}
    assert worst_element(mirrored, {"points": five}, **arguments).error < 1e-12  # type: ignore[arg-type]
    assert not worst_element(mirrored, {"points": five}, group="O(3)", **arguments).element.is_proper  # type: ignore[arg-type]


def test_an_exact_network_is_nowhere_worse_than_rounding() -> None:
    found = worst_element(toy(), molecule(4), band_limit=2)
    assert found.error < 1e-12
    assert "nowhere worse than rounding" in found.describe()


def test_a_broken_network_is_at_least_as_bad_as_at_any_start() -> None:
    network, x = spoiled(on_block("1o", torch.relu)).eval(), molecule(4)
    found = worst_element(network, x, band_limit=2)
    assert found.error >= float(found.start_errors.max()) > 0.01
    assert found.output in ("output.energy", "output.vector", "output.tensor")
    with torch.no_grad():
        before, after = network(network.prepare(x)), network(network.prepare(x.transform(found.element)))
    name = found.output.removeprefix("output.")
    expected, seen = before[name].transform(found.element).values, after[name].values
    scale = ((expected.square().sum() + seen.square().sum()) / 2).sqrt()
    assert found.error == pytest.approx(float((seen - expected).norm() / scale), rel=1e-9)


def test_the_way_is_told_in_table_picture_and_words() -> None:
    found = search(smooth)
    frame = found.to_frame()
    assert list(frame.step) == list(range(len(found.path)))
    assert frame.error.iloc[-1] == found.error
    assert len(found.figure().data) == 2
    words = found.describe()
    assert repr(found.element) in words
    assert "Other maxima may be higher" in words


def test_an_error_that_is_not_finite_is_the_worst() -> None:
    found = search(lambda points: torch.where(cosine(points) > 0.5, torch.nan, 1.0).to(points))
    assert found.error == math.inf


def test_the_map_holds_the_error_at_each_axis() -> None:
    found = mapped(smooth, angle=1.2, points=128)
    assert found.errors.shape == (8, 16, 1)
    frame = found.to_frame()
    assert len(frame) == 128
    for row in frame.sample(5, random_state=0).itertuples():
        turn = O3.rotation((row.axis_x, row.axis_y, row.axis_z), 1.2)
        there, here = float(smooth(POINTS @ turn.matrix.T)), float(smooth(POINTS))
        expected = abs(there - here) / math.sqrt((there**2 + here**2) / 2)
        assert row.error == pytest.approx(expected, rel=1e-9, abs=1e-14)
    up = frame.axis_z
    assert up.between(-1, 1).all()
    assert up.mean() == pytest.approx(0, abs=1e-12)
    assert (up**2).mean() == pytest.approx(1 / 3, rel=0.02)


def test_the_map_names_its_worst_axis_and_labels_its_axes() -> None:
    found = mapped(smooth, angle=math.pi, points=512)
    best = torch.nn.functional.normalize(DIMER + WAY, dim=0)  # a half-turn about it takes one into the other
    axis = found.worst.axis
    assert abs(float(axis @ best)) > 0.98
    chart = found.figure()
    assert "longitude" in chart.layout.xaxis.title.text
    assert "latitude" in chart.layout.yaxis.title.text
    assert chart.data[0].z.shape == (16, 32)
    assert "at most" in found.describe()


def test_the_map_of_an_exact_network_is_dark() -> None:
    found = sphere_map(toy(), molecule(3), points=32)
    assert float(found.largest.max()) < 1e-12
    assert "Above rounding about 0" in found.describe()


def test_a_map_of_one_point_is_refused() -> None:
    with pytest.raises(CheckError, match="at least two points"):
        mapped(smooth, points=1)
