"""Is a known dictionary found again, and do its codes turn as the features do?"""

from __future__ import annotations

import warnings

import pytest
import torch
from torch import Tensor

from equiviz.explain.dictionary.channels import Channels, shuffled
from equiviz.explain.dictionary.irreps_dictionary import IrrepsDictionary, Method, shared_out
from equiviz.explain.dictionary.judged import commuting_error, curve
from equiviz.explain.errors import DictionaryError
from equiviz.symmetry.field import Field
from equiviz.symmetry.groups import haar
from equiviz.symmetry.representations import O3Irreps, Position
from tests.explain.dictionary.known import ACTIVE, ATOMS, CHANNELS, known

COUNTS = dict.fromkeys(CHANNELS, ATOMS)


@pytest.fixture(scope="module")
def features() -> tuple[Field, dict[str, Tensor]]:
    return known()


@pytest.fixture(scope="module")
def made(features: tuple[Field, dict[str, Tensor]]) -> IrrepsDictionary:
    return IrrepsDictionary.learn(features[0], COUNTS, ACTIVE, "pursuit", 0, 3)


def recovery(made: IrrepsDictionary, atoms: dict[str, Tensor]) -> dict[str, float]:
    """Cosine of each known atom with the nearest that was found; the least of each irrep."""
    found: dict[str, float] = {}
    for label, wanted in atoms.items():
        own = [made.atom(k) for k, other in enumerate(made.atoms.labels) if other == label]
        found[label] = float((torch.stack(own) @ wanted.T).abs().amax(0).min())
    return found


def explained(made: IrrepsDictionary, field: Field) -> float:
    return curve("dictionary", made, made.channels.stacked(field))[-1].share


def test_known_atoms_are_found(made: IrrepsDictionary, features: tuple[Field, dict[str, Tensor]]) -> None:
    assert min(recovery(made, features[1]).values()) > 0.95
    assert explained(made, features[0]) > 0.98


def test_known_atoms_are_not_found_in_other_features(features: tuple[Field, dict[str, Tensor]]) -> None:
    """The control: features of another dictionary, and shuffled channels."""
    other = IrrepsDictionary.learn(known(seed=9)[0], COUNTS, ACTIVE, "pursuit", 0, 1)
    assert min(recovery(other, features[1]).values()) < 0.9
    channels = Channels.of(features[0])
    mixed = channels.field(shuffled(channels.stacked(features[0]), 0))
    assert explained(IrrepsDictionary.learn(mixed, COUNTS, ACTIVE, "pursuit", 0, 1), mixed) < 0.8


@pytest.mark.parametrize("method", ["pursuit", "autoencoder"])
def test_codes_commute_with_rotations_and_reflections(
    method: Method, made: IrrepsDictionary, features: tuple[Field, dict[str, Tensor]]
) -> None:
    field = features[0].with_values(features[0].values[:100])
    model = made if method == "pursuit" else IrrepsDictionary.learn(features[0], COUNTS, ACTIVE, method, 0, 1)
    assert commuting_error(model, field, 3, "O(3)", 5) < 1e-10
    assert str(model.encode(field).representation) == "6x0e+6x1o+6x2e"


def test_a_plain_dictionary_does_not_commute(features: tuple[Field, dict[str, Tensor]]) -> None:
    """The control: scikit-learn's dictionary of flat vectors codes a turned vector by other atoms."""
    from sklearn.decomposition import MiniBatchDictionaryLearning

    field = features[0]
    vectors = field.values[:400, 10:34]  # the 8x1o
    vectors = vectors[vectors.norm(dim=1) > 1]  # those that hold any
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        plain = MiniBatchDictionaryLearning(
            18, transform_algorithm="omp", transform_n_nonzero_coefs=3, max_iter=20, random_state=0
        ).fit(vectors.numpy())
        codes = torch.from_numpy(plain.transform(vectors.numpy()))
        turned = O3Irreps("8x1o").transform(haar(1, 4, "SO(3)")[0], vectors)
        after = torch.from_numpy(plain.transform(turned.numpy()))
    norms, norms_after = (part.abs().sort(1).values for part in (codes, after))
    assert float((norms - norms_after).norm() / norms.norm()) > 0.1


def test_the_autoencoder_explains_nearly_as_much(features: tuple[Field, dict[str, Tensor]]) -> None:
    learned = IrrepsDictionary.learn(features[0], COUNTS, ACTIVE, "autoencoder", 0, 1)
    assert explained(learned, features[0]) > 0.85


def test_decoding_gives_the_features_back(made: IrrepsDictionary, features: tuple[Field, dict[str, Tensor]]) -> None:
    field = features[0]
    back = made.decode(made.codes(field)).values
    assert float((back - field.values).norm() / field.values.norm()) < 0.15
    assert int(made.codes(field).norm(dim=2).gt(0).sum(1).max()) <= ACTIVE


def test_results_are_the_same_for_the_same_seed(features: tuple[Field, dict[str, Tensor]]) -> None:
    few = features[0].with_values(features[0].values[:200])
    first, second = (IrrepsDictionary.learn(few, COUNTS, 2, "pursuit", 5, 1).atoms.vectors for _ in range(2))
    assert torch.equal(first, second)


def test_layouts_do_not_matter(features: tuple[Field, dict[str, Tensor]]) -> None:
    few = features[0].with_values(features[0].values[:200])
    channels, other = Channels.of(few), Channels.of(few.relayout("ir_mul"))
    assert torch.allclose(channels.stacked(few), other.stacked(few.relayout("ir_mul")))
    assert torch.allclose(other.field(other.stacked(few.relayout("ir_mul"))).values, few.relayout("ir_mul").values)


def test_atoms_are_shared_out() -> None:
    assert shared_out(8, ["0e", "1o", "2e"]) == {"0e": 3, "1o": 3, "2e": 2}
    assert shared_out(1, ["0e", "1o"]) == {"0e": 1, "1o": 1}


def test_what_is_no_dictionary_is_refused() -> None:
    with pytest.raises(DictionaryError, match="whose values turn, got position: translations change the norms"):
        Channels.of(Field(torch.randn(5, 3), Position()))
    with pytest.raises(DictionaryError, match="2 environments have features that are not finite"):
        Channels.of(Field(torch.tensor([[torch.nan], [1.0], [torch.inf]]), "0e"))
    with pytest.raises(DictionaryError, match="the same in all environments"):
        Channels.of(Field(torch.ones(5, 2), "2x0e"))
    with pytest.raises(DictionaryError, match="Expected method 'pursuit' or 'autoencoder'"):
        IrrepsDictionary.learn(Field(torch.randn(50, 2), "2x0e"), {"0e": 2}, 1, "lasso", 0, 1)  # type: ignore[arg-type]
