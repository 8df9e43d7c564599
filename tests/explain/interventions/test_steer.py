"""Does the prediction follow the wheel as the network's formula says?"""

from __future__ import annotations

import math

import pytest
import torch

from equiviz.explain.errors import InterventionError
from equiviz.explain.interventions.steer import Steering, Wheel, steer
from equiviz.explain.interventions.steering_chart import AFTER, BEFORE
from equiviz.explain.interventions.steering_face import Held, SteeringFace
from equiviz.symmetry.groups import O3, haar
from tests.explain.interventions.known_network import KnownNetwork
from tests.toy_networks import molecule, toy

X = molecule(atoms=7, seed=1)


def test_scaling_acts_as_the_formula_says() -> None:
    """|v|^2 grows with the square, v . w and s in proportion."""
    report = steer(KnownNetwork(), X, "features", "1o", 0, scale=3.0)
    before, after = report.before, report.after
    assert torch.allclose(after["norm"].values, 9 * before["norm"].values, rtol=1e-12)
    assert torch.allclose(after["dot"].values, 3 * before["dot"].values, rtol=1e-12)
    assert torch.equal(after["scalar"].values, before["scalar"].values)
    assert "scalar does not change" in report.describe()
    assert "dot changes by 2 of its rms, in proportion to the dose" in report.describe()


def test_nothing_is_steered_by_default() -> None:
    report = steer(toy(), X, "stage_layers.0", "1o")
    assert all(report.change(name) == 0 for name in report.before)


def test_turning_keeps_what_reads_norms() -> None:
    g = haar(1, 3)[0]
    report = steer(KnownNetwork(), X, "features", "1o", rotate=g)
    assert report.change("norm") < 1e-12
    assert report.change("dot") > 0.1
    whole = steer(KnownNetwork(), X, "partner", "1o", rotate=O3.rotation([0, 0, 1], math.pi)).after["dot"].values
    flipped = steer(KnownNetwork(), X, "partner", "1o", scale=-1.0).after["dot"].values
    assert not torch.allclose(whole, flipped)  # the control: a half turn is no inversion


def test_a_direction_keeps_norms_and_points_where_it_should() -> None:
    direction = [0.0, 3.0, 4.0]
    wheel = Wheel.of(KnownNetwork(), X)
    report = steer(KnownNetwork(), X, "features", "1o", direction=direction)
    assert report.change("norm") < 1e-12
    v, w = wheel.free["features"]["1o"][:, 0], wheel.free["partner"]["1o"][:, 0]
    expected = v.norm(dim=1) * (w @ torch.tensor([0.0, 0.6, 0.8], dtype=torch.float64))
    assert torch.allclose(report.after["dot"].values[:, 0], expected, rtol=1e-12)
    turned = haar(1, 5, "SO(3)")[0]  # for l = 2: a turned direction is a turned tensor
    tensors = wheel.free["features"]
    copies = torch.arange(4, 9)[None]
    first = Steering(direction=direction).applied(tensors, copies)
    second = Steering(direction=turned.matrix @ torch.tensor(direction, dtype=torch.float64)).applied(tensors, copies)
    assert torch.allclose(tensors.with_values(first).transform(turned)["2e"], tensors.with_values(second)["2e"])


def test_only_some_nodes_and_one_channel() -> None:
    report = steer(toy(), X, "stage_layers.1", "1o", 1, scale=0.0, nodes=[2])
    changed = (report.before["vector"].values != report.after["vector"].values).any(1)
    assert changed.nonzero().flatten().tolist() == [2]


def test_errors() -> None:
    for arguments, words in [
        ({"irreps": "1o+2e"}, "Steering works on one irrep at a time, got 1o, 2e"),
        ({"irreps": "3o"}, "There is no '3o' in this stage"),
        ({"channel": 9}, "There is no channel 9 of 1o: they are numbered 0 to 0"),
        ({"scale": math.inf}, "Expected a finite scale, got inf"),
        ({"direction": [0, 0, 0]}, "a direction of finite numbers that is not zero"),
        ({"irreps": "2e", "direction": [1, 0]}, "of 3 numbers, a vector in space, or of 5"),
        ({"stage": "output.dot"}, "There is no stage 'output.dot'"),
    ]:
        with pytest.raises(InterventionError, match=words.replace("+", r"\+")):
            steer(KnownNetwork(), X, **{"stage": "features", "irreps": "1o", **arguments})  # type: ignore[arg-type]


def test_faces() -> None:
    report = steer(KnownNetwork(), X, "features", "1o", 0, scale=2.0)
    assert {"before", "after", "change"} <= set(report.to_frame().columns)
    assert len(report.figure().data) >= 4
    assert "1o, channel 0, of features, scaled by 2" in str(report.to_html())
    assert len(steer(KnownNetwork(), X, "features", "1o", direction=[1, 0, 0]).figure().data) == 1


def made() -> SteeringFace:
    return SteeringFace(Wheel.of(KnownNetwork(), X), "features", "1o")


def drawn(face: SteeringFace) -> dict[str, list[float]]:
    return {name: list(next(t for t in face.figure.data if t.name == name).y) for name in (BEFORE, AFTER)}


def test_sliders_change_the_prediction_and_reset_brings_it_back() -> None:
    face = made()
    assert "Nothing is steered" in face.verdict.value
    face.output.value = "dot"
    face.scale.value = 2.0
    assert torch.allclose(face.after["dot"].values, 2 * face.before["dot"].values)
    assert drawn(face)[AFTER] == pytest.approx([2 * y for y in drawn(face)[BEFORE]])
    assert "dot: changes by 1 of its rms" in face.verdict.value
    face.angle.value = 90
    assert not torch.allclose(face.after["dot"].values, 2 * face.before["dot"].values)
    face.reset.click()
    assert face.held.free
    assert drawn(face)[AFTER] == drawn(face)[BEFORE]
    assert face.reset.disabled


def test_undo_goes_back_step_by_step() -> None:
    face = made()
    assert face.undo.disabled
    face.scale.value = 2.0
    face.angle.value = 45
    face.axis.value = "x"
    face.undo.click()
    assert (face.held.axis, face.axis.value, face.held.angle) == ("z", "z", 45)
    face.undo.click()
    face.undo.click()
    assert face.held == Held("features", "1o")
    assert (face.scale.value, face.angle.value) == (1.0, 0)
    assert face.undo.disabled
    face.undo.click()  # nothing to undo: nothing happens
    assert face.held == Held("features", "1o")


def test_menus_follow_the_stage() -> None:
    face = made()
    face.irrep.value = "2e"
    face.stage.value = "partner"  # has no 2e
    assert (face.held.irrep, face.irrep.value) == ("1o", "1o")
    face.stage.value, face.irrep.value = "features", "0e"
    assert face.angle.disabled  # a scalar has no direction
    assert face.channel.max == 0
