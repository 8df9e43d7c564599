"""Two layers, two models, and the numbers beside them: are they what they claim?"""

from __future__ import annotations

import numpy as np
import pytest
import torch

from equiviz.apps.explorer.environments import environments, methods
from equiviz.apps.explorer.explorer import explore
from equiviz.apps.explorer.face import COMPARE, Explorer
from equiviz.apps.explorer.likeness import likeness
from equiviz.apps.explorer.power import power_spectrum
from equiviz.apps.explorer.recorded import Recorded
from equiviz.explain.errors import LikenessError
from equiviz.symmetry.field import Field
from equiviz.view.errors import ViewError
from tests.apps.explorer.turning import STAGE, G
from tests.toy_networks import molecule, toy

# --- two layers, two models


def test_two_models_are_seen_from_the_same_side() -> None:
    made = explore(toy(), molecule(), other=toy(seed=1), names=["first", "second"])
    made.mode.value = COMPARE
    second = made.second
    assert second is not None
    assert (second.right.recorded.name, second.right.choice.stage) == ("second", STAGE)
    assert second.right.view.linked == made.view.linked != ""
    assert "Likeness of their invariants" in second.words.value
    made.view.selected = [4]
    assert second.right.view.selected == [4]
    second.right.view.selected = [5, 6]
    assert made.view.selected == [5, 6]
    second.right.pickers.model.value = "first"
    assert "linear CKA) over 9 nodes: 1.00" in second.words.value
    assert f"Relative difference of all channels of {made.choice.block}: 0." in second.words.value


def test_two_layers_of_one_model_follow_the_structure(explorer: Explorer) -> None:
    explorer.mode.value = COMPARE
    assert explorer.second is not None
    assert explorer.second.right.choice.stage == "stage_layers.0"
    explorer.choose(structure=1)
    assert explorer.second.right.choice.structure == 1
    assert "over 12 nodes" in explorer.second.words.value


def test_two_models_of_one_class_have_two_names() -> None:
    assert list(explore(toy(), molecule(), other=toy(seed=1)).models) == ["ToyNetwork 1", "ToyNetwork 2"]


def test_likeness_knows_rotations_and_chance() -> None:
    generator = torch.Generator().manual_seed(0)
    values = torch.randn(400, 6, generator=generator, dtype=torch.float64)
    mixed = values @ torch.linalg.qr(torch.randn(6, 6, generator=generator, dtype=torch.float64))[0]
    same = likeness(Field(values, "6x0e"), Field(3 * mixed, "6x0e"))
    assert same is not None
    assert same.value == pytest.approx(1)
    assert same.chance < 0.1
    other = likeness(Field(values, "6x0e"), Field(torch.randn(400, 6, generator=generator).double(), "6x0e"))
    assert other is not None
    # Debiased: of independent columns the mean is zero, however few nodes there are.
    assert other.value < 0.1
    few = [
        likeness(*(Field(torch.randn(12, 6, generator=generator).double(), "6x0e") for _ in range(2)))
        for _ in range(40)
    ]
    assert abs(sum(found.value for found in few if found is not None) / len(few)) < 0.1
    assert likeness(Field(values, "6x0e"), Field(values[:1], "6x0e", "graph")) is None
    with pytest.raises(LikenessError, match="1 of 400 environments have values that are not finite"):
        likeness(Field(values.index_fill(0, torch.tensor([3]), torch.nan), "6x0e"), Field(values, "6x0e"))


# --- numbers


def test_the_power_spectrum_is_the_sum_of_squares_and_does_not_turn(recorded: Recorded) -> None:
    field = recorded.capture(0)[STAGE]
    spectrum = power_spectrum(field)
    assert spectrum.values.sum() == pytest.approx(float(field.values.square().sum()) / len(field))
    assert np.allclose(power_spectrum(field.transform(G)).values, spectrum.values)
    assert np.allclose(power_spectrum(field, [3]).values.sum(), float(field.values[3].square().sum()))


def test_the_map_is_the_principal_plane_of_standardised_invariants(recorded: Recorded) -> None:
    recorded.capture(1)
    made = environments(recorded.captures, STAGE)
    columns = torch.cat([capture[STAGE].invariants().values for capture in recorded.captures.values()]).numpy()
    columns = columns[:, columns.std(0) > 0]
    standard = (columns - columns.mean(0)) / columns.std(0)
    _, sizes, axes = np.linalg.svd(standard, full_matrices=False)
    assert np.allclose(np.abs(made.points), np.abs(standard @ axes[:2].T))
    assert made.axes[0] == f"PC 1 ({sizes[0] ** 2 / (sizes**2).sum():.0%} of the variance)"
    assert made.places(1, [0, 5]) == [9, 14]


def test_a_map_of_what_is_not_on_nodes_says_so(recorded: Recorded) -> None:
    assert "no features on nodes" in environments(recorded.captures, "output.energy").note
    assert methods()[0] == "PCA"
    if methods() == ("PCA",):
        with pytest.raises(ViewError, match="pip install umap-learn"):
            environments(recorded.captures, STAGE, "UMAP")
