"""Are the spherical harmonics e3nn's, and smooth where e3nn's are not?"""

from __future__ import annotations

import math

import pytest
import torch
from e3nn import o3
from torch import Tensor

from equiviz.symmetry import BandLimitError, RepresentationError, quadrature, spherical_harmonics


def points(count: int = 200, seed: int = 0) -> Tensor:
    return torch.randn(count, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("normalization", ["component", "integral", "norm"])
@pytest.mark.parametrize("normalize", [True, False])
def test_vs_e3nn(normalization: str, normalize: bool) -> None:
    """To degree 11, e3nn's last. Shorter than 1, so that 1e-13 means the same with and without normalisation."""
    x = points() / 5
    e3nn = o3.spherical_harmonics(list(range(12)), x, normalize, normalization)
    ours = spherical_harmonics(11, x, normalize, normalization)  # type: ignore[arg-type]
    torch.testing.assert_close(ours, e3nn, rtol=1e-13, atol=1e-13)


def test_golden_values() -> None:
    """Written out by hand at (1, 2, 3): sqrt(3) (x, y, z), sqrt(15) (xz, xy, (2y^2 - x^2 - z^2) / sqrt 12, yz, ...)."""
    expected = [1.0, *(math.sqrt(3) * c for c in (1, 2, 3))]
    expected += [math.sqrt(15) * c for c in (3, 2, (2 * 4 - 1 - 9) / math.sqrt(12), 6, (9 - 1) / 2)]
    ours = spherical_harmonics(2, torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64), normalize=False)
    torch.testing.assert_close(ours, torch.tensor(expected, dtype=torch.float64), rtol=1e-15, atol=0)


def test_orthonormal_to_degree_12() -> None:
    """Independent of e3nn, and of degree 12 too: the average over the sphere of Y_a Y_b is 1 or 0."""
    rule = quadrature(24)
    values = spherical_harmonics(12, rule.matrices[:, :, 1])  # the polar axis' image runs over the sphere
    gram = rule.average(values[:, :, None] * values[:, None, :])
    torch.testing.assert_close(gram, torch.eye(169, dtype=torch.float64), rtol=0, atol=1e-13)


@pytest.mark.parametrize("axis", [(0.0, 1.0, 0.0), (0.0, -1.0, 0.0)])
def test_only_m_0_at_the_poles(axis: tuple[float, float, float]) -> None:
    values = spherical_harmonics(12, torch.tensor(axis, dtype=torch.float64))
    expected = torch.zeros(169, dtype=torch.float64)
    for degree in range(13):
        expected[degree * (degree + 1)] = math.sqrt(2 * degree + 1) * axis[1] ** degree
    torch.testing.assert_close(values, expected, rtol=1e-14, atol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_dtype_is_kept(dtype: torch.dtype) -> None:
    """40 eps of components of size 5: the recurrence takes twelve steps of three roundings each."""
    x = points()
    values = spherical_harmonics(12, x.to(dtype))
    assert values.dtype == dtype
    exact = spherical_harmonics(12, x.to(dtype).double())
    torch.testing.assert_close(values.double(), exact, rtol=0, atol=5 * 40 * torch.finfo(dtype).eps)


@pytest.mark.parametrize("normalize", [True, False])
def test_zero_vector_is_finite_twice(normalize: bool) -> None:
    x = torch.zeros(1, 3, dtype=torch.float64, requires_grad=True)
    values = spherical_harmonics(4, x, normalize)
    (first,) = torch.autograd.grad(values.sum(), x, create_graph=True)
    (second,) = torch.autograd.grad(first.sum(), x)
    assert values[0].tolist() == [1.0] + [0.0] * 24
    assert first.abs().max() < 100
    assert second.isfinite().all()


@pytest.mark.parametrize("length", [1e-300, 1e-160, 1e160, 1e300])
def test_very_short_and_very_long_vectors(length: float) -> None:
    x = points(10)
    torch.testing.assert_close(spherical_harmonics(6, length * x), spherical_harmonics(6, x), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("normalize", [True, False])
def test_gradients(normalize: bool) -> None:
    x = torch.cat([points(3), torch.tensor([[0.0, 1.3, 0.0]], dtype=torch.float64)]).requires_grad_()
    assert torch.autograd.gradcheck(lambda v: spherical_harmonics(5, v, normalize), x)
    assert torch.autograd.gradgradcheck(lambda v: spherical_harmonics(3, v, normalize), x)


def test_batch_shapes() -> None:
    assert spherical_harmonics(3, torch.zeros(2, 0, 3)).shape == (2, 0, 16)
    assert spherical_harmonics(0, torch.ones(3)).tolist() == [1.0]


@pytest.mark.parametrize("lmax", [-1, 65])
def test_degree_out_of_range(lmax: int) -> None:
    with pytest.raises(BandLimitError, match=f"Expected lmax from 0 to 64, got {lmax}"):
        spherical_harmonics(lmax, torch.ones(3))


@pytest.mark.parametrize("vectors", [torch.ones(4), torch.ones(2, 3, dtype=torch.int64), torch.tensor(1.0)])
def test_wrong_vectors(vectors: Tensor) -> None:
    with pytest.raises(RepresentationError, match=r"Expected real floating-point vectors of shape \[\.\.\., 3\], got"):
        spherical_harmonics(1, vectors)


def test_unknown_normalization() -> None:
    with pytest.raises(RepresentationError, match="'component', 'integral' or 'norm', got 'sphere'"):
        spherical_harmonics(1, torch.ones(3), normalization="sphere")  # type: ignore[arg-type]
