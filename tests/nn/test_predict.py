"""Is there a way to predict that a new user finds?"""

from __future__ import annotations

import pytest
import torch

from equiviz.nn.errors import ModelError
from equiviz.structures.errors import StructureError
from tests.toy_networks import molecule, toy


def test_predict_is_measure_prepare_and_forward_without_gradients() -> None:
    network, structure = toy(), molecule()
    wanted = network(network.prepare(structure))
    found = network.predict(structure)
    assert set(found) == set(wanted)
    for name, field in found.items():
        assert torch.equal(field.values, wanted[name].values)
        assert not field.values.requires_grad


@pytest.mark.parametrize("training", [True, False])
def test_the_model_is_left_as_it_was(training: bool) -> None:
    network = toy().train(training)
    first = next(iter(network.children()))
    first.train(not training)
    before = [module.training for module in network.modules()]
    network.predict(molecule())
    assert [module.training for module in network.modules()] == before
    with pytest.raises(StructureError):
        network.predict(3)  # type: ignore[arg-type]
    assert [module.training for module in network.modules()] == before


def test_atoms_and_several_structures_are_taken() -> None:
    network, structure = toy(), molecule()
    one, two = network.predict(structure), network.predict([structure.to_ase(), structure.to_ase()])
    for name, field in one.items():
        torch.testing.assert_close(two[name].values, torch.cat([field.values] * 2))


def test_to_call_a_model_with_a_structure_says_what_to_do() -> None:
    structure = molecule()
    for given in (structure, [structure], structure.to_ase(), "file.xyz"):
        with pytest.raises(ModelError, match=r"was called with a \w+, but its forward takes a Graph.*model\.predict"):
            toy()(given)
