"""Can signals on the sphere and states in phase space be looked at, and turned by what acts on them?"""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

import equiviz
from equiviz.apps.explorer.elements import Elements
from equiviz.apps.explorer.explorer import explore
from equiviz.apps.explorer.face import COMPARE, IRREPS, LOOK, STEER, TURN, Explorer
from equiviz.apps.explorer.hand_panel import HandPanel
from equiviz.apps.explorer.recorded import Recorded
from equiviz.apps.explorer.rotation_hand import RotationHand
from equiviz.datasets.sphere.digits import embedded_digits
from equiviz.equivariance.squares import KindSquares
from equiviz.features.errors import CaptureError
from equiviz.models.gauge_cnn import GaugeCnn, GaugeCnnConfig
from equiviz.models.unitary import UnitaryConfig, UnitaryNetwork
from equiviz.nn.equivariant_model import EquivariantModel
from equiviz.structures.phase_space import phase_space
from equiviz.structures.sphere_signal import SphereSignal
from equiviz.symmetry.icosahedral_grid import grid
from equiviz.symmetry.icosahedral_group import ICOSAHEDRAL
from equiviz.symmetry.unitary_group import UnitaryMatrices
from equiviz.view.layers import Arrows, Atoms
from equiviz.view.packet import read_packet
from tests.apps.explorer.turning import G
from tests.toy_networks import toy

FIRST, COARSER = "feature_stages.0", "feature_stages.1"


def digits(count: int = 2) -> SphereSignal:
    return embedded_digits().part("test")[:count].on_sphere(level=2)


def gauge_network(*, broken: bool = False) -> GaugeCnn:
    """Untrained; a broken one has gauge padding that forgets to turn directions."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        config = GaugeCnnConfig(level=2, widths=(4, 4), strides=(1, 2), outputs=3, hidden=4)
        network = GaugeCnn(config).eval()
    if broken:
        atlas = network.layers[1].get_submodule("convolution.atlas")
        index, points = atlas.get_buffer("index"), len(grid(2)) + 1
        unturned = torch.arange(6)[:, None, None] * points + index % points
        index.copy_(unturned)
    return network


def unitary_network(n: int = 3, *, broken: bool = False) -> UnitaryNetwork:
    """Untrained; a broken one treats real and imaginary parts apart before the readout."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = UnitaryNetwork(UnitaryConfig(vectors=3, n=n, channels=4, layers=1, hidden=4)).eval()
    if broken:

        def apart(_: object, given: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
            return torch.complex(given[0].real.relu(), given[0].imag), *given[1:]

        network.readout.register_forward_pre_hook(apart)
    return network


def states(n: int = 3, systems: int = 2) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(systems, 3, n, generator=generator, dtype=torch.complex64)


@pytest.fixture
def sphere() -> Explorer:
    made = explore(gauge_network(), digits())
    assert isinstance(made, Explorer)
    return made


@pytest.fixture
def motion() -> Explorer:
    made = explore(unitary_network(), states())
    assert isinstance(made, Explorer)
    return made


def turning(explorer: Explorer) -> HandPanel:
    explorer.mode.value = TURN
    assert explorer.hand is not None
    assert explorer.view.problem == ""
    return explorer.hand


# --- looking


def test_each_sphere_is_one_input_and_each_stage_has_its_own_points(sphere: Explorer) -> None:
    assert sphere.describe().startswith("Explorer of GaugeCnn; 1. 162 points, 2. 162 points. Shown: feature_stages.0")
    assert list(sphere.mode.options) == [LOOK, IRREPS, STEER, TURN, COMPARE]  # the others ask about atoms
    sphere.choose(stage=COARSER, block="0e", channel=0)
    atoms = sphere.view.scene.layers[0]
    assert isinstance(atoms, Atoms)
    on = sphere.pane.recorded.capture(0)[COARSER]
    expected = on.representation.spread(on.values)[0, 0].mean(0)  # type: ignore[attr-defined]
    assert np.allclose(atoms.positions, grid(1).positions)
    assert atoms.values is not None
    assert np.allclose(atoms.values, expected, atol=1e-6)
    assert "as colours on 42 points" in sphere.pane.caption.value


def test_a_selected_point_stays_selected_on_a_coarser_grid(sphere: Explorer) -> None:
    sphere.choose(stage=FIRST)
    chosen = [30, 161]
    sphere.view.selected = chosen
    camera = dict(sphere.view.camera)
    sphere.choose(stage=COARSER)
    there = grid(1).positions[sphere.view.selected]
    assert len(there) == 2
    assert float((there @ grid(2).positions[chosen].T).amax(1).min()) > math.cos(0.35)  # points are 0.55 apart there
    assert sphere.view.camera == camera


def test_points_are_on_the_map_and_are_selected_there(sphere: Explorer) -> None:
    sphere.choose(stage=FIRST)
    made = sphere.side.charts.environments
    assert made is not None
    assert np.bincount(made.structure).tolist() == [162, 162]
    sphere.side.atoms.value = "3"
    assert sphere.view.selected == [3]
    assert "1 selected: point 3." in sphere.side.words.value
    sphere.side.atoms.value = "162"
    assert sphere.view.problem.startswith("ViewError: There is no point 162")


def test_what_is_one_value_for_a_sphere_is_told_beside_the_input(sphere: Explorer) -> None:
    sphere.choose(stage="output.classes", block="0e", channel=1)
    value = float(sphere.pane.recorded.capture(0)["output.classes"].values[0, 1])
    assert f"one value for the whole input: shown as numbers. 0e, channel 1: {value:.6g}" in sphere.pane.caption.value
    atoms = sphere.view.scene.layers[0]
    assert isinstance(atoms, Atoms)
    assert atoms.values is not None
    assert np.allclose(atoms.values, digits().spread[0, 0])


def test_two_stages_stand_beside_each_other(sphere: Explorer) -> None:
    sphere.choose(stage=COARSER)
    sphere.mode.value = COMPARE
    assert sphere.second is not None
    assert "on the same nodes" in sphere.second.words.value
    sphere.view.selected = [7]
    assert sphere.view.selected == [7]  # the finer grid beside it does not choose back
    assert len(sphere.second.right.view.selected) == 1


# --- asking


def test_a_channel_of_a_sphere_is_steered(sphere: Explorer) -> None:
    sphere.choose(stage=FIRST, block="0e", channel=1)
    sphere.mode.value = STEER
    assert sphere.steer is not None
    assert "Steered: regular, channel 1, of feature_stages.0." in sphere.steer.block.value
    sphere.steer.scale.value = 0.0
    sphere.view.selected = [5]  # a point is no channel
    assert sphere.steer.found is not None
    assert sphere.view.problem == ""
    network = gauge_network()

    def silent(_: object, __: object, values: Tensor) -> Tensor:
        channels = values.reshape(len(values), 4, -1).clone()
        channels[:, 1] = 0
        return channels.reshape(values.shape)

    network.feature_stages[0].register_forward_hook(silent)
    expected = network.predict(digits())["classes"].values[:1]  # type: ignore[arg-type]
    assert torch.allclose(sphere.steer.found.after["classes"].values, expected, rtol=0, atol=1e-6)
    assert not torch.allclose(sphere.steer.found.before["classes"].values, expected, rtol=0, atol=1e-4)


def test_the_selected_vector_is_steered(motion: Explorer) -> None:
    motion.choose(stage="feature_stages.0")
    motion.mode.value = STEER
    assert motion.steer is not None
    assert "Select a vector" in motion.steer.block.value
    motion.steer.scale.value = 0.0
    before = motion.steer.words.value
    motion.view.selected = [2]
    assert "Steered: V(3), channel 2, of feature_stages.0." in motion.steer.block.value
    assert motion.steer.words.value != before
    assert motion.steer.angle.disabled  # no rotation of space acts on C^3


def test_predictions_of_points_are_shared_out_among_stages(sphere: Explorer, motion: Explorer) -> None:
    for explorer, label in ((sphere, "regular"), (motion, "V(3)")):
        explorer.mode.value = IRREPS
        assert explorer.irreps is not None
        explorer.irreps.explain()
        assert explorer.irreps.found is not None
        assert f"feature_stages.0: most is carried by {label}" in explorer.irreps.words.value
        assert "of the whole input" in explorer.question.words.value
        explorer.irreps.choose("feature_stages.0", label)
        assert explorer.choice.stage == "feature_stages.0"
        assert explorer.view.problem == ""


# --- turning a sphere


def test_the_errors_of_the_hand_are_those_of_check() -> None:
    network, signal = gauge_network(), digits(1)
    report = equiviz.check(network, signal, elements=3, seed=0, wide=0).to_frame().set_index(["group", "stage"])
    hand = RotationHand(Recorded.of(network, signal), 0)
    for kind in hand.elements.kinds:
        sums = KindSquares()
        for g in kind.draw(kind.share(3, few=False), 0):
            sums.merge(hand.at(g).squares)
        told = report.loc[(kind.kind, FIRST), "inherited"]
        assert sums.block(FIRST, "regular").relative == pytest.approx(told, rel=1e-9)


def test_the_sixty_are_exact_and_others_are_not_claimed(sphere: Explorer) -> None:
    hand = turning(sphere)
    hand.controls.listed.index = 24
    assert hand.hand.problem == ""
    assert "✓" in hand.verdict.value
    assert "a rotation of the icosahedron" in hand.verdict.value
    assert "rounding" in hand.verdict.value
    hand.turn_to(G)
    assert "≈ Turned by 34° about (0.27, 0.53, 0.80). feature_stages.0, regular" in hand.verdict.value
    assert "approximate, GaugeCnn claims only: rotation of the icosahedron" in hand.verdict.value
    assert hand.controls.listed.value == "none of them"
    assert hand.controls.number.value == 0
    hand.controls.nearest.click()
    assert "✓" in hand.verdict.value
    hand.controls.number.value = 31
    assert str(hand.controls.listed.value).startswith("31 of 60: ")
    assert hand.turned is not None
    reached = hand.turned.g.matrix  # type: ignore[attr-defined]
    assert torch.allclose(reached, ICOSAHEDRAL.elements()[30].matrix, rtol=0, atol=1e-12)
    hand.controls.back.click()
    assert hand.controls.listed.value == "1 of 60: not turned"


def test_a_network_without_the_symmetry_is_told_broken() -> None:
    made = explore(gauge_network(broken=True), digits())
    assert isinstance(made, Explorer)
    made.choose(stage=COARSER)
    hand = turning(made)
    hand.controls.listed.index = 24
    assert "✗" in hand.verdict.value
    assert "broken" in hand.verdict.value


def test_the_views_show_what_is_compared(sphere: Explorer) -> None:
    sphere.choose(stage=FIRST, block="1o", channel=1)
    hand = turning(sphere)
    hand.turn_to(G)
    assert hand.hand.turn == pytest.approx([float(x) for x in G.matrix.flatten()])
    recorded = sphere.pane.recorded
    again = equiviz.capture(recorded.model, recorded.inputs[0].transform(G))[FIRST]  # type: ignore[arg-type]
    turned = recorded.capture(0)[FIRST].transform(G)
    for view, field in zip(hand.views[1:], (again, turned), strict=True):
        on = field.representation.on_points(field.values[0])  # type: ignore[attr-defined]
        (layer,) = (layer for layer in view.current.layers if isinstance(layer, Arrows))
        expected = on.values[:, 4:].reshape(-1, 4, 3)[:, 1]
        assert np.allclose(layer.vectors, expected, atol=1e-5 * float(expected.abs().max()))
        assert view.turn[0] == 1  # features lie where they lie; nothing but the input is drawn turned


def test_a_point_that_is_selected_is_told_in_numbers(sphere: Explorer) -> None:
    sphere.choose(stage=FIRST, block="0e", channel=0)
    hand = turning(sphere)
    hand.views[1].selected = [17]
    assert sphere.view.selected == [17]
    assert "point 17, value: f(g x) = " in hand.values.value
    assert "output.classes: D(g) f(x) = (" in hand.values.value


# --- phase space


def test_particles_are_drawn_where_they_are(motion: Explorer) -> None:
    motion.choose(stage="entering_stage")
    (arrows,) = (layer for layer in motion.view.scene.layers if isinstance(layer, Arrows))
    assert np.allclose(arrows.origins, states()[0].real)
    assert np.allclose(arrows.vectors, states()[0].imag)
    assert "entering_stage: 3 vectors where they are, with their momentum as arrows." in motion.pane.caption.value
    assert list(motion.side.charts.figure.data[2].x) == ["V(3)"]


def test_a_slider_goes_along_a_one_parameter_subgroup(motion: Explorer) -> None:
    motion.choose(stage="output.state")
    hand = turning(motion)
    assert not hand.hand.hand  # no hand in a view turns what no rotation of space acts on
    assert len(hand.controls.generator.options) == 9
    hand.controls.generator.index = 0
    hand.controls.angle.value = 40.0
    assert hand.hand.problem == ""
    assert "✓ Turned by Unitary(3 x 3, eigenphases -40," in hand.verdict.value
    generator = UnitaryMatrices(3).generators()["i(E12 + E21)"]
    g = generator.exp(math.radians(40))
    z = states()[0].to(torch.complex128) @ g.matrix.T  # type: ignore[attr-defined]
    (points,) = (layer for layer in hand.hand.current.layers if isinstance(layer, Atoms))
    assert np.allclose(points.positions, z.real, atol=1e-5)
    drawn = [next(x for x in view.current.layers if isinstance(x, Arrows)) for view in hand.views[1:]]
    assert np.allclose(drawn[0].origins, drawn[1].origins, atol=1e-5)
    sent = read_packet(hand.views[1].update)["updates"]
    assert {update["layer"] for update in sent} == {0, 1}


def test_another_generator_goes_on_from_there(motion: Explorer) -> None:
    hand = turning(motion)
    hand.controls.angle.value = 40.0
    hand.controls.generator.index = 6
    assert hand.controls.angle.value == 0
    hand.controls.angle.value = 30.0
    assert hand.turned is not None
    curves = list(hand.controls.elements.curves.values())
    expected = curves[6].exp(math.radians(30)) @ curves[0].exp(math.radians(40))
    assert torch.allclose(hand.turned.g.matrix, expected.matrix)  # type: ignore[attr-defined]
    hand.controls.back.click()
    assert "Not turned yet: choose a generator, and move the slider" in hand.verdict.value


def test_a_network_that_is_not_unitary_is_told_broken() -> None:
    made = explore(unitary_network(broken=True), states())
    assert isinstance(made, Explorer)
    made.choose(stage="output.state")
    hand = turning(made)
    hand.controls.random.click()
    assert "✗" in hand.verdict.value
    assert "output.state, V(3): relative error" in hand.verdict.value


def test_particles_in_a_plane_can_be_turned() -> None:
    made = explore(unitary_network(2), phase_space(states(2)))
    assert isinstance(made, Explorer)
    hand = turning(made)
    hand.controls.random.click()
    assert "✓" in hand.verdict.value


def test_vectors_without_a_place_in_space_are_refused_in_one_sentence() -> None:
    with pytest.raises(CaptureError, match=r"3xV\(4\), has no place in space. equiviz.check\(model, x\) turns it"):
        explore(unitary_network(4), states(4))


def test_what_a_model_does_not_read_is_refused_in_words() -> None:
    with pytest.raises(CaptureError, match="ToyNetwork does not read SphereSignal"):
        explore(toy(), digits())
    with pytest.raises(CaptureError, match="at least one row to look at, got SphereSignal without any"):
        explore(gauge_network(), SphereSignal.of(torch.zeros(0, 1, 162)))


# --- what is offered


@pytest.mark.parametrize(
    ("network", "x", "claimed", "not_claimed"),
    [
        (gauge_network(), digits(1), ICOSAHEDRAL.draw(3, 0), [G]),
        (unitary_network(), phase_space(states()), UnitaryMatrices(3).draw(3, 0), UnitaryMatrices(2).draw(1, 0)),
    ],
)
def test_a_model_claims_the_elements_of_its_group(
    network: EquivariantModel, x: object, claimed: list[object], not_claimed: list[object]
) -> None:
    elements = Elements.of(network, x)  # type: ignore[arg-type]
    assert all(elements.claims(g) for g in claimed)  # type: ignore[arg-type]
    assert not any(elements.claims(g) for g in not_claimed)  # type: ignore[arg-type]


def test_rows_come_apart_with_all_that_they_carry() -> None:
    fields = torch.randn(2, 8, generator=torch.Generator().manual_seed(2))
    one, other = phase_space(states(), fields).apart()
    assert torch.equal(other.fields["state"].values, states()[1:].flatten(1))
    assert torch.equal(one.fields["field"].values, fields[:1])
    assert [len(row) for row in digits(2).apart()] == [1, 1]
    assert torch.equal(digits(2).apart()[1].fields["x"].values, digits(2).values[1:])
