"""Paths: do the single ones add up to the whole, and does a gate do what its path would?"""

from __future__ import annotations

import pytest
import torch
from e3nn import o3
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from equiviz.models.registry import build
from equiviz.nn.errors import ModelError
from equiviz.nn.neighbour_convolution import NeighbourConvolution
from equiviz.nn.neighbour_sum import SortedEdges
from equiviz.nn.product_paths import SumOfPaths, gated, paths_of, rerouted, tensors_of, with_tensors
from equiviz.nn.self_product import SelfProduct
from tests.toy_networks import default_dtype, molecule, toy

MODES = {"uvw": True, "uvu": None, "uvv": None, "uuu": None, "uvuv": None}  # None: with or without weights
ROWS = 4


@st.composite
def products(draw: st.DrawFn) -> tuple[o3.TensorProduct, Tensor | None]:
    """A tensor product of one kind of connection, and the weights it is to be called with."""
    mode = draw(st.sampled_from(sorted(MODES)))
    mul = draw(st.integers(1, 2))
    left = o3.Irreps([(mul, (degree, p)) for degree, p in draw(_irreps())])
    right = o3.Irreps([(mul if mode == "uuu" else draw(st.integers(1, 2)), ir) for ir in draw(_irreps())])
    out, instructions = [], []
    for i, (mul_left, ir_left) in enumerate(left):
        for j, (mul_right, ir_right) in enumerate(right):
            for ir in list(ir_left * ir_right)[:2]:
                weighted = MODES[mode] or draw(st.booleans())
                width = {"uvw": 2, "uvu": mul_left, "uvv": mul_right, "uuu": mul, "uvuv": mul_left * mul_right}[mode]
                instructions.append((i, j, len(out), mode, weighted, draw(st.floats(0.1, 3.0))))
                out.append((width, ir))
    if len(out) > 1 and out[0] == out[1]:  # two paths to one place
        instructions[1] = (*instructions[1][:2], 0, *instructions[1][3:])
    kind = draw(st.sampled_from(["internal", "shared", "batched"]))
    with default_dtype(torch.float64):
        settings_of = {"internal": {}, "shared": {"internal_weights": False}, "batched": {"shared_weights": False}}
        made = o3.TensorProduct(left, right, o3.Irreps(out), instructions, **settings_of[kind])
    shapes = {"internal": None, "shared": (made.weight_numel,), "batched": (ROWS, made.weight_numel)}
    shape = shapes[kind] if made.weight_numel else None
    return made, None if shape is None else torch.randn(shape, dtype=torch.float64)


def _irreps() -> st.SearchStrategy[list[tuple[int, int]]]:
    return st.lists(st.tuples(st.integers(0, 2), st.sampled_from([-1, 1])), min_size=1, max_size=2)


@settings(max_examples=15, deadline=None)
@given(products())
def test_the_paths_of_a_tensor_product_add_up(case: tuple[o3.TensorProduct, Tensor | None]) -> None:
    product, weight = case
    x = torch.randn(ROWS, product.irreps_in1.dim, dtype=torch.float64)
    y = torch.randn(ROWS, product.irreps_in2.dim, dtype=torch.float64)
    found = paths_of(product)[""]
    assert len(found.paths) == len(product.instructions)
    whole = product(x, y, weight).detach()
    added = sum(found.each(x, y, weight=weight))  # type: ignore[call-overload]
    assert torch.allclose(added, whole, rtol=1e-12, atol=1e-12 * float(whole.abs().max()))


@pytest.mark.parametrize(
    "make",
    [
        lambda: o3.FullyConnectedTensorProduct("2x0e+1o", "0e+1o", "2x0e+1o+1e"),
        lambda: o3.FullTensorProduct("2x0e+1o", "0e+1o"),
        lambda: o3.ElementwiseTensorProduct("2x0e+2x1o", "2x1o+2x1e"),
        lambda: o3.TensorSquare("2x0e+3x1o"),
        lambda: o3.TensorSquare("2x0e+3x1o", "2x0e+2e"),
    ],
    ids=["fully connected", "full", "elementwise", "square", "square with weights"],
)
def test_every_product_of_e3nn(make: object) -> None:
    with default_dtype(torch.float64):
        product = make()  # type: ignore[operator]
    inputs = [torch.randn(3, product.irreps_in1.dim, dtype=torch.float64)]
    if not isinstance(product, o3.TensorSquare):
        inputs.append(torch.randn(3, product.irreps_in2.dim, dtype=torch.float64))
    found, whole = paths_of(product)[""], product(*inputs)
    parts = found.each(*inputs)
    assert torch.allclose(sum(parts), whole, rtol=1e-12, atol=1e-13)  # type: ignore[call-overload]
    assert any(not torch.allclose(part, whole) for part in parts)  # the control: one path is not the whole


def test_a_list_of_weights_and_a_cast_product() -> None:
    product = o3.TensorProduct(
        "2x0e+1o", "1o", "2x1o+1e", [(0, 0, 0, "uvu", True), (1, 0, 1, "uvw", True)], internal_weights=False
    ).double()
    x, y = torch.randn(3, 5, dtype=torch.float64), torch.randn(3, 3, dtype=torch.float64)
    weights = [torch.randn(2, 1, dtype=torch.float64), torch.randn(1, 1, 1, dtype=torch.float64)]
    whole = product(x, y, weights)
    assert torch.allclose(sum(paths_of(product)[""].each(x, y, weights)), whole, rtol=1e-13)  # type: ignore[call-overload]


def test_constants_of_a_cast_product_are_its_own() -> None:
    """Cast from float32, coupling tensors keep the rounding of float32; so does the twin of paths without weights."""
    product = o3.FullTensorProduct("1o+2e", "1o+2e").double()
    x, y = torch.randn(3, 8, dtype=torch.float64), torch.randn(3, 8, dtype=torch.float64)
    whole = product(x, y)
    assert torch.allclose(sum(paths_of(product)[""].each(x, y)), whole, rtol=1e-13, atol=1e-14)  # type: ignore[call-overload]


def test_labels() -> None:
    product = o3.FullyConnectedTensorProduct("0e+1o+1o", "1o", "0e")
    assert [str(path) for path in paths_of(product)[""].paths] == ["1o x 1o -> 0e", "1o x 1o -> 0e #2"]
    assert paths_of(product)[""].paths[1].degrees == (1, 1, 0)
    assert paths_of(product)[""].paths[1].weights == 1


def test_a_convolution_over_neighbours() -> None:
    block = NeighbourConvolution({0: 2, 1: 3}, (0, 1), 2, 4, 2.0, compiled=False)
    edges = SortedEdges.from_index(torch.tensor([1, 2, 0]), torch.tensor([0, 0, 2]), 3)
    h = {0: torch.randn(3, 1, 2), 1: torch.randn(3, 3, 3)}
    basis = torch.randn(3, 9 * 4)
    _check_block(block, (h, basis, edges))


def test_a_self_product() -> None:
    _check_block(SelfProduct(2), (torch.randn(5, 9, 3),))


def _check_block(block: nn.Module, inputs: tuple[object, ...]) -> None:
    found = paths_of(block)[""]
    assert isinstance(block, SumOfPaths)
    whole = tensors_of(block(*inputs))
    parts = [tensors_of(part) for part in found.each(*inputs)]
    for place, values in enumerate(whole):
        assert torch.allclose(sum(part[place] for part in parts), values)  # type: ignore[arg-type]
    for place, (path, part) in enumerate(zip(found.paths, parts, strict=True)):
        nonzero = [k for k, values in enumerate(part) if values.any()]
        out = [rep.labels()[0] for rep in found.representations_of(found.restricted([place], *inputs))]
        assert [int(out[k][:-1]) for k in nonzero] == [path.degrees[2]]
    for values, rep in zip(whole, found.representations_of(block(*inputs)), strict=True):
        assert values[0].numel() == rep.dim


def test_gates_in_a_model_are_gradient_times_output() -> None:
    """The derivative in a gate is the gradient at the product times the path's own output: Euler's theorem per path."""
    model, graph = toy(), toy().prepare(molecule())
    name = "layers.1.product"
    found = paths_of(model)[name]
    gates = torch.ones(len(found.paths), dtype=torch.float64, requires_grad=True)
    with gated(model, {name: gates}):
        energy = model(graph)["energy"].values.sum()
    (slope,) = torch.autograd.grad(energy, gates)
    assert torch.allclose(energy, model(graph)["energy"].values.sum(), rtol=1e-12)
    seen: list[Tensor] = []
    inputs: list[tuple[object, ...]] = []

    def keep(_one: object, taken: tuple[object, ...], _named: object, output: object) -> Tensor:
        assert isinstance(output, Tensor)
        seen.append(output.detach().requires_grad_())
        inputs.append(taken)
        return seen[0]

    with rerouted([found], keep):
        again = model(graph)["energy"].values.sum()
    (upstream,) = torch.autograd.grad(again, seen[0])
    expected = torch.stack([(upstream * part).sum() for part in found.each(*inputs[0])])  # type: ignore[operator]
    assert torch.allclose(slope, expected, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("family", ["glassy", "hcnn"])
def test_families_of_the_project_declare_paths(family: str) -> None:
    found = paths_of(build(family))
    assert found
    assert all(one.paths for one in found.values())


def test_forms_of_outputs() -> None:
    one, other = torch.zeros(1), torch.ones(1)
    assert with_tensors(one, [other]) is other
    assert with_tensors([one, one], [other, one]) == [other, one]
    assert with_tensors({0: one, 1: one}, [one, other]) == {0: one, 1: other}


def test_errors() -> None:
    model = toy()
    found = paths_of(model)["layers.0.product"]
    with pytest.raises(ModelError, match=r"No product of typed tensors at 'layers.7'; there are layers.0"):
        gated(model, {"layers.7": torch.ones(1)}).__enter__()
    with pytest.raises(ModelError, match=r"has no path 99: its \d+ paths count from 0"):
        found.restricted([99])
    with pytest.raises(ModelError, match=r"expected gates of shape \[\d+\], got \[1\]"):
        found.along(torch.ones(1))
