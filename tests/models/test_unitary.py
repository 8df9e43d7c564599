"""The U(n) network: exact for any n, silent about components, and told apart from those that are not."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from equiviz.equivariance.check import check
from equiviz.equivariance.lie_derivative import lie_derivative
from equiviz.features.capture import capture
from equiviz.models.errors import ConfigError
from equiviz.models.registry import build
from equiviz.models.unitary import UnitaryNetwork, example, gram, softsign
from equiviz.nn.errors import ModelError
from equiviz.structures.errors import StructureError
from equiviz.structures.phase_space import STATE, joined_phase_space, phase_space
from equiviz.symmetry import Unitary, haar_unitaries
from tests.toy_networks import default_dtype


def network(**settings: object) -> UnitaryNetwork:
    with default_dtype(torch.float64), torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        made = build("unitary", {"vectors": 3, "channels": 4, "hidden": 8, **settings})
    assert isinstance(made, UnitaryNetwork)
    return made.eval()


def states(n: int, count: int = 5) -> Tensor:
    return torch.randn(count, 3, n, generator=torch.Generator().manual_seed(1), dtype=torch.complex128)


@pytest.mark.parametrize("n", [1, 2, 4])
@pytest.mark.parametrize("weights", ["invariant", "constant"])
def test_any_n_is_exact(n: int, weights: str) -> None:
    report = check(network(n=n, weights=weights), states(n), elements=3, wide=5)
    assert report.passed, report.describe()
    assert report.groups["unitary"].error <= 1e-12
    assert "rotation" not in report.groups


def test_lie_derivatives_over_all_of_u_3_vanish() -> None:
    report = lie_derivative(network(n=3, field=True), example(4, 0))
    assert report.passed, report.describe()
    frame = report.to_frame()
    assert len(set(frame["generator"])) == 9
    assert float(frame["value"].max()) <= 1e-12
    assert "one random unitary transformation" in report.describe()


class RealParts(torch.nn.Module):
    """The control: an activation that acts on real and imaginary parts one by one."""

    def forward(self, values: Tensor) -> Tensor:
        return torch.complex(torch.tanh(values.real), torch.tanh(values.imag))


def test_a_break_is_found_where_it_is() -> None:
    model = network(n=3)
    broken = model.feature_stages[1]
    broken.register_forward_pre_hook(lambda _, args: (RealParts()(args[0]),))
    report = check(model, states(3), elements=3, wide=5)
    assert report.first_broken is not None
    assert report.first_broken == ("feature_stages.1", "V(3)")
    assert "feature_stages.1 breaks unitary transformation in its V(3) block" in report.describe()
    assert "real and imaginary parts" in report.describe()
    assert lie_derivative(model, states(3)).first_broken == ("feature_stages.1", "V(3)")


def test_single_precision_is_rounding_and_is_seen_as_such() -> None:
    report = check(build("unitary", {"n": 2}).eval(), states(2).repeat(1, 2, 1)[:, :4].to(torch.complex64), wide=5)
    assert report.passed, report.describe()
    assert report.dtype == torch.float32
    assert report.groups["unitary"].error > 1e-9


def test_a_field_matters_and_turns_along() -> None:
    model, x = network(n=3, field=True), example(4, 0)
    g = Unitary(haar_unitaries(1, 3, 5)[0])
    turned_alone = phase_space(x.transform(g).fields[STATE].values.unflatten(1, (3, 3)), x.fields["field"].values)
    right = model(x)[STATE].transform(g).values
    torch.testing.assert_close(model(x.transform(g))[STATE].values, right, rtol=0, atol=1e-12)
    assert float((model(turned_alone)[STATE].values - right).detach().abs().max()) > 1e-3


def test_stages_are_captured_with_their_types() -> None:
    record = capture(network(n=2), phase_space(states(2)))
    assert str(record["entering_stage"].representation) == "3xV(2)"
    assert str(record["feature_stages.1"].representation) == "4xV(2)"
    assert not record["invariant_stages.0"].values.is_complex()
    assert record["feature_stages.1"].invariants("power_spectrum").dim == 16


def test_the_activation_is_that_of_the_paper() -> None:
    # Eq. 1 of arXiv 2411.14462: a vector of norm 5 by hand.
    u = torch.tensor([[[3.0, 4.0j]]], dtype=torch.complex128)
    found = softsign(u, torch.tensor(0.1, dtype=torch.float64))
    torch.testing.assert_close(found, u * (1 / 6 + 0.1), rtol=1e-14, atol=0)


def test_the_gram_matrix_holds_all_inner_products() -> None:
    z = torch.tensor([[[1.0, 0.0], [1j, 0.0]]], dtype=torch.complex128)
    part = 2**-0.25
    torch.testing.assert_close(gram(z), torch.tensor([[part, 0.0, part, -part]], dtype=torch.float64))


def test_zero_vectors_stay_zero_with_finite_gradients() -> None:
    model, z = network(n=2), torch.zeros(2, 3, 2, dtype=torch.complex128, requires_grad=True)
    found = model(phase_space(z))[STATE].values
    assert bool((found == 0).all())
    found.abs().square().sum().backward()
    assert z.grad is not None
    assert bool(z.grad.isfinite().all())


def test_predict_takes_tensors() -> None:
    model = network(n=2)
    together = model.predict(states(2))[STATE].values  # type: ignore[arg-type]
    alone = model.predict(states(2)[1])[STATE].values  # type: ignore[arg-type]
    torch.testing.assert_close(together[1:2], alone, rtol=0, atol=1e-13)


@pytest.mark.parametrize(
    ("x", "words"),
    [
        (phase_space(states(3)), "This network reads state 3xV(2), got state 3xV(3)."),
        (torch.zeros(3), "of shape [systems, vectors, n], got torch.float32"),
        ("oscillators", "This network reads state 3xV(2), got state 4xV(3)."),
    ],
)
def test_another_kind_of_input_is_refused(x: object, words: str) -> None:
    with pytest.raises((ModelError, StructureError)) as refused:
        network(n=2).prepare(x)
    assert words in str(refused.value)


def test_inputs_that_do_not_fit_are_refused() -> None:
    with pytest.raises(StructureError, match=r"Expected complex vectors z = q \+ ip .* got torch.float32"):
        phase_space(torch.zeros(2, 3, 2))
    with pytest.raises(StructureError, match=r"Expected real coefficients of a field of shape \[5, 3\]"):
        phase_space(states(2), torch.zeros(5, 4))
    with pytest.raises(StructureError, match="Expected systems of one kind"):
        joined_phase_space([phase_space(states(2)), phase_space(states(3))])


@pytest.mark.parametrize(
    ("settings", "words"), [({"n": 0}, "of at least 1"), ({"n": 1, "field": True}, "n of at least 2")]
)
def test_impossible_settings_are_refused(settings: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        build("unitary", settings)
