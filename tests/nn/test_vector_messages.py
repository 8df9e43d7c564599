"""Fused messages: do the compiled loops give the plain sums, with all their derivatives?"""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck, gradgradcheck

from equiviz.nn.neighbour_sum import SortedEdges
from equiviz.nn.vector_messages import vector_messages


def inputs(rows: int) -> tuple[tuple[Tensor, Tensor, Tensor], SortedEdges]:
    draw = torch.Generator().manual_seed(rows)
    receiver = torch.tensor([0, 0, 1, 3, 3, 3])  # node 2 has no edge
    edges = SortedEdges.from_index(torch.tensor([1, 3, 0, 0, 1, 2]), receiver, 4)
    parts = 3 if rows == 5 else 2
    shapes = ((4, rows, 3), (6, parts, 3), (6, 3))
    told, filters, directions = (torch.randn(s, generator=draw, dtype=torch.float64).requires_grad_() for s in shapes)
    return (told, filters, directions), edges


@pytest.mark.parametrize("rows", [2, 5])
def test_compiled_loops_give_the_plain_sums(rows: int) -> None:
    values, edges = inputs(rows)
    compiled, plain = (vector_messages(*values, edges, compiled=way) for way in (True, False))
    torch.testing.assert_close(compiled, plain, rtol=1e-13, atol=1e-13)
    assert float(compiled.detach()[2].abs().max()) == 0.0


@pytest.mark.parametrize("rows", [2, 5])
def test_first_and_second_derivatives_are_right(rows: int) -> None:
    values, edges = inputs(rows)

    def run(told: Tensor, filters: Tensor, directions: Tensor) -> Tensor:
        return vector_messages(told, filters, directions, edges)

    assert gradcheck(run, values)
    assert gradgradcheck(run, values)


# torch compiles its own derivative formulas at the first dual number, and warns that its compiler is old.
@pytest.mark.filterwarnings("ignore:`torch.jit.script:DeprecationWarning")
@pytest.mark.parametrize("rows", [2, 5])
def test_forward_mode_is_right(rows: int) -> None:
    values, edges = inputs(rows)

    def run(told: Tensor, filters: Tensor, directions: Tensor) -> Tensor:
        return vector_messages(told, filters, directions, edges)

    assert gradcheck(run, values, check_forward_ad=True)
    assert gradgradcheck(run, values, check_fwd_over_rev=True)
