"""From a name or a folder to a model: `load("glassy-T044")`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from equiviz.models.errors import ConfigError
from equiviz.models.registry import build
from equiviz.nn.equivariant_model import EquivariantModel
from equiviz.structures.graph import Graph
from equiviz.structures.structure import Structure
from equiviz.symmetry.field import Field
from equiviz.training.bundle import exists
from equiviz.training.checkpoint import Manifest, load_checkpoint
from equiviz.training.errors import CheckpointError, UnknownWeights

SHIPPED = Path(__file__).resolve().parents[1] / "weights"


class Ensemble(EquivariantModel):
    """Several networks of one shape; its fields are the means of theirs.

    A mean of equivariant maps is equivariant under the same group, so every tool takes it for one model. Its stages are
    those of the members, ``member0.`` before the name; its note is theirs.

    Args:
        members: At least one; of one family and configuration, because they share what `measure` and `prepare` make.

    Raises:
        CheckpointError: No members, or members of different shapes.
    """

    family = "ensemble"
    called = ""
    """What it was loaded as."""

    def __init__(self, members: Sequence[EquivariantModel]) -> None:
        if not members or any(member.config != members[0].config for member in members):
            raise CheckpointError("An ensemble needs at least one member, and all of one family and configuration.")
        super().__init__(members[0].config)
        self.group = members[0].group  # type: ignore[misc]  # the class cannot know it, the members do
        self.task = members[0].task  # type: ignore[misc]
        self.note = " ".join(dict.fromkeys(member.note for member in members if member.note))
        for index, member in enumerate(members):
            self.add_module(f"member{index}", member)

    @property
    def title(self) -> str:
        """What reports call it: as it was loaded, or as the family of its members, with their number."""
        return f"{self.called or self.members[0].family} (ensemble of {len(self.members)})"

    @property
    def members(self) -> list[EquivariantModel]:
        """The networks, in order."""
        return [module for module in self.children() if isinstance(module, EquivariantModel)]

    def measure(self, structure: Structure) -> Structure:
        """What the first member measures; it serves all."""
        return self.members[0].measure(structure)

    def reads(self, x: object) -> object:
        """What the first member reads; it serves all."""
        return self.members[0].reads(x)

    def prepare(self, structures: Structure | Sequence[Structure]) -> Graph:
        """What the first member prepares; it serves all."""
        return self.members[0].prepare(structures)

    def fresh(self) -> Ensemble:
        """As many new networks."""
        return Ensemble([member.fresh() for member in self.members])

    def forward(self, graph: Graph) -> dict[str, Field]:
        """The mean of the members' fields, by name."""
        outputs = [member(graph) for member in self.members]
        return {
            name: Field(torch.stack([own[name].values for own in outputs]).mean(0), field.representation, field.support)
            for name, field in outputs[0].items()
        }


def shipped_names() -> list[str]:
    """The names that `load` knows without a path."""
    return sorted(path.name for path in SHIPPED.iterdir() if exists(path)) if SHIPPED.is_dir() else []


def locate(name_or_path: str | Path) -> Path:
    """The folder of shipped weights of that name, or the folder itself.

    Raises:
        UnknownWeights: Neither; the message lists the shipped names.
    """
    name = str(name_or_path)
    if name in shipped_names():
        return SHIPPED / name
    folder = Path(name_or_path)
    if folder.is_dir():
        return folder
    raise UnknownWeights(
        f"There are no weights called {name!r}, and no folder lies at this path. "
        f"Shipped: {', '.join(shipped_names()) or 'none'}. Or give the folder of a training."
    )


def load(name_or_path: str | Path) -> EquivariantModel:
    """A trained model, ready to predict (evaluation mode): shipped weights by name, or the folder of a training.

    Args:
        name_or_path: ``"glassy-T044"``, or a folder with ``weights.safetensors`` and ``manifest.json``.

    Returns:
        An `Ensemble` when several members were saved together. Its ``manifest`` says where it comes from; its ``note``
        is the manifest's, or the family's own for such a configuration where the manifest has none, and part of its
        `repr`.

    Raises:
        UnknownWeights: No such name or folder.
        CheckpointError: The files are damaged, or do not fit the family that they name.
    """
    folder = locate(name_or_path)
    saved = load_checkpoint(folder)
    members = [_member(folder, saved.manifest, state) for state in saved.states]
    model = members[0] if len(members) == 1 else Ensemble(members)
    if isinstance(model, Ensemble):
        model.called = folder.name
    model.manifest = saved.manifest  # type: ignore[assignment]  # nn.Module declares attributes as Tensor | Module
    model.note = saved.manifest.note or model.note
    return model.eval()


def manifest_of(model: EquivariantModel) -> Manifest | None:
    """Where a loaded model comes from; None for one that was built here."""
    manifest = getattr(model, "manifest", None)
    return manifest if isinstance(manifest, Manifest) else None


def _member(folder: Path, manifest: Manifest, state: dict[str, torch.Tensor]) -> EquivariantModel:
    try:
        model = build(manifest.family, manifest.config)
        model.load_state_dict(state)
    except (RuntimeError, ConfigError) as problem:
        raise CheckpointError(
            f"{folder}: the weights do not fit a network of family {manifest.family!r} with the settings of the "
            f"manifest: {str(problem)[:400]} They may come from another version ({manifest.version})."
        ) from problem
    return model
