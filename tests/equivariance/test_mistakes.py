"""Mistakes that people make in plain functions: is the cause named, and is a guess called a hint?"""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pytest
import torch
from e3nn import o3
from torch import Tensor, nn

from equiviz.equivariance.check import check


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def scaled(x: Tensor) -> Tensor:
    """Vectors times their norm: exactly equivariant, and not linear."""
    return x * x.square().sum(-1, keepdim=True).sqrt()


TURNED = torch.linalg.qr(random(3, 3, seed=4))[0]
WRONG_BASES = {
    "y, z, x": (lambda x: scaled(x)[:, [1, 2, 0]], "1o", "axis-order", r"in the order \(y, z, x\)"),
    "one sign": (lambda x: scaled(x) * torch.tensor([1.0, -1.0, 1.0]), "1o", "component-signs", "sign of y"),
    "one scale": (lambda x: scaled(x) * torch.tensor([1.0, 2.0, 1.0]), "1o", "component-scale", "1 : 2 : 1|2 : 1 : 2"),
    "another frame": (lambda x: scaled(x) @ TURNED.T, "1o", "other-basis", "by a constant matrix"),
    "m from l to -l": (lambda x: scaled(x).flip(-1), "2e", "axis-order", r"in the order \(2, 1, 0, -1, -2\) of m"),
}


@pytest.mark.parametrize("name", WRONG_BASES)
def test_a_basis_taken_for_another_is_named(name: str) -> None:
    function, irrep, code, words = WRONG_BASES[name]
    report = check(function, random(5, o3.Irreps(irrep).dim), inputs=irrep, outputs=irrep)
    assert report.first_broken == ("output", f"{irrep}")
    assert [one.code for one in report.diagnoses] == [code]
    assert re.search(words, report.describe()), report.describe()


def test_a_layout_taken_for_another_is_named() -> None:
    report = check(
        lambda x: x.unflatten(1, (3, 3)).transpose(1, 2).flatten(1), random(5, 9), inputs="3x1o", outputs="3x1o"
    )
    assert report.first_broken == ("output", "1o")
    assert [one.code for one in report.diagnoses] == ["layout"]


def arms(p: Tensor) -> Tensor:
    """Sums of pair vectors, weighted by distance."""
    between = p[:, None] - p[None]
    return (between * torch.exp(-between.norm(dim=-1, keepdim=True))).sum(1)


def boxed(p: Tensor) -> Tensor:
    between = p[:, None] - p[None]
    between = between - 2 * (between / 2).round()
    return (between * torch.exp(-between.square().sum(-1, keepdim=True))).sum(1)


def read_by_component(x: Tensor) -> Tensor:
    vectors = x.unflatten(1, (3, 4)).transpose(1, 2)
    return (vectors * vectors.norm(dim=-1, keepdim=True)).flatten(1)


MIXED = nn.Linear(20, 20, bias=False).double()
MISTAKES: dict[str, tuple[Callable[[Tensor], Tensor], Tensor, str, str, str, bool]] = {
    "one linear layer for all components": (MIXED, random(40, 20), "8x0e+4x1o", "8x0e+4x1o", "linear-mixing", True),
    "a bias on vectors": (lambda x: x + 0.1, random(10, 12), "4x1o", "4x1o", "bias", True),
    "axes of the input": (lambda p: arms(p[:, [1, 2, 0]]), random(6, 3), "position", "1o", "axis-order", True),
    "blocks in another order": (
        lambda x: torch.cat([x[:, 8:], x[:, :8]], 1),
        random(10, 20),
        "8x0e+4x1o",
        "8x0e+4x1o",
        "block-order",
        True,
    ),
    "Cartesian components": (
        lambda x: (x[:, :, None] * x[:, None, :]).flatten(1),
        random(6, 3),
        "1o",
        "0e+1e+2e",
        "cartesian",
        True,
    ),
    "an input read by component": (read_by_component, random(10, 12), "4x1o", "4x1o", "attribute-not-rotated", True),
    "half precision on the way": (lambda x: x.half().double(), random(6, 3), "1o", "1o", "float32-constants", True),
    "floor of components": (lambda p: torch.floor(p / 1.5), random(6, 3), "1o", "1o", "pointwise-nonlinearity", True),
    "a box along the axes": (boxed, 2 * random(8, 3), "position", "1o", "separate-components", False),
    "components by numpy": (
        lambda x: torch.from_numpy(np.abs(x.numpy())),
        random(6, 3),
        "1o",
        "1o",
        "pointwise-nonlinearity",
        False,
    ),
    "an angle to the axes": (
        lambda x: torch.atan2(x[:, 1], x[:, 0])[:, None],
        random(6, 3),
        "1o",
        "0e",
        "choice",
        False,
    ),
    "normalised over everything": (
        lambda x: (x - x.mean(1, keepdim=True)) / x.std(1, keepdim=True),
        random(10, 20),
        "8x0e+4x1o",
        "8x0e+4x1o",
        "choice",
        False,
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_what_people_get_wrong_is_named_and_guesses_are_called_hints(name: str) -> None:
    function, x, inputs, outputs, code, sure = MISTAKES[name]
    report = check(function, x, inputs=inputs, outputs=outputs, wide=20)
    assert not report.passed
    first = report.diagnoses[0]
    assert (first.code, first.sure) == (code, sure), report.describe()
    assert ("Cause found" in report.describe()) == sure


def test_a_cell_that_is_called_a_constant_is_named() -> None:
    def fold(p: Tensor, cell: Tensor) -> Tensor:
        parts = (p - p.mean(0)) @ torch.linalg.inv(cell)
        return (parts - parts.round()) @ cell

    x = {"p": 2 * random(8, 3), "cell": 3 * torch.eye(3, dtype=torch.float64) + 0.1 * random(3, 3, seed=1)}
    report = check(fold, x, inputs={"p": "position", "cell": "constant"}, outputs="1o")
    assert report.diagnoses[0].code == "cell-not-rotated"
    assert "'cell': '3x1o per graph'" in report.describe()


def test_all_broken_irreps_of_a_stage_are_named() -> None:
    report = check(MIXED, random(40, 20), inputs="8x0e+4x1o", outputs="8x0e+4x1o", wide=0)
    first = report.describe().splitlines()[0]
    assert first.startswith("output breaks rotation in its 0e block (")
    assert ", and in 1o (" in first


def test_what_was_not_tried_says_why() -> None:
    report = check(lambda x: x, random(4, 3), inputs="1o", outputs="1o", wide=0)
    assert "translation (no input is declared 'position')" in report.describe()


def test_an_act_that_only_scales_is_no_cause() -> None:
    """Without the sigmoid the block is ten thousand times larger, and the error as large as it was."""

    def damped(x: Tensor) -> Tensor:
        return torch.sigmoid(torch.full_like(x, -10.0)) * x + 1e-9 * x.roll(1, -1) * x

    report = check(damped, random(5, 3), inputs="1o", outputs="1o")
    assert not report.passed
    assert not any("sigmoid" in one.cause for one in report.diagnoses)


def test_a_rare_branch_is_not_called_a_nonlinearity() -> None:
    def branch(x: Tensor) -> Tensor:
        cosine = x[0, 0] / x[0].norm()
        return x + (x.square() if bool(cosine > 0.95) else torch.zeros_like(x))

    report = check(branch, random(1, 3), inputs="1o", outputs="1o")
    assert {one.code for one in report.diagnoses} == {"rare-directions"}


def test_what_only_the_first_call_does_is_no_chance() -> None:
    kept: list[float] = []

    def lazy(x: Tensor) -> Tensor:
        kept.append(1.01 if not kept else 1.0)
        return kept[-1] * x

    assert [one.code for one in check(lazy, random(5, 3), inputs="1o", outputs="1o").diagnoses] == ["first-call"]
