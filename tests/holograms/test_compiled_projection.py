"""Do the compiled projection and the one in torch agree for all sizes, channels and radial functions?"""

from dataclasses import replace

import numpy as np
import pytest
import torch

from equiviz.holograms import Neighbourhoods, Protein, Zernike, project_offsets
from equiviz.holograms.channels import atom_weights
from equiviz.holograms.compiled_projection import project_neighbourhoods
from equiviz.holograms.shells import Shells
from equiviz.symmetry import spherical_harmonics

EXACT = 1e-12  # float64: sums of about a hundred terms, polynomials up to degree 15
CHANNELS = (("C", "N", "O", "S"), ("S",), ("O", "SASA", "C", "backbone CA"), ("SASA",))


@pytest.fixture
def around(protein: Protein) -> Neighbourhoods:
    areas = np.random.default_rng(0).random(len(protein)) * 20
    return Neighbourhoods.of(replace(protein, weights={"SASA": areas}))


@pytest.mark.parametrize("channels", CHANNELS)
@pytest.mark.parametrize(("n_max", "l_max"), [(0, 0), (1, 1), (9, 0), (3, 3), (20, 5), (22, 7), (30, 12)])
def test_vectors_of_any_length(around: Neighbourhoods, channels: tuple[str, ...], n_max: int, l_max: int) -> None:
    basis = Zernike(n_max=n_max, l_max=l_max)
    quick = project_neighbourhoods(around, channels, basis, dtype=torch.float64).coefficients
    weights = torch.tensor(atom_weights(around.protein, channels)[around.neighbours])
    counts = torch.tensor(np.diff(around.first))
    slow = project_offsets(torch.tensor(around.offsets()), weights, counts, basis)
    assert (quick - slow).abs().max() <= EXACT * slow.abs().max()


@pytest.mark.parametrize(("count", "l_max"), [(4, 0), (10, 5), (30, 8)])
def test_shells_of_any_number(around: Neighbourhoods, count: int, l_max: int) -> None:
    basis, site = Shells(count=count, l_max=l_max), slice(around.first[7], around.first[8])
    found = project_neighbourhoods(around, CHANNELS[2], basis, dtype=torch.float64)
    offsets = around.offsets()[site]
    weights = atom_weights(around.protein, CHANNELS[2])[around.neighbours[site]]
    shells = basis.values(0, np.linalg.norm(offsets, axis=1))
    waves = spherical_harmonics(l_max, torch.tensor(offsets), normalization="integral").numpy()
    wanted = np.einsum("ec,ej,em->cjm", weights, shells, waves)
    for degree in range(l_max + 1):
        away = found.degree(degree)[7].numpy() - wanted[:, :, degree**2 : (degree + 1) ** 2]
        assert np.abs(away).max() <= EXACT * np.abs(wanted).max()


def test_sites_without_neighbours() -> None:
    found = project_offsets(torch.zeros(0, 3), torch.zeros(0, 2), torch.zeros(3, dtype=torch.long), Zernike())
    assert found.shape == (3, 2 * Zernike().width)
    assert not found.any()
