"""A model that declares nothing, with its stages' types inferred: every verb takes it then."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Any, cast

import torch
from torch import Tensor, nn

from equiviz.features.model_input import ModelInput, Sizes, own_copy, prepared, sizes
from equiviz.features.model_state import untouched
from equiviz.features.type_inference import NO_IRREP, InferredType, Orientations
from equiviz.interop.taps import Tap, listening, planted
from equiviz.nn.equivariant_model import EquivariantModel, claimed_group, title_of
from equiviz.nn.errors import ModelError
from equiviz.nn.stage import Stage, Support
from equiviz.structures.graph import Graph
from equiviz.structures.structure import Structure
from equiviz.structures.typed_tensors import TypedTensors
from equiviz.symmetry.field import Field
from equiviz.symmetry.groups import O3, Translation, haar
from equiviz.symmetry.representations import Position

ELEMENTS = 4
_SHIFT = Translation(torch.tensor([0.7, -1.1, 0.4], dtype=torch.float64))
# What changes by less than this, relative, when the origin moves does not know where it is (rounding of float32).
_STILL = 1e-3


class InferredModel(EquivariantModel):
    """A model, and taps that type what its modules return.

    Args:
        model: held, not copied.
        types: by path of a module: its inferred type, and what its rows are.
        untyped: modules that could not be typed, and why.
    """

    def __init__(
        self, model: nn.Module, types: Mapping[str, tuple[InferredType, Support]], untyped: Mapping[str, str]
    ) -> None:
        super().__init__(None)
        self.model = model
        self.types = dict(types)
        self.untyped = dict(untyped)
        self.tapped = nn.Module()
        taps = [Tap(path, found.representation, support) for path, (found, support) in types.items()]
        self._taps = planted(self.tapped, _observed(model), taps)
        self.group = claimed_group(model)  # type: ignore[misc]
        self.takes_structures = not hasattr(model, "prepare")
        for module in (self, *self.tapped.modules()):
            module.training = model.training

    def of(self, made: nn.Module) -> InferredModel:
        """Another model of the same shape, with the same types."""
        inner = cast("Callable[[nn.Module], nn.Module] | None", getattr(self.model, "of", None))
        return InferredModel(made if inner is None else inner(made), self.types, self.untyped)

    @property
    def observed(self) -> nn.Module:
        """The stages, at the paths of the modules that they listen to."""
        return self.tapped

    @property
    def title(self) -> str:
        """What reports call it: the name of the model's own class."""
        return title_of(self.model)

    @property
    def guessed(self) -> frozenset[str]:
        """Stages whose type was only taken from another: they may tell where an output's break begins, no more."""
        return frozenset(path for path, (found, _) in self.types.items() if math.isnan(found.residual))

    @property
    def notes(self) -> list[str]:
        """What was inferred, with residuals; and what could not be."""
        typed = [f"{path}: {found}" for path, (found, _) in self.types.items()]
        lines = [f"Nothing declares these stages' types, so they were inferred: {'; '.join(typed)}."] if typed else []
        return lines + [f"{path} could not be typed: {why}." for path, why in self.untyped.items()]

    def measure(self, structure: Structure) -> Structure:
        """As the model does."""
        return self.model.measure(structure) if isinstance(self.model, EquivariantModel) else structure

    @property
    def prepare(self) -> Callable[[Structure | Sequence[Structure]], Graph]:  # type: ignore[override]
        """The model's own; a model that takes structures themselves has none, and neither has this one then."""
        return cast(Any, self.model).prepare

    def forward(self, graph: Graph) -> dict[str, Field]:
        """The model's own outputs, while the taps listen."""
        with listening(self._taps):
            return self.model(graph)

    def fresh(self) -> EquivariantModel:
        """Not known of a model that declares nothing. Raises ModelError."""
        raise ModelError(f"How to build another {self.title} is not known.")


def inferred(model: nn.Module, x: ModelInput, seed: int = 0) -> nn.Module:
    """The model with the types of its modules' outputs inferred, where nothing in it declares any.

    The input is turned a few times; see `equiviz.features.type_inference`. A model with stages, or made of e3nn
    modules, comes back as it is; so does one without submodules, or that raises when it is turned. A module that breaks
    symmetry too much to be of any type is taken to be of the type of the tensor of its shape that passed before it, if
    there is one.

    Args:
        model: any torch module.
        x: what it takes.
        seed: of the orientations.
    """
    if declares_stages(model) or not any(True for _ in _observed(model).children()):
        return model
    taken = prepared(model, x)
    if not isinstance(taken, (Structure, Graph, TypedTensors)):
        return model
    elements = [*haar(ELEMENTS, seed, "SO(3)"), O3.inversion(), O3.inversion() @ haar(1, seed + 1, "SO(3)")[0]]
    generic = haar(1, seed + 2, "SO(3)")[0]  # a component that is zero by chance of orientation has no type
    try:
        runs = [_outputs(model, taken.transform(g)) for g in (generic, *(g @ generic for g in elements))]
        moved = _outputs(model, taken.transform(generic).transform(_SHIFT))
    except Exception:  # whoever asked runs the model on turned inputs too, and tells which of them it was
        return model
    counted, types, untyped = sizes(taken), dict[str, tuple[InferredType, Support]](), dict[str, str]()
    for path, reference in runs[0].items():
        found = _typed([run.get(path) for run in runs], elements, counted)
        if not isinstance(found, str):
            found = _where_it_is(found, reference, moved.get(path))
        before = [t for p, t in types.items() if runs[0][p].shape == reference.shape]
        if not isinstance(found, str):
            types[path] = found
        elif before and found.startswith(NO_IRREP):
            same, support = before[-1]
            types[path] = InferredType(same.representation, math.nan), support
        else:
            untyped[path] = found
    return InferredModel(model, types, untyped) if types or untyped else model


def _typed(
    found: Sequence[Tensor | None], elements: Sequence[O3], counted: Sizes
) -> tuple[InferredType, Support] | str:
    """Type and support of what one module returned in several orientations; or why there are none."""
    reference = found[0]
    assert reference is not None
    others = [other for other in found[1:] if other is not None and other.shape == reference.shape]
    if len(others) < len(elements):
        return "it has other rows in other orientations"
    fitting = counted.supports_of(len(reference))
    if len(fitting) != 1:
        return f"what its {len(reference)} rows are does not tell"
    if reference.ndim > 2 and reference.shape[1] == counted.node and counted.node > 1:
        return "its rows are pairs of nodes"
    inferred_type = Orientations(elements, reference, torch.stack(others)).inferred()
    return inferred_type if isinstance(inferred_type, str) else (inferred_type, cast(Support, fitting[0]))


def _where_it_is(
    found: tuple[InferredType, Support], before: Tensor, after: Tensor | None
) -> tuple[InferredType, Support] | str:
    """A type that translations leave alone; a position, which they move; or why it is neither."""
    if after is None or after.shape != before.shape:
        return "it has other rows in other places"
    size, change = before.double().norm(), (after - before).double()
    if change.norm() <= _STILL * size:
        return found
    inferred_type, support = found
    if str(inferred_type.representation) == "1x1o" and (change - _SHIFT.vector).norm() <= _STILL * change.norm():
        return replace(inferred_type, representation=Position()), support
    return "it depends on where the origin is"


def declares_stages(model: nn.Module) -> bool:
    """Whether anything in the model says what its tensors are."""
    return any(isinstance(module, Stage) or hasattr(module, "irreps_out") for module in model.modules())


def _observed(model: nn.Module) -> nn.Module:
    return model.observed if isinstance(model, EquivariantModel) else model


def _outputs(model: nn.Module, taken: Structure | Graph | TypedTensors) -> dict[str, Tensor]:
    """What each module returns, once per module: real tensors with rows; not those that it hands on from a part."""
    found: dict[str, Tensor] = {}
    seen: set[int] = set()

    def hook(path: str) -> Callable[..., None]:
        def keep(_module: nn.Module, _inputs: object, output: object) -> None:
            if not isinstance(output, Tensor) or not output.is_floating_point() or output.ndim < 2:
                return
            if path not in found and id(output) not in seen:
                found[path] = output.detach().clone()
                alive.append(output)
                seen.add(id(output))

        return keep

    alive: list[Tensor] = []  # an id is a tensor's own only as long as the tensor lives
    with ExitStack() as stack, untouched(model):
        for path, module in _observed(model).named_modules():
            if path:
                stack.callback(module.register_forward_hook(hook(path)).remove)
        model(own_copy(taken, linked=False))
    return {path: values for path, values in found.items() if math.prod(values.shape)}
