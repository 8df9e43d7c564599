"""Are the coefficients those of the formula, in every norm, layout, precision and implementation?"""

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from equiviz.datasets.proteins.rhodopsin import rhodopsin
from equiviz.holograms import Hologram, HologramError, Neighbourhoods, Protein, Zernike, density, project
from equiviz.holograms.channels import HEAVY, atom_weights
from equiviz.holograms.compiled_projection import powers, project_neighbourhoods
from equiviz.holograms.layouts import STRETCH, arranged
from equiviz.holograms.shells import Shells
from equiviz.holograms.torch_projection import project_offsets
from equiviz.symmetry import O3, Permutation
from equiviz.symmetry.harmonics import spherical_harmonics
from tests.holograms.plain_formula import plain

EXACT = 1e-12  # float64: sums of about a hundred terms of size ten


@pytest.mark.parametrize("norm", ["orthonormal", "reference"])
def test_against_the_formula_written_plainly(protein: Protein, norm: str) -> None:
    around = Neighbourhoods.of(protein)
    wanted = plain(around, atom_weights(around.protein, HEAVY), 20, 5, norm)
    found = project(around, layout="hcnn", norm=norm, dtype=torch.float64)
    rough = project(around, layout="hcnn", norm=norm)
    for degree, block in wanted.items():
        scale = np.abs(block).max()
        flat = block.reshape(len(block), -1, 2 * degree + 1)
        assert np.abs(found[degree] - flat).max() <= EXACT * scale
        # float32 of polynomials up to degree ten: 3e-6 in the worst (l, n), see zernike.py
        each = np.abs(rough[degree] - flat).reshape(block.shape).max(axis=(0, 1, 3))
        size = np.abs(block).max(axis=(0, 1, 3))
        assert (each <= 1e-5 * size).all()


def test_zeros_stand_where_the_published_layout_has_them(written: Path) -> None:
    found = project(written, layout="hcnn")
    assert found[3].shape == (30, 4 * 21, 7)
    assert found[3].dtype == np.complex64
    rows = found[3].reshape(30, 4, 21, 7)
    assert not rows[:, :, :3].any()
    assert not rows[:, :, 4::2].any()
    assert rows[:, 0, 3::2].any()


def test_the_first_row_counts_atoms(protein: Protein) -> None:
    around = Neighbourhoods.of(protein)
    hologram = project(around, dtype=torch.float64)
    counted = hologram.degree(0)[:, :, 0, 0] / math.sqrt(3 / (4 * math.pi))
    weights = atom_weights(around.protein, HEAVY)
    wanted = np.add.reduceat(weights[around.neighbours], around.first[:-1])
    np.testing.assert_allclose(counted, wanted, atol=EXACT * 100)


def test_radial_functions_are_orthonormal() -> None:
    nodes, weights = np.polynomial.legendre.leggauss(60)
    x, w = (nodes + 1) / 2, weights / 2
    for degree in range(6):
        values = Zernike(radius=1.0).values(degree, x)  # [60, K]
        gram = np.einsum("x,xa,xb->ab", w * x**2, values, values)
        np.testing.assert_allclose(gram, np.eye(len(gram)), atol=EXACT)


def test_reference_functions_have_the_known_lengths() -> None:
    """Golden: integrals of R^2 x^2 of the authors' functions (StatPhysBio/zernikegrams), by quadrature."""
    basis = Zernike(norm="reference")
    wanted = {(2, 0): 0.444, (4, 0): 0.284, (20, 0): 0.073, (3, 1): 0.64, (19, 5): 0.451}
    for (n, degree), square in wanted.items():
        assert round(basis.shrinking(degree)[(n - degree) // 2] ** 2, 3) == square


def test_torch_agrees_and_has_gradients(protein: Protein) -> None:
    around = Neighbourhoods.of(protein, 6.0)
    basis = Zernike(n_max=6, l_max=3, radius=6.0)
    quick = project_neighbourhoods(around, HEAVY, basis, dtype=torch.float64)
    weights = torch.tensor(atom_weights(around.protein, HEAVY)[around.neighbours])
    counts = torch.tensor(np.diff(around.first))
    found = project_offsets(torch.tensor(around.offsets()), weights, counts, basis)
    torch.testing.assert_close(found, quick.coefficients, rtol=0, atol=EXACT * 100)
    few = int(counts[:2].sum())
    points = torch.tensor(around.offsets()[:few], requires_grad=True)
    heavy = weights[:few].clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda p, w: project_offsets(p, w, counts[:2], basis), (points, heavy))


def test_a_turned_protein_has_turned_coefficients(protein: Protein) -> None:
    g = O3.inversion() @ O3.rotation([1.0, 2.0, -0.5], 2.2)
    turned = Protein(**{**vars_of(protein), "positions": protein.positions @ g.matrix.numpy().T})
    before = project(protein, dtype=torch.float64)
    after = project(turned, dtype=torch.float64)
    assert isinstance(before.transform(g), Hologram)
    torch.testing.assert_close(after.coefficients, before.transform(g).coefficients, rtol=0, atol=1e-11)


def test_the_density_comes_back(protein: Protein) -> None:
    """What coefficients describe, projected again by quadrature over the ball, gives the coefficients."""
    around = Neighbourhoods.of(protein, residues=[10])
    for norm in ("orthonormal", "reference"):
        basis = Zernike(n_max=6, l_max=3, norm=norm)
        hologram = project_neighbourhoods(around, HEAVY, basis, dtype=torch.float64)
        points, weights = _ball(10.0)
        values = density(hologram, points)[0]  # [C, P]
        again = project_offsets(points, (values * weights).T / 10.0**3, torch.tensor([len(points)]), basis)
        torch.testing.assert_close(again, hologram.coefficients, rtol=0, atol=1e-10)


def test_square_counting_divides_each_atom_by_its_power(protein: Protein) -> None:
    around = Neighbourhoods.of(protein)
    found = project(around, counting="square", dtype=torch.float64)
    heavy = torch.tensor(atom_weights(protein, HEAVY)[around.neighbours] / powers(around, Zernike())[:, None])
    wanted = project_offsets(torch.tensor(around.offsets()), heavy, torch.tensor(np.diff(around.first)), Zernike())
    torch.testing.assert_close(found.coefficients, wanted)
    one = Zernike(n_max=4, l_max=2)
    lonely = project_offsets(
        torch.tensor([[1.0, 2.0, 3.0]]).double(), torch.ones(1, 1).double(), torch.tensor([1]), one
    )
    power = sum(
        float(np.square(one.values(k, np.array(14.0**0.5))).sum()) * (2 * k + 1) / (4 * np.pi) for k in range(3)
    )
    assert float(lonely.square().sum()) == pytest.approx(power, rel=1e-12)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"channels": ("C", "X")}, r"There is no channel 'X'\. There are C, N, O, S, H, .*, SASA, charge"),
        ({"channels": ("C", "C")}, "Expected channels, each once, got C, C"),
        ({"layout": "other"}, "Expected layout 'hcnn' or 'hermes', got 'other'"),
        ({"norm": "other"}, "Expected norm 'orthonormal' or 'reference'"),
        ({"counting": "other"}, "Expected counting 'atoms' or 'square'"),
        ({"n_max": 40}, "orders up to an n_max from l_max to 30"),
        ({"l_max": 13}, "an l_max from 0 to 12"),
        ({"radius": -1.0}, "Expected a positive radius"),
    ],
)
def test_impossible_wishes_are_refused_in_words(written: Path, options: dict, words: str) -> None:
    with pytest.raises(HologramError, match=words):
        project(written, **options)


def test_1pga_has_its_known_neighbours(real_data: Path) -> None:
    """Golden: counted in the PDB file, site Met-1 of 1PGA has 51 C, 12 N, 17 O and no S."""
    hologram = project(real_data / "proteins" / "1PGA.pdb", dtype=torch.float64)
    counted = hologram.degree(0)[0, :, 0, 0] / math.sqrt(3 / (4 * math.pi))
    torch.testing.assert_close(counted, torch.tensor([51.0, 12.0, 17.0, 0.0]).double(), rtol=0, atol=1e-6)
    assert len(hologram) == 56
    assert hologram.sites[0] == "A MET 1"


def _ball(radius: float, shells: int = 14) -> tuple[torch.Tensor, torch.Tensor]:
    """Points and weights of a product quadrature on a ball, exact for the polynomials here."""
    deep, wr = np.polynomial.legendre.leggauss(shells)
    nodes, weights = np.polynomial.legendre.leggauss(14)
    r, wr = (deep + 1) / 2 * radius, wr / 2 * radius
    phi = np.arange(16) * np.pi / 8
    points, heavy = [], []
    for a, wa in zip(r, wr, strict=True):
        for c, wc in zip(nodes, weights, strict=True):
            s = math.sqrt(1 - c * c)
            points.append(np.stack([a * s * np.cos(phi), a * s * np.sin(phi), np.full(16, a * c)], axis=1))
            heavy.append(np.full(16, wa * a * a * wc * np.pi / 8))
    return torch.tensor(np.concatenate(points)), torch.tensor(np.concatenate(heavy))


def vars_of(protein: Protein) -> dict:
    return {name: getattr(protein, name) for name in Protein.__dataclass_fields__}


def test_names_follow_the_sites(protein: Protein) -> None:
    hologram = project(protein)
    order = Permutation(torch.arange(len(hologram)).flip(0))
    turned = hologram.transform(order)
    assert turned.sites == hologram.sites[::-1]
    assert turned.classes.equal(hologram.classes.flip(0))
    assert turned.coefficients.equal(hologram.coefficients.flip(0))


def test_shells_are_gaussians_of_the_logarithm(protein: Protein) -> None:
    around = Neighbourhoods.of(protein, residues=[3])
    basis = Shells(count=4, l_max=0)
    found = project_neighbourhoods(around, HEAVY, basis, dtype=torch.float64).degree(0)[0, :, :, 0]
    shells = basis.values(0, np.linalg.norm(around.offsets(), axis=1))  # [E, 4]
    wanted = atom_weights(around.protein, HEAVY)[around.neighbours].T @ shells / math.sqrt(4 * math.pi)
    np.testing.assert_allclose(found, wanted, atol=EXACT)


def test_a_density_on_shells_has_the_coefficients_that_it_was_made_of(protein: Protein) -> None:
    around = Neighbourhoods.of(protein, residues=[3])
    basis = Shells(count=4, l_max=2)
    hologram = project_neighbourhoods(around, HEAVY, basis, dtype=torch.float64)
    points, heavy = _ball(basis.end, 200)
    rho = density(hologram, points)[0]  # [C, P]
    harmonics = spherical_harmonics(2, points, normalization="integral")
    for degree in range(3):
        shells = torch.from_numpy(basis.values(degree, points.norm(dim=1).numpy()))  # [P, K]
        waves = shells[:, :, None] * harmonics[:, None, degree**2 : (degree + 1) ** 2]
        found = torch.einsum("cp,p,pkm->ckm", rho, heavy, waves)
        torch.testing.assert_close(found, hologram.degree(degree)[0], rtol=1e-8, atol=1e-8)


def test_atoms_of_the_backbone_leave_the_channel_of_their_element(protein: Protein) -> None:
    channels = ("C", "backbone CA", "backbone C")
    each = atom_weights(protein, channels).sum(0)
    carbons = (protein.elements == 6).sum()
    assert each.tolist() == [carbons - 60, 30, 30]


@pytest.mark.parametrize("layout", ["hcnn", "hermes"])
def test_arrays_are_the_same_by_both_ways(protein: Protein, layout: str) -> None:
    """Projected about the other axis at once, or turned from a hologram."""
    direct = project(protein, layout=layout, dtype=torch.float64)
    turned = arranged(project(protein, dtype=torch.float64), layout)
    for degree, block in direct.items():
        assert block.dtype == turned[degree].dtype
        np.testing.assert_allclose(turned[degree], block, rtol=0, atol=1e-11)
    both = project(Neighbourhoods.of(protein, centre="both"), layout=layout)
    assert both[1].shape == (len(direct[1]), 2 * direct[1].shape[1], 3)


def test_layouts_of_other_functions_are_refused(protein: Protein) -> None:
    with pytest.raises(HologramError, match="Layouts are made of Zernike's functions, got Shells"):
        arranged(project_neighbourhoods(Neighbourhoods.of(protein), HEAVY, Shells()), "hcnn")


def test_each_site_of_many_is_what_it_is_alone() -> None:
    around = Neighbourhoods.of(Protein.read(rhodopsin()))
    assert len(around) > 2 * STRETCH  # which are projected one stretch after the other
    for layout in ("hcnn", "hermes"):
        found = project(around, layout=layout)
        for site in (0, STRETCH - 1, STRETCH, 2 * STRETCH, len(around) - 1):
            alone = project(around.only(site), layout=layout)
            for degree, block in found.items():
                np.testing.assert_array_equal(block[site], alone[degree][0])
