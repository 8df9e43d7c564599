"""Are triple products invariant, complete in kind, and able to tell a left hand from a right one?"""

from __future__ import annotations

import pytest
import torch

from equiviz.explain.errors import ProbeError
from equiviz.explain.probe import probe
from equiviz.explain.probing.bispectrum import bispectrum
from equiviz.structures.structure import Structure
from equiviz.symmetry.field import Field
from equiviz.symmetry.groups import O3, haar
from tests.explain.test_probe import WINDOWS, DensityConfig, DensityLayer, liquid


def random_field(irreps: str, rows: int = 7) -> Field:
    dim = Field(torch.zeros(1, 1), "1x0e").representation.dim
    generator = torch.Generator().manual_seed(dim)
    from equiviz.symmetry.irreps import Irreps

    return Field(torch.randn(rows, Irreps(irreps).dim, generator=generator, dtype=torch.float64), irreps, "node")


MIXED = "2x0e+1x0o+3x1o+2x1e+2x2e+1x2o+1x3o"


def test_true_scalars_are_invariant_and_pseudoscalars_change_their_sign() -> None:
    field = random_field(MIXED)
    values, labels = bispectrum(field)
    assert len(labels) == values.shape[1] == len(set(labels))
    signs = torch.tensor([1.0 if label.endswith("(0e)") else -1.0 for label in labels], dtype=torch.float64)
    assert {1.0, -1.0} == set(signs.tolist())
    for g in [*haar(4, seed=1), O3.inversion()]:
        turned = bispectrum(field.transform(g))[0]
        expected = values if g.is_proper else values * signs
        torch.testing.assert_close(turned, expected, atol=1e-12, rtol=1e-12)


def test_a_map_that_is_no_symmetry_changes_them() -> None:
    field = random_field(MIXED)
    bent = field.with_values(field.values * torch.linspace(0.5, 1.5, field.dim, dtype=torch.float64))
    assert float((bispectrum(bent)[0] - bispectrum(field)[0]).abs().max()) > 0.1


def test_three_vectors_make_their_determinant() -> None:
    field = random_field("3x1o")
    values, labels = bispectrum(field)
    assert labels == ["<1o[0],1o[1],1o[2]> (0o)"]
    expected = torch.linalg.det(field["1o"]) / 6**0.5
    torch.testing.assert_close(values[:, 0].abs(), expected.abs())


def test_the_number_of_columns_is_bounded() -> None:
    field = random_field("12x1o+12x2e", rows=40)
    every, most = bispectrum(field, 10**6)[0].shape[1], 200
    assert bispectrum(field, most)[0].shape[1] <= most < every


def test_what_is_left_of_many_copies_is_still_invariant() -> None:
    field = random_field("12x1o+12x2e", rows=40)
    values = bispectrum(field, 200)[0].abs()  # a combination of channels has no sign of its own
    for g in haar(2, seed=2):
        torch.testing.assert_close(bispectrum(field.transform(g), 200)[0].abs(), values, atol=1e-10, rtol=1e-10)


def test_scalars_alone_have_none() -> None:
    values, labels = bispectrum(random_field("4x0e"))
    assert values.shape == (7, 0)
    assert labels == []


def test_a_stage_without_irreps_is_refused_in_words() -> None:
    from equiviz.symmetry.representations import CartesianTensor

    matrices = Field(torch.randn(4, 9), CartesianTensor(2), "node")
    with pytest.raises(ProbeError, match=r"couples irreps of O\(3\), such as 1o; this stage carries .*Leave 'bispec"):
        bispectrum(matrices)


# --- hands ------------------------------------------------------------------------------------------------------------


def hand(mirrored: bool) -> Structure:
    """A centre with four neighbours at different distances, on a screw; or its mirror image."""
    points = [[0.0, 0, 0], [1.0, 0, 0], [0, 1.2, 0.3], [-0.4, 0.2, 1.4], [0.5, -1.1, -0.9]]
    positions = torch.tensor(points, dtype=torch.float64) * torch.tensor([-1.0 if mirrored else 1.0, 1, 1])
    return Structure(positions, torch.ones(5, dtype=torch.long))


def test_mirror_images_have_one_power_spectrum_and_two_bispectra() -> None:
    from equiviz.features.capture import capture

    model = DensityLayer(DensityConfig())
    left, right = (capture(model, hand(mirrored))["stage_density"] for mirrored in (False, True))
    power = [field.invariants("power_spectrum").values for field in (left, right)]
    torch.testing.assert_close(power[0], power[1], atol=1e-12, rtol=1e-12)
    (first, labels), (second, _) = bispectrum(left), bispectrum(right)
    odd = torch.tensor([label.endswith("(0o)") for label in labels])
    torch.testing.assert_close(first[:, ~odd], second[:, ~odd], atol=1e-9, rtol=1e-9)
    torch.testing.assert_close(first[:, odd], -second[:, odd], atol=1e-9, rtol=1e-9)
    assert float(first[0, odd].abs().max()) > 1e-3


class Handedness:
    """The triple product of three directions that each atom's neighbours make: a pseudoscalar."""

    names = ("handedness",)

    def __call__(self, structure: Structure) -> Field:
        gaps = structure.positions[None] - structure.positions[:, None]  # [N, N, 3]
        r = gaps.norm(dim=-1, keepdim=True)
        unit = gaps / r.clamp(min=1e-9)
        directions = [(window(r) * unit).sum(1) for window in WINDOWS]
        return Field(torch.linalg.det(torch.stack(directions, 1))[:, None], "1x0e", "node")


def test_a_probe_reads_handedness_off_the_bispectrum_alone() -> None:
    model, structures = DensityLayer(DensityConfig(lmax=1)), [liquid(seed) for seed in range(12)]
    asked = {"stages": ["stage_density"], "random_networks": 0}

    def r2(kind: str) -> float:
        return probe(model, structures, [Handedness()], invariants=(kind,), **asked).scores[0].r2  # type: ignore[arg-type]

    # Mirror images have one power spectrum, and liquids no preferred hand: 0 is expected, -0.09 was measured.
    # The target is one of the columns of the bispectrum, up to a factor: 1 but for rounding.
    assert r2("power_spectrum") < 0.1
    assert r2("bispectrum") > 0.999
