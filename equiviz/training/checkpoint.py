"""Saved models: the weights of one network or of an ensemble, with a manifest that says where they come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from equiviz import __version__
from equiviz.training.bundle import read_bundle, write_bundle
from equiviz.training.errors import CheckpointError

FORMAT = "equiviz-model-1"
MOST_MEMBERS = 64
# Below this size a tensor is kept as it is: scales and biases cost nothing, and lose most by rounding.
_SMALL = 64

State = Mapping[str, Tensor]


@dataclass(frozen=True)
class Manifest:
    """What a saved model says about itself.

    Attributes:
        family: The name of the family, as in `equiviz.models.registry`.
        config: The settings that build a network of this shape, as JSON holds them.
        data: What it was trained on: a name, the names of the configurations, times (LJ units), temperature.
        recipe: Settings of the training.
        seeds: One per member.
        scores: What it reached, and on what.
        members: How many networks there are; more than one makes an ensemble.
        version: The version of equiviz that wrote it.
        note: What whoever uses the weights should know, in a sentence, or "".
    """

    family: str
    config: Mapping[str, object] = field(default_factory=dict)
    data: Mapping[str, object] = field(default_factory=dict)
    recipe: Mapping[str, object] = field(default_factory=dict)
    seeds: tuple[int, ...] = ()
    scores: Mapping[str, object] = field(default_factory=dict)
    members: int = 1
    version: str = __version__
    note: str = ""

    def to_dict(self) -> dict[str, object]:
        """The entries as JSON holds them."""
        return {
            "format": FORMAT,
            "family": self.family,
            "config": dict(self.config),
            "data": dict(self.data),
            "recipe": dict(self.recipe),
            "seeds": list(self.seeds),
            "scores": dict(self.scores),
            "members": self.members,
            "version": self.version,
            **({"note": self.note} if self.note else {}),
        }

    @classmethod
    def from_dict(cls, entries: Mapping[str, object], where: str | Path = "manifest") -> Manifest:
        """The inverse of `to_dict`.

        Raises:
            CheckpointError: Another format, a missing entry, or one of the wrong kind; the message names it and
                `where`.
        """
        if entries.get("format") != FORMAT:
            raise CheckpointError(f"{where} is no saved model: 'format' is {entries.get('format')!r}, not {FORMAT!r}.")
        family, members = entries.get("family"), entries.get("members")
        if not isinstance(family, str):
            raise CheckpointError(f"{where}: 'family' should be a name, but {family!r} was found.")
        if not isinstance(members, int) or not 1 <= members <= MOST_MEMBERS:
            raise CheckpointError(f"{where}: 'members' should be 1..{MOST_MEMBERS}, but {members!r} was found.")
        seeds = entries.get("seeds", [])
        if not isinstance(seeds, list) or not all(isinstance(seed, int) for seed in seeds):
            raise CheckpointError(f"{where}: 'seeds' should be a list of whole numbers, but {seeds!r} was found.")
        note = entries.get("note", "")
        if not isinstance(note, str):
            raise CheckpointError(f"{where}: 'note' should be a sentence, but {note!r} was found.")
        tables = {name: _table(entries, name, where) for name in ("config", "data", "recipe", "scores")}
        version = str(entries.get("version"))
        return cls(family=family, members=members, seeds=tuple(seeds), version=version, note=note, **tables)


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A saved model as read: the manifest, and one state dict per member (floating tensors in `float32` or wider)."""

    manifest: Manifest
    states: tuple[dict[str, Tensor], ...]


def save_checkpoint(
    folder: str | Path,
    model: nn.Module | State | Sequence[nn.Module | State],
    manifest: Manifest,
    half: bool = False,
) -> Path:
    """Save a network, or several as an ensemble; a crash at any moment leaves what was there before.

    Args:
        folder: Made if absent; gets ``weights.safetensors`` and ``manifest.json``.
        model: A module, a state dict, or a list of either. Keys of an ensemble get the prefix ``member0.``,
            ``member1.`` ...
        manifest: `members` is set here.
        half: Store large tensors as float16 (relative rounding 5e-4), for weights that travel inside the package.

    Raises:
        CheckpointError: No member, too many, or the folder cannot be written.
    """
    states = [_state(member) for member in _as_list(model)]
    if not 1 <= len(states) <= MOST_MEMBERS:
        raise CheckpointError(f"A saved model has 1..{MOST_MEMBERS} members, but {len(states)} were given.")
    tensors = {
        _key(name, index, len(states)): _halved(value) if half else value
        for index, state in enumerate(states)
        for name, value in state.items()
    }
    entries = {**manifest.to_dict(), "members": len(states)}
    return write_bundle(folder, tensors, entries)


def load_checkpoint(folder: str | Path) -> Checkpoint:
    """Read a saved model; nothing is executed, and every byte is checked.

    Raises:
        CheckpointError: Absent, damaged, truncated, too large, of another format, or with keys that belong to no
            member.
    """
    tensors, document = read_bundle(folder)
    manifest = Manifest.from_dict(document, Path(folder) / "manifest.json")
    states: tuple[dict[str, Tensor], ...] = tuple({} for _ in range(manifest.members))
    for key, value in tensors.items():
        index, name = _member(key, manifest.members, folder)
        states[index][name] = value.float() if value.dtype == torch.float16 else value
    return Checkpoint(manifest, states)


def _as_list(model: nn.Module | State | Sequence[nn.Module | State]) -> list[nn.Module | State]:
    if isinstance(model, (nn.Module, Mapping)):
        return [model]
    return list(model)


def _state(member: nn.Module | State) -> State:
    return member.state_dict() if isinstance(member, nn.Module) else member


def _key(name: str, index: int, members: int) -> str:
    return name if members == 1 else f"member{index}.{name}"


def _member(key: str, members: int, folder: str | Path) -> tuple[int, str]:
    if members == 1:
        return 0, key
    prefix, _, name = key.partition(".")
    digits = prefix.removeprefix("member")
    if prefix.startswith("member") and digits.isdecimal() and int(digits) < members and name:
        return int(digits), name
    raise CheckpointError(f"{folder}: the weights hold {key!r}, which belongs to none of the {members} members.")


def _halved(value: Tensor) -> Tensor:
    if not value.is_floating_point() or value.numel() <= _SMALL:
        return value
    half = value.to(torch.float16)
    return half if bool(torch.isfinite(half).all()) else value


def _table(entries: Mapping[str, object], name: str, where: str | Path) -> dict[str, object]:
    table = entries.get(name, {})
    if not isinstance(table, dict):
        raise CheckpointError(f"{where}: {name!r} should be a table of entries, but {table!r} was found.")
    return {str(key): value for key, value in table.items()}
