"""Does `assert_equivariant` stand where e3nn's stands, with the same arguments?"""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from e3nn import o3
from e3nn.util.test import assert_equivariant as e3nns
from torch import Tensor

from equiviz.equivariance.check import assert_equivariant
from equiviz.equivariance.errors import CheckError, NotEquivariant
from tests.toy_networks import default_dtype


def linear() -> o3.Linear:
    with torch.random.fork_rng(devices=[]):
        return o3.Linear("8x0e+4x1o", "2x0e+1o")


def product() -> o3.FullyConnectedTensorProduct:
    with torch.random.fork_rng(devices=[]):
        return o3.FullyConnectedTensorProduct("2x0e+1o", "1o", "0e+1o+1e")


def centred(points: Tensor) -> Tensor:
    return points - points.mean(0)


def weighed(points: Tensor, charges: Tensor) -> tuple[Tensor, Tensor]:
    return centred(points) * charges, charges * charges


X = torch.randn(5, 20, generator=torch.Generator().manual_seed(0))
CASES: dict[str, tuple[Callable[[], Callable[..., object]], dict[str, object]]] = {
    "irreps in words": (linear, {"irreps_in": "8x0e+4x1o", "irreps_out": "2x0e+1o"}),
    "irreps of e3nn": (linear, {"irreps_in": o3.Irreps("8x0e+4x1o"), "irreps_out": o3.Irreps("2x0e+1o")}),
    "irreps of the module": (linear, {}),
    "irreps of a product": (product, {}),
    "arguments": (linear, {"args_in": [X], "irreps_in": "8x0e+4x1o", "irreps_out": "2x0e+1o"}),
    "points": (lambda: centred, {"irreps_in": "cartesian_points", "irreps_out": "1o"}),
    "several": (lambda: weighed, {"irreps_in": ["cartesian_points", o3.Irreps("0e")], "irreps_out": ["1o", "0e"]}),
    "a constant": (
        lambda: lambda x, factor: factor * x,
        {"args_in": [X[:, :3], torch.tensor(2.0)], "irreps_in": ["1o", None], "irreps_out": "1o"},
    ),
}


@pytest.mark.parametrize("name", list(CASES))
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_same_arguments_pass_both(name: str, dtype: torch.dtype) -> None:
    make, arguments = CASES[name]
    with default_dtype(dtype):
        given = arguments.get("args_in")
        told = {**arguments, **({"args_in": [a.to(dtype) for a in given]} if isinstance(given, list) else {})}
        e3nns(make(), **told)
        report = assert_equivariant(make(), wide=10, **told)  # type: ignore[arg-type]
    assert report.passed
    assert report.dtype == dtype


def test_the_same_arguments_fail_both() -> None:
    told = {"irreps_in": "4x1o", "irreps_out": "4x1o"}
    with default_dtype(torch.float64):
        for assertion, error in ((e3nns, AssertionError), (assert_equivariant, NotEquivariant)):
            with pytest.raises(error):
                assertion(torch.relu, **told)  # type: ignore[operator]


def test_inputs_are_drawn_alike_with_one_seed_and_without_the_callers_chance() -> None:
    before = torch.get_rng_state()
    first, second = (assert_equivariant(linear(), seed=3, wide=0).to_frame() for _ in range(2))
    assert torch.equal(before, torch.get_rng_state())
    assert len(first) == len(second)


def test_our_own_words_draw_too() -> None:
    assert assert_equivariant(lambda t: centred(t["p"]), inputs={"p": "position"}, outputs="1o", wide=5).passed


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "Expected an input x, or irreps_in"),
        ({"inputs": "1o", "irreps_in": "1o"}, "inputs= came under e3nn's name"),
        ({"x": X, "args_in": [X]}, "x= came under e3nn's name"),
        ({"inputs": ("1o", "index"), "outputs": "1o"}, "of irreps and positions only, not of 'index'"),
        ({"irreps_in": "1o", "irreps_out": [None]}, "Expected irreps for each output, got None"),
    ],
)
def test_what_cannot_be_asked_is_refused(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(CheckError, match=message):
        assert_equivariant(centred, **arguments)  # type: ignore[arg-type]


def crossed(points: Tensor) -> Tensor:
    """A pseudo-vector that is called a vector, of points that are not centred."""
    return torch.linalg.cross(points, points.roll(1, 0))


@pytest.mark.parametrize(
    ("words", "group"),
    [
        ({}, "E(3)"),
        ({"do_parity": False}, "SE(3)"),
        ({"do_translation": False}, "O(3)"),
        ({"do_parity": False, "do_translation": False}, "SO(3)"),
    ],
)
def test_mirrors_and_translations_are_left_out_as_in_e3nn(words: dict[str, bool], group: str) -> None:
    ordered = {"args_in": [X[:, :3]], "irreps_in": "cartesian_points", "irreps_out": "1o"}
    e3nns(centred, **ordered, ntrials=3, **words)  # type: ignore[arg-type]
    assert assert_equivariant(centred, wide=0, ntrials=3, **ordered, **words).claimed == group  # type: ignore[arg-type]
    if group == "SO(3)":
        e3nns(crossed, **ordered, **words)  # type: ignore[arg-type]
        with pytest.raises(NotEquivariant, match="order of the atoms"):  # e3nn does not try the order of the points
            assert_equivariant(crossed, wide=0, **ordered, **words)  # type: ignore[arg-type]


def test_a_group_and_e3nns_words_for_it_disagree() -> None:
    with pytest.raises(CheckError, match="give one of them"):
        assert_equivariant(linear(), group="E(3)", do_parity=False)


def test_elements_under_both_names_are_refused() -> None:
    with pytest.raises(CheckError, match="give one of them"):
        assert_equivariant(linear(), elements=20, ntrials=2)
