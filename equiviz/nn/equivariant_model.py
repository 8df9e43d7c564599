"""The contract of a model: what it claims, what it takes, and what leaves it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import nn

from equiviz.nn.errors import ModelError
from equiviz.nn.stage import Stage
from equiviz.structures.graph import Graph
from equiviz.structures.interchange.recognised import StructureLike, as_structures, is_structure_like
from equiviz.structures.structure import Structure
from equiviz.structures.typed_tensors import TypedTensors
from equiviz.symmetry.field import Field
from equiviz.symmetry.named_groups import GROUPS


class EquivariantModel(nn.Module, ABC):
    """Base of all families: structures -> `measure` -> `prepare` -> `Graph` -> `forward` -> named fields.

    A family sets `family` and `group`, takes its configuration (a frozen dataclass) as its only argument, and writes
    `prepare` and `forward`; `measure` too, where it reads what takes long to compute. Everything that tools need to
    know beyond that they read off the `Stage` modules.

    Attributes:
        family: the name under which the registry knows it.
        group: the symmetry that it claims: ``"E(3)"`` (rotations, inversion, translations), ``"SE(3)"`` (without
            inversion), ``"O(3)"``, ``"SO(3)"`` (without translations), ``"T(3)"`` (translations only), ``"U(n)"`` or
            a subgroup of it, ``"I"`` (`equiviz.symmetry.named_groups`), or ``"none"``. Permutations of nodes are
            claimed by all.
        task: what it learns, and so how it is trained and scored: a name of `equiviz.training.tasks`.
        takes_structures: whether `prepare` hands structures on as they are, so that `forward` takes them.
        config: the configuration that it was built from; `fresh` makes another network of the same shape.
        note: what users of these weights should know, or "": `repr` shows it, evaluations repeat it, a manifest keeps
            it. A family whose configuration calls for one sets it when it is built; add to it, do not replace it.
    """

    family: ClassVar[str] = ""
    group: ClassVar[str] = "E(3)"
    task: ClassVar[str] = "mobility"
    takes_structures: bool = False
    config: object
    note: str = ""

    def __init__(self, config: object) -> None:
        super().__init__()
        self.config = config

    @classmethod
    def task_for(cls, settings: Mapping[str, object]) -> str:
        """The task of a model with these settings; a family whose heads learn different things overrides it."""
        return cls.task

    def reads(self, x: object) -> object:
        """What the model is shown, given what a user hands to a tool.

        By default `x` itself, which the tools read as structures. A family that reads something else makes it here: of
        a protein's file its holograms.
        """
        return x

    def measure(self, structure: Structure) -> Structure:
        """Attach, once, whatever the model reads that follows from the structure alone, as typed attributes.

        For example its inherent structure. Tools call it before they turn a structure, so that what is attached turns
        along instead of being computed again; `prepare` calls it for structures that come without. What is there is
        taken as it is: measuring twice changes nothing. By default there is nothing to attach.
        """
        return structure

    @abstractmethod
    def prepare(self, structures: Structure | Sequence[Structure]) -> Graph:
        """Everything deterministic before the learned part: neighbour lists, batching, inputs in the model's dtype."""

    @abstractmethod
    def forward(self, graph: Graph) -> dict[str, Field]:
        """The named outputs, typed."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """As `torch.nn.Module`: runs `forward`. Raises ModelError for a structure where `forward` takes a graph."""
        if args and not self.takes_structures and (is_structure_like(args[0]) or _holds_structures(args[0])):
            raise ModelError(
                f"{self.title} was called with a {type(args[0]).__name__}, but its forward takes a Graph. Use "
                "model.predict(structures), or, where gradients are wanted, "
                "model(model.prepare(model.measure(structure)))."
            )
        return super().__call__(*args, **kwargs)

    def predict(self, structures: StructureLike | Sequence[StructureLike]) -> dict[str, Field]:
        """The outputs for structures, by name: `measure`, `prepare`, `forward`, in evaluation mode, without gradients.

        Example:
            ``load("glassy-T056").predict(structure)["propensity"].values``

        Args:
            structures: one structure or several, each a Structure, `ase.Atoms`, a PyG `Data`, or the path of a file.
                Rows of node outputs are in their order, one structure after the other.

        Raises:
            StructureError: what is no structure, or a file that cannot be read.
        """
        known = self._known(self.reads(structures))
        modes = {module: module.training for module in self.modules()}
        self.eval()
        try:
            with torch.no_grad():
                outputs: dict[str, Field] = self(self.prepare(known))
        finally:
            for module, training in modes.items():
                module.training = training
        return {name: field.detach() for name, field in outputs.items()}

    def _known(self, read: object) -> Any:
        """What `prepare` takes: structures with all that is measured on them; anything else as it was read."""
        if isinstance(read, TypedTensors):
            return read
        taken = as_structures(read)
        return self.measure(taken) if isinstance(taken, Structure) else [self.measure(one) for one in taken]

    @property
    def observed(self) -> nn.Module:
        """The module whose parts tools look at and name; an adapter gives the model that it wraps."""
        return self

    @property
    def title(self) -> str:
        """What reports call it: the name of its class."""
        return type(self).__name__

    def fresh(self) -> EquivariantModel:
        """A network of the same shape with new weights, drawn from torch's global generator."""
        return type(self)(self.config)

    def extra_repr(self) -> str:
        """The note, for `repr`."""
        return self.note

    def stages(self) -> dict[str, Stage]:
        """The declared stages by their path in the model, in the order of registration."""
        return {name: module for name, module in self.named_modules() if isinstance(module, Stage)}


def title_of(model: nn.Module) -> str:
    """What reports call a model: its own title, or the name of its class."""
    return model.title if isinstance(model, EquivariantModel) else type(model).__name__


def claimed_group(model: object) -> str:
    """The symmetry that a model claims; "E(3)" where a foreign one says nothing, or means something else by `group`."""
    claimed: object = getattr(model, "group", None)
    known = isinstance(model, EquivariantModel) or claimed in GROUPS
    return claimed if isinstance(claimed, str) and known else "E(3)"


def _holds_structures(x: object) -> bool:
    return isinstance(x, (list, tuple)) and bool(x) and is_structure_like(x[0])
