"""Is what is drawn of the sphere what is there?"""

from __future__ import annotations

import pytest
import torch

from equiviz.structures.sphere_signal import SphereSignal
from equiviz.symmetry.field import Field
from equiviz.symmetry.groups import O3
from equiviz.symmetry.icosahedral_grid import grid, icosahedral_rotations
from equiviz.symmetry.sphere_signals import SphereSignals
from equiviz.view.errors import ViewError
from equiviz.view.layers import Arrows, Atoms
from equiviz.view.show import show
from equiviz.view.sphere_points import sphere_points


def features(level: int = 2) -> Field:
    kind = SphereSignals(level, 2, "regular")
    drawn = torch.randn(1, kind.dim, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return Field((kind.spread(drawn) * grid(level).regular).flatten(1), kind)


def test_a_signal_is_a_colour_on_the_unit_sphere() -> None:
    scene = show(SphereSignal.sampled(lambda at: torch.stack([at[:, 0], at[:, 1]], -1), 2), channel=1)
    (atoms,) = (layer for layer in scene.layers if isinstance(layer, Atoms))
    assert len(atoms.positions) == 162
    assert atoms.values is not None
    torch.testing.assert_close(torch.as_tensor(atoms.values), torch.as_tensor(atoms.positions[:, 1]), rtol=0, atol=1e-6)


def test_arrows_turn_with_the_features() -> None:
    before, g = features(), O3(icosahedral_rotations()[23])
    there = sphere_points(before.transform(g), channel=1).node["direction"].values
    target, _ = grid(2).turned(g.matrix) or (None, None)
    assert target is not None
    turned = sphere_points(before, channel=1).node["direction"].values @ g.matrix.T
    torch.testing.assert_close(there[target], turned, rtol=0, atol=1e-14)
    assert float((turned * grid(2).positions[target]).sum(-1).abs().max()) < 1e-14  # tangent


def test_the_longest_arrow_reaches_the_next_point() -> None:
    scene = show(features())
    (arrows,) = (layer for layer in scene.layers if isinstance(layer, Arrows))
    lengths = arrows.magnify * torch.linalg.vector_norm(torch.as_tensor(arrows.vectors), dim=1)
    assert 0.8 < float(lengths.max()) / 0.28 < 1.25  # neighbours on 162 points are 0.28 to 0.32 apart


def test_what_is_not_on_the_grid_is_refused() -> None:
    with pytest.raises(ViewError, match="Expected a signal on the sphere, got a field of 1x1o"):
        sphere_points(Field(torch.zeros(3, 3), "1o"))
    with pytest.raises(ViewError, match="channel 0 to 1, got 0 and 2"):
        sphere_points(features(), channel=2)
