"""What a model asks torch to do between two stages, and what becomes of it when one of those acts is left out.

Only acts that can break a symmetry are noted: activations, normalisations, those that depend on order, those of chance.
They are counted in the order of the forward pass, so that the same act can be left out in another run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from torch import Tensor
from torch.overrides import TorchFunctionMode

from equiviz.features.recorder import Replacement
from equiviz.symmetry.field import Field

Act: TypeAlias = tuple[str, int]
"""An act's name in torch, and which of its calls in one forward pass."""

_ACTIVATIONS = (
    "relu relu_ relu6 leaky_relu leaky_relu_ prelu rrelu elu elu_ selu celu gelu silu silu_ mish softplus softsign "
    "hardtanh hardswish hardsigmoid tanh tanh_ sigmoid sigmoid_ logsigmoid tanhshrink softshrink hardshrink threshold "
    "abs abs_ absolute exp expm1 sin cos erf sqrt square clamp clamp_ clamp_min clamp_max clip sign round floor"
)
_NORMALISATIONS = "layer_norm batch_norm instance_norm group_norm rms_norm normalize softmax log_softmax"
_ORDERED = "cumsum cumsum_ cumprod cummax cummin logcumsumexp roll flip sort"
_CHOICES = "atan2 arctan2 argmin argmax topk sort argsort min max amin amax where searchsorted kthvalue median std var"
_CHANCE = (
    "dropout dropout_ dropout1d dropout2d dropout3d alpha_dropout feature_dropout rand randn rand_like randn_like "
    "randint randint_like randperm bernoulli bernoulli_ normal normal_ uniform_ multinomial"
)
CLASSES = {
    "precision": frozenset(("float", "half", "bfloat16")),
    "activation": frozenset(_ACTIVATIONS.split()),
    "normalisation": frozenset(_NORMALISATIONS.split()),
    "choice": frozenset(_CHOICES.split()),
    "order": frozenset(_ORDERED.split()),
    "chance": frozenset(_CHANCE.split()),
}
_KNOWN = frozenset(name for names in CLASSES.values() for name in names)


class Watch(TorchFunctionMode):
    """Notes acts and stages in their order, and leaves out those acts that it is told to.

    Args:
        without: acts that return their first tensor unchanged.
        keeping: whether to keep what each act was given.
    """

    def __init__(self, without: frozenset[Act] = frozenset(), keeping: bool = False) -> None:
        super().__init__()
        self.without, self.keeping = without, keeping
        self.log: list[Act | str] = []
        self.arguments: dict[Act, Tensor] = {}
        self._counts: dict[str, int] = {}
        self._busy = False

    def __torch_function__(
        self, func: Callable[..., object], types: object, args: tuple[object, ...] = (), kwargs: object = None
    ) -> object:
        """Note a call and make it, or hand on what it was given."""
        given: dict[str, object] = dict(kwargs) if isinstance(kwargs, Mapping) else {}
        name = getattr(func, "__name__", "")
        if self._busy or name not in _KNOWN:
            return func(*args, **given)
        act = (name, self._counts.get(name, 0))
        self._counts[name] = act[1] + 1
        self.log.append(act)
        subject = next((a for a in (*args, *given.values()) if isinstance(a, Tensor)), None)
        if subject is not None and self.keeping:
            self.arguments[act] = subject.detach().clone()
        if act in self.without and subject is not None:
            return subject
        self._busy = True  # what this function calls in turn is part of it
        try:
            return func(*args, **given)
        finally:
            self._busy = False

    def noting(self, replace: Replacement | None) -> Replacement:
        """A replacement of stages that notes their names; what it does itself is not watched."""

        def passed(name: str, found: Field) -> Field | None:
            self.log.append(name)
            self._busy = True
            try:
                return None if replace is None else replace(name, found)
            finally:
                self._busy = False

        return passed

    def before(self, stage: str) -> list[Act]:
        """The acts since the stage before this one; an output, which is not in the log, comes after all stages."""
        end = self.log.index(stage) if stage in self.log else len(self.log)
        starts = [place for place, entry in enumerate(self.log[:end]) if isinstance(entry, str)]
        return [entry for entry in self.log[starts[-1] + 1 if starts else 0 : end] if not isinstance(entry, str)]


@dataclass(frozen=True)
class Acts:
    """The acts between the stage before and a stage."""

    every: tuple[Act, ...]

    def of(self, kind: str) -> list[Act]:
        """Those of one class: "activation", "normalisation", "order", "chance"."""
        return [act for act in self.every if act[0] in CLASSES[kind]]
