"""Is the gauge CNN what the paper says: exact under 60 rotations, blind to the choice of frames, local?"""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from equiviz.features.capture import capture, record
from equiviz.models.errors import ConfigError
from equiviz.models.gauge_cnn import Atlas, GaugeCnn, GaugeCnnConfig, GaugeConvolution
from equiviz.nn.errors import ModelError
from equiviz.structures.errors import StructureError
from equiviz.structures.sphere_signal import SphereSignal
from equiviz.symmetry.groups import O3
from equiviz.symmetry.icosahedral_grid import DIRECTIONS, grid, icosahedral_rotations
from equiviz.symmetry.sphere_signals import SphereSignals
from tests.toy_networks import default_dtype

SYMMETRIES = [O3(matrix) for matrix in icosahedral_rotations()]


def network(head: str = "classes", level: int = 3) -> GaugeCnn:
    strides = (1, 2, 1) if head == "classes" else (1, 1, 1)
    with default_dtype(torch.float64), torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        made = GaugeCnn(GaugeCnnConfig(level, 2, (3, 4, 4), strides, head, outputs=3))  # type: ignore[arg-type]
        for weight in made.parameters():  # biases and norms too
            if weight.ndim == 1:
                torch.nn.init.normal_(weight)
    return made.eval()


def signal(level: int = 3, seed: int = 0) -> SphereSignal:
    generator = torch.Generator().manual_seed(seed)
    return SphereSignal.of(torch.randn(2, 2, len(grid(level)), generator=generator, dtype=torch.float64))


@pytest.mark.parametrize("head", ["classes", "field"])
def test_all_sixty_rotations_are_exact_at_every_stage(head: str) -> None:
    model, x = network(head), signal()
    before = capture(model, x)
    for g in SYMMETRIES[1::4]:
        for name, after in capture(model, x.transform(g)).items():
            expected = before[name].transform(g).values
            torch.testing.assert_close(after.values, expected, rtol=0, atol=1e-13 * float(expected.abs().max()))
            if before[name].representation.dim > 10:
                assert float((before[name].values - expected).abs().max()) > 0.1


def test_without_turned_directions_in_the_margins_it_breaks() -> None:
    model, x, g = network(), signal(), SYMMETRIES[17]
    for part in model.modules():
        if isinstance(part, Atlas) and part.index.shape[1] == DIRECTIONS:
            points, _ = grid(part.level).padding
            part.index.copy_(torch.arange(DIRECTIONS)[:, None, None] * (len(grid(part.level)) + 1) + points[:, None])
    with torch.no_grad():
        error = model(x.transform(g))["classes"].values - model(x)["classes"].values
    assert float(error.abs().max()) > 1e-3


def test_one_convolution_sums_over_seven_points() -> None:
    """Equation 4, point by point, in the frame of each."""
    at = grid(2)
    with default_dtype(torch.float64):
        layer = GaugeConvolution(2, 2, 3, "regular", 1)
    x = torch.randn(1, 2, DIRECTIONS, len(at), dtype=torch.float64) * at.regular
    weight = layer.weight.detach().reshape(3, 2, DIRECTIONS, 7)
    found = layer(x)[0].detach()
    for point in at.regular.nonzero()[::11, 0].tolist():
        if point >= len(at) - 2:
            continue
        for turn in range(DIRECTIONS):
            total = torch.zeros(3, dtype=torch.float64)
            for direction in range(DIRECTIONS):
                rolled = weight[:, :, (direction - turn) % DIRECTIONS]
                total += rolled[:, :, 0] @ x[0, :, direction, point]
                for tap in range(DIRECTIONS):
                    neighbour = int(at.neighbours[point, tap])
                    theirs = (direction - int(at.transport[point, tap])) % DIRECTIONS
                    total += rolled[:, :, 1 + (tap - turn) % DIRECTIONS] @ x[0, :, theirs, neighbour]
            torch.testing.assert_close(found[:, turn, point], total, rtol=1e-12, atol=1e-12)


def test_a_stride_of_two_keeps_every_second_point() -> None:
    with default_dtype(torch.float64):
        fine, coarse = GaugeConvolution(3, 2, 3, "regular", 1), GaugeConvolution(3, 2, 3, "regular", 2)
    coarse.load_state_dict(fine.state_dict())
    at, sparse = grid(3), grid(2)
    x = torch.randn(2, 2, DIRECTIONS, len(at), dtype=torch.float64) * at.regular
    same = at.nearest(sparse.positions)
    expected = fine(x)[..., same] * sparse.regular
    torch.testing.assert_close(coarse(x) * sparse.regular, expected, rtol=1e-12, atol=1e-12)


def test_a_change_of_one_point_reaches_its_neighbours_only() -> None:
    at = grid(3)
    with default_dtype(torch.float64):
        layer = GaugeConvolution(3, 1, 1, "scalar", 1)
    x = torch.zeros(1, 1, 1, len(at), dtype=torch.float64)
    changed = x.clone()
    changed[..., 100] = 1
    moved = (layer(changed) - layer(x)).abs().sum((0, 1, 2)).nonzero()[:, 0]
    assert set(moved.tolist()) == {100, *at.neighbours[100].tolist()}


def test_a_constant_signal_has_no_direction() -> None:
    """Of a constant, all directions of all points that see no corner tell the same."""
    with default_dtype(torch.float64):
        layer = GaugeConvolution(3, 1, 2, "scalar", 1)
    at = grid(3)
    far = at.regular & at.regular[at.neighbours].all(1)
    found: Tensor = layer(torch.ones(1, 1, 1, len(at), dtype=torch.float64))[..., far]
    torch.testing.assert_close(found, found[:, :, :1, :1].expand_as(found), rtol=1e-12, atol=1e-12)


def test_stages_know_their_grid() -> None:
    found = record(network(), signal())
    assert found["feature_stages.0"].representation == SphereSignals(3, 3, "regular")
    assert found["feature_stages.1"].representation == SphereSignals(2, 4, "regular")


def test_a_signal_of_another_kind_is_refused() -> None:
    with pytest.raises(ModelError, match="reads 2 scalar signals on 642 points, got 2 scalar signals on 162 points"):
        network().predict(signal(2))
    with pytest.raises(ModelError, match=r"reads signals on the sphere, got Tensor"):
        network().prepare(torch.zeros(1, 2, 642))
    with pytest.raises(StructureError, match="162, 642"):
        SphereSignal.of(torch.zeros(1, 1, 100))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"widths": ()}, "at least 1"),
        ({"strides": (1,)}, "one stride, 1 or 2, for each width"),
        ({"head": "field"}, "strides of 1"),
        ({"level": 1}, "too coarse for 2 strides"),
    ],
)
def test_impossible_settings_are_refused(settings: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        GaugeCnnConfig(**settings)  # type: ignore[arg-type]
