"""Is what is drawn of the sphere, and of phase space, what is there?"""

from __future__ import annotations

import numpy as np
import pytest
import torch

from equiviz.structures.phase_space import phase_space
from equiviz.structures.sphere_signal import SphereSignal
from equiviz.symmetry.field import Field
from equiviz.symmetry.groups import O3
from equiviz.symmetry.icosahedral_grid import grid, icosahedral_rotations
from equiviz.symmetry.sphere_signals import SphereSignals
from equiviz.symmetry.unitary_group import Unitary, haar_unitaries
from equiviz.view.errors import ViewError
from equiviz.view.layers import Arrows, Atoms
from equiviz.view.points import drawn_points
from equiviz.view.show import show


def features(level: int = 2) -> Field:
    kind = SphereSignals(level, 2, "regular")
    drawn = torch.randn(1, kind.dim, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return Field((kind.spread(drawn) * grid(level).regular).flatten(1), kind)


def test_a_signal_is_a_colour_on_the_unit_sphere() -> None:
    scene = show(SphereSignal.sampled(lambda at: torch.stack([at[:, 0], at[:, 1]], -1), 2), channel=1)
    atoms, ball = (layer for layer in scene.layers if isinstance(layer, Atoms))
    assert len(ball.positions) == 1
    assert 0.9 < float(ball.radii[0]) < 1  # the far side is not seen between the points
    assert scene.describe().endswith("They lie on a ball.")
    assert len(atoms.positions) == 162
    assert atoms.values is not None
    torch.testing.assert_close(torch.as_tensor(atoms.values), torch.as_tensor(atoms.positions[:, 1]), rtol=0, atol=1e-6)


def test_arrows_turn_with_the_features() -> None:
    before, g = features(), O3(icosahedral_rotations()[23])
    there = drawn_points(before.transform(g), channel=1)[0].node["direction"].values
    target, _ = grid(2).turned(g.matrix) or (None, None)
    assert target is not None
    turned = drawn_points(before, channel=1)[0].node["direction"].values @ g.matrix.T
    torch.testing.assert_close(there[target], turned, rtol=0, atol=1e-14)
    assert float((turned * grid(2).positions[target]).sum(-1).abs().max()) < 1e-14  # tangent


def test_the_longest_arrow_reaches_the_next_point() -> None:
    scene = show(features())
    (arrows,) = (layer for layer in scene.layers if isinstance(layer, Arrows))
    lengths = arrows.magnify * torch.linalg.vector_norm(torch.as_tensor(arrows.vectors), dim=1)
    assert 0.8 < float(lengths.max()) / 0.28 < 1.25  # neighbours on 162 points are 0.28 to 0.32 apart


def test_what_is_not_on_the_grid_is_refused() -> None:
    with pytest.raises(ViewError, match="a field of 1x1o, which has no place in space"):
        drawn_points(Field(torch.zeros(3, 3), "1o"))
    with pytest.raises(ViewError, match="channel 0 to 1 of 2 regular signals on 162 points, got 2"):
        drawn_points(features(), channel=2)


def test_a_signal_is_seen_from_where_it_is() -> None:
    for way in ((0.0, 1.0, 0.0), (0.6, 0.0, -0.8)):
        spot = SphereSignal.sampled(lambda at, way=way: (at @ torch.tensor(way, dtype=at.dtype) > 0.8).double(), 2)
        assert float(np.dot(show(spot).camera.direction, way)) > 0.99
    even = show(SphereSignal.sampled(lambda at: at[:, 0].square(), 2)).camera.direction
    assert np.allclose(even, (0.42, 0.5, 0.76))  # no side has more of it: from somewhat above, north up


def state(n: int) -> torch.Tensor:
    return torch.randn(1, 4, n, generator=torch.Generator().manual_seed(1), dtype=torch.complex128)


@pytest.mark.parametrize("n", [2, 3])
def test_particles_in_phase_space_are_points_with_their_momenta(n: int) -> None:
    z = state(n)
    scene = show(phase_space(z))
    (atoms,) = (layer for layer in scene.layers if isinstance(layer, Atoms))
    (arrows,) = (layer for layer in scene.layers if isinstance(layer, Arrows))
    assert np.allclose(atoms.positions[:, :n], z[0].real)
    assert np.allclose(arrows.vectors[:, :n], z[0].imag)
    assert not atoms.positions[:, n:].any()
    assert arrows.magnify == 1  # q and p have one unit, or U(n) would not mix them
    assert "4 arrows of momentum" in scene.describe()
    assert np.array_equal(show(z).layers[0].positions, atoms.positions)  # type: ignore[union-attr]


def test_a_turned_state_is_drawn_turned() -> None:
    z, u = state(3), Unitary(haar_unitaries(1, 3, 0)[0])
    turned, _ = drawn_points(phase_space(z).transform(u))
    expected = z[0] @ u.matrix.T
    assert np.allclose(turned.positions, expected.real, atol=1e-14)
    assert np.allclose(turned.node["momentum"].values, expected.imag, atol=1e-14)


def test_conjugates_are_drawn_as_what_they_are_the_conjugates_of() -> None:
    z = state(3)
    one, _ = drawn_points(Field(z.flatten(1), "4xV(3)"))
    other, _ = drawn_points(Field(z.conj().flatten(1), "4xV*(3)"))
    assert torch.equal(one.positions, other.positions)
    assert torch.equal(one.node["momentum"].values, other.node["momentum"].values)


def test_vectors_of_other_dimensions_are_refused_in_words() -> None:
    with pytest.raises(ViewError, match=r"C\^2 or C\^3, got a field of 4xV\(5\), which has no place in space"):
        show(phase_space(state(5)))
