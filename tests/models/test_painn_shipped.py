"""The shipped PaiNN weights: are they small, do they know a relaxed molecule, and the dipole of water?"""

from __future__ import annotations

import pytest
import torch

from equiviz.models.painn import Painn
from equiviz.structures.structure import Structure
from equiviz.training.load import SHIPPED, load, manifest_of

# Acetylacetone, enol form, relaxed with painn-acac itself to 1e-4 eV/Å and rounded to 0.001 Å, which leaves forces
# of up to 0.04 eV/Å. Its training data were computed by others (davkovacs/BOTNet-datasets).
SPECIES = (6, 6, 6, 8, 6, 8, 6, 1, 1, 1, 1, 1, 1, 1, 1)
RELAXED = (
    (-1.235, 0.354, -0.022),
    (-0.013, -0.4, -0.024),
    (1.201, 0.294, -0.005),
    (1.222, 1.606, 0.004),
    (2.539, -0.38, 0.007),
    (-1.219, 1.623, -0.017),
    (-2.572, -0.347, -0.002),
    (-0.02, -1.497, -0.036),
    (3.111, -0.065, 0.905),
    (3.13, -0.058, -0.875),
    (2.445, -1.481, 0.002),
    (0.18, 1.869, -0.004),
    (-2.509, -1.4, -0.335),
    (-3.289, 0.213, -0.633),
    (-2.973, -0.333, 1.035),
)
ENERGY = -9392.079  # eV, of painn-acac


def acetylacetone() -> Structure:
    return Structure(torch.tensor(RELAXED, dtype=torch.float64), torch.tensor(SPECIES))


def water() -> Structure:
    """The experimental geometry: 0.9572 Å, 104.52 degrees (Benedict et al., J. Chem. Phys. 24, 1139 (1956))."""
    places = [[0.0, 0.0, 0.0], [0.7570, 0.0, 0.5859], [-0.7570, 0.0, 0.5859]]
    return Structure(torch.tensor(places, dtype=torch.float64), torch.tensor([8, 1, 1]))


@pytest.mark.parametrize("name", ["painn-acac", "painn-water"])
def test_shipped_weights_are_below_a_megabyte_and_say_what_they_saw(name: str) -> None:
    assert sum(path.stat().st_size for path in (SHIPPED / name).iterdir()) < 1_000_000
    model, manifest = load(name), manifest_of(load(name))
    assert isinstance(model, Painn)
    assert manifest is not None
    assert manifest.data["files"]
    assert len(str(manifest.data["fingerprints"]).split()) == (
        int(str(manifest.data["molecules"])) + int(str(manifest.data["validation"]))
    )


def test_acetylacetone_is_at_rest_where_it_was_relaxed_and_is_pulled_back_from_elsewhere() -> None:
    model, x = load("painn-acac"), acetylacetone()
    found = model.predict(x)
    assert float(found["energy"].values) == pytest.approx(ENERGY, abs=0.01)
    assert float(found["forces"].values.abs().max()) < 0.08
    moved = x.positions.clone()
    moved[7, 1] -= 0.1  # a C-H bond, longer by 0.1 Å
    pulled = model.predict(Structure(moved, x.species))
    assert float(pulled["forces"].values[7, 1]) > 1.0
    assert float(pulled["energy"].values) > ENERGY + 0.1


def test_water_has_its_dipole_and_polarizability() -> None:
    found = load("painn-water").predict(water())
    dipole, tensor = found["dipole"].values[0], found["polarizability"].values.view(3, 3)
    # Experiment: 0.730 a.u. (1.855 D, Clough et al., J. Chem. Phys. 59, 2254 (1973)); the data are computed: 2 %.
    assert float(dipole[2]) == pytest.approx(0.730, rel=0.02)
    assert float(dipole[:2].abs().max()) < 1e-4
    # Experiment: mean 9.8 a.u. (Murphy, J. Chem. Phys. 67, 5831 (1977)); calculations differ from it by percents.
    assert float(tensor.trace()) / 3 == pytest.approx(9.8, rel=0.04)
    torch.testing.assert_close(tensor, tensor.T)
    assert float(tensor[0, 0] - tensor[1, 1]) > 0  # in the plane of the molecule it is larger than out of it
