"""The paths of e3nn's tensor products: one for each instruction.

e3nn (Geiger, Smidt, arXiv 2207.09453) sums ``path_weight * w * CG(x1[i], x2[j])`` over instructions (i, j, k, mode,
has_weight). A gate multiplies the weights of its path. A path without weights has none to multiply: there a twin of the
product stands in, in which every path has some, set to one.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Sequence
from functools import cached_property
from typing import Protocol, cast

import torch
from torch import Tensor, nn

from equiviz.nn.product_path import ProductPath, numbered
from equiviz.symmetry.representations import O3Irreps, Representation


class _Instruction(Protocol):
    """One entry of `o3.TensorProduct.instructions`; `path_weight` holds the whole normalisation."""

    i_in1: int
    i_in2: int
    i_out: int
    connection_mode: str
    has_weight: bool
    path_weight: float
    path_shape: tuple[int, ...]


class _Term(Protocol):
    """One term of an `o3.Irreps`."""

    ir: object


class TensorProductLike(Protocol):
    """What is read of an `o3.TensorProduct`."""

    irreps_in1: Sequence[_Term]
    irreps_in2: Sequence[_Term]
    irreps_out: Sequence[_Term]
    instructions: list[_Instruction]
    shared_weights: bool
    internal_weights: bool
    weight: Tensor
    output_mask: Tensor

    def forward(self, x: Tensor, y: Tensor, weight: Tensor | None = None) -> Tensor:
        """The product."""
        ...


def is_tensor_product(module: nn.Module) -> bool:
    """Whether a module is an `o3.TensorProduct` or of a subclass; e3nn is not imported to find out."""
    return any(
        parent.__name__ == "TensorProduct" and parent.__module__.startswith("e3nn.") for parent in type(module).__mro__
    )


class E3nnPaths:
    """The contract of `equiviz.nn.product_paths.SumOfPaths`, for an `o3.TensorProduct` or a subclass."""

    def __init__(self, module: nn.Module) -> None:
        self.module = module
        self._product = cast(TensorProductLike, module)

    def product_paths(self) -> list[ProductPath]:
        """One path for each instruction."""
        product = self._product
        kinds = [
            (
                str(product.irreps_in1[i.i_in1].ir),
                str(product.irreps_in2[i.i_in2].ir),
                str(product.irreps_out[i.i_out].ir),
            )
            for i in product.instructions
        ]
        return numbered(kinds, [_size(i) if i.has_weight else 0 for i in product.instructions])

    def along(self, gates: Tensor, *inputs: object, **named: object) -> Tensor:
        """See `equiviz.nn.product_paths.SumOfPaths.along`."""
        called = inspect.signature(self.module.forward).bind(*inputs, **named)
        weight = cast("Tensor | list[Tensor] | None", called.arguments.pop("weight", None))
        own = self._weights(weight)  # [..., W]
        taken = [cast(Tensor, value) for value in called.arguments.values()]
        gates = gates.to(taken[0])
        if all(i.has_weight for i in self._product.instructions):
            return self.module.forward(*called.args, **{**called.kwargs, "weight": own * self._spread(gates, own)})
        first, second = taken[0], taken[-1]  # a square has one factor, which is both
        full = self._full_weights(own, taken[0])
        return self._twin.forward(first, second, full * self._spread_all(gates))

    def representations_of(self, output: object) -> list[Representation]:
        """`irreps_out`."""
        return [O3Irreps(str(self._product.irreps_out))]

    def kept(self, places: Sequence[int]) -> nn.Module:
        """A smaller product, with these instructions only, of the same inputs and output; weights are handed over."""
        return _product_of(self._product, [self._product.instructions[place] for place in places], False)

    def _weights(self, weight: Tensor | list[Tensor] | None) -> Tensor:
        if isinstance(weight, list):
            shared = self._product.shared_weights
            weighted = [i for i in self._product.instructions if i.has_weight]
            flat = [w.reshape(*(() if shared else (-1,)), _size(i)) for w, i in zip(weight, weighted, strict=True)]
            return torch.cat(flat, -1)
        return self._product.weight if weight is None else weight

    def _spread(self, gates: Tensor, weight: Tensor) -> Tensor:
        """The gate of each weight: [W]."""
        counts = [_size(i) if i.has_weight else 0 for i in self._product.instructions]
        return gates.repeat_interleave(torch.tensor(counts, device=gates.device)).to(weight)

    def _spread_all(self, gates: Tensor) -> Tensor:
        counts = [_size(i) for i in self._product.instructions]
        return gates.repeat_interleave(torch.tensor(counts, device=gates.device))

    def _full_weights(self, weight: Tensor, like: Tensor) -> Tensor:
        """The weights of the twin: those that there are, and ones for paths without."""
        parts: list[Tensor] = []
        start, batch = 0, weight.shape[:-1]
        if not self._product.shared_weights and weight.ndim < 2:  # no weights at all came
            batch = (1,)
        for i in self._product.instructions:
            if i.has_weight:
                parts.append(weight[..., start : start + _size(i)])
                start += _size(i)
            else:
                parts.append(like.new_ones(*batch, _size(i)))
        return torch.cat(parts, -1) if parts else like.new_ones(*batch, 0)

    @cached_property
    def _twin(self) -> TensorProductLike:
        """The same product, each path with weights."""
        made = _product_of(self._product, self._product.instructions, True)
        return cast(TensorProductLike, made)


def _size(instruction: _Instruction) -> int:
    return math.prod(instruction.path_shape)


def _product_of(product: TensorProductLike, instructions: Sequence[_Instruction], weighted: bool) -> nn.Module:
    """A product of some instructions, normalised as they are, with weights handed over; constants are the original's.

    Args:
        product: whose irreps, precision and device it has.
        instructions: of it.
        weighted: whether each path has weights, also where the original has none.
    """
    from e3nn import o3

    wanted = [
        (i.i_in1, i.i_in2, i.i_out, i.connection_mode, weighted or i.has_weight, i.path_weight**2) for i in instructions
    ]
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        made = o3.TensorProduct(
            *(o3.Irreps(str(irreps)) for irreps in (product.irreps_in1, product.irreps_in2, product.irreps_out)),
            wanted,
            irrep_normalization="none",
            path_normalization="none",
            internal_weights=False,
            shared_weights=product.shared_weights,
        )
    finally:
        torch.set_default_dtype(before)
    made.to(product.output_mask)
    # A model cast from float32 to float64 keeps the constants of float32: so must what stands in for it.
    constants = {name: value for name, value in cast(nn.Module, product).state_dict().items() if "w3j" in name}
    made.load_state_dict(constants, strict=False)
    return made
