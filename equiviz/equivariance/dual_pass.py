"""One forward pass with dual numbers: every typed tensor of a model, and its derivative along a generator."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import forward_ad
from torch.overrides import TorchFunctionMode

from equiviz.equivariance.transformed_input import transformed
from equiviz.features.model_input import ModelInput, own_copy, sizes
from equiviz.features.model_state import untouched
from equiviz.features.precision import wide
from equiviz.features.recorder import Recorder
from equiviz.nn.stage import Support
from equiviz.symmetry.field import Field
from equiviz.symmetry.generators import Generator, Infinitesimal


@dataclass
class DualPass:
    """What passed, up to where forward mode was stopped.

    Attributes:
        lie: by stage, ``L_X f = J_f(x)[drho_in(X) x] - drho_out(X) f(x)`` in double precision, in the shape of f.
        stopped: why the pass did not reach the end; None where it did.
    """

    lie: dict[str, Tensor]
    stopped: str | None = None


def dual_pass(model: nn.Module, x: ModelInput, generator: Generator, supports: Mapping[str, Support]) -> DualPass:
    """Run the model once on ``(1 + eps X) x``; the model is left as it was.

    Args:
        model: a model that has just taken `x` without complaint: whatever it raises now is due to dual numbers.
        x: what its forward takes. Its neighbour list is fixed.
        generator: X.
        supports: as in `equiviz.capture`.
    """
    recorder = _DualRecorder(sizes(x), supports, keep_graph=True)
    stopped = None
    with untouched(model), forward_ad.dual_level():
        # Without this, a reverse graph of values and tangents would be kept; forces ask for theirs themselves.
        model.requires_grad_(False)
        try:
            with recorder.listening(model), _Spelled():
                recorder.outputs(model(own_copy(transformed(x, Infinitesimal(generator)))))
        except Exception as problem:
            stopped = _first_sentence(problem)
    lie = {
        name: wide(recorder.tangents[name]) - found.representation.tangent(generator, wide(found.values))
        for name, found in recorder.fields.items()
    }
    return DualPass(lie, stopped)


@dataclass
class _DualRecorder(Recorder):
    """Takes values and tangents apart at once: later operations may be in place, and tangents end with the level."""

    tangents: dict[str, Tensor] = field(default_factory=dict)

    def record(self, name: str, found: Field) -> None:
        values, tangent = forward_ad.unpack_dual(found.values)
        free = self._free(name)
        self.fields[free] = found.with_values(values.detach().clone())
        self.tangents[free] = torch.zeros_like(values) if tangent is None else tangent.detach().clone()

    def outputs(self, returned: object) -> None:
        """The typed outputs, named as `equiviz.capture` names them."""
        for name, value in returned.items() if isinstance(returned, Mapping) else ():
            if isinstance(value, Field):
                self.record("output" if name == "output" else f"output.{name}", value)


class _Spelled(TorchFunctionMode):
    """Activations whose backward pass has no forward-mode formula in torch, spelled out: forces need both.

    The same function to a unit or two in the last place; those that run inside TorchScript are not reached.
    """

    def __torch_function__(
        self, func: Callable[..., Any], types: object, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        named = dict(kwargs or {})
        spelled = _ACTIVATIONS.get(getattr(func, "__name__", ""))
        if spelled is None or func.__module__ not in ("torch.nn.functional", "torch._C._nn"):
            return func(*args, **named)
        values = args[0] if args else named["input"]
        in_place = named.get("inplace", args[1] if len(args) > 1 else False)
        return values.copy_(spelled(values)) if in_place else spelled(values)


_ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "silu": lambda x: x * torch.sigmoid(x),
    "mish": lambda x: x * torch.tanh(torch.nn.functional.softplus(x)),
}


def _first_sentence(problem: Exception) -> str:
    text = (str(problem).strip().splitlines() or [""])[0].split(". ")[0].rstrip(".")
    return f"{type(problem).__name__}: {text}" if text else type(problem).__name__
