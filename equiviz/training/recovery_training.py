"""`equiviz train hcnn`: from a folder of protein structures to saved weights; resumable after each epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import cast

from equiviz.datasets.proteins.protein_set import ProteinSet, Split, structure_files
from equiviz.models.configuration import write_config
from equiviz.models.registry import Family
from equiviz.nn.equivariant_model import EquivariantModel
from equiviz.nn.hologram_model import HologramModel, Reading
from equiviz.training.calibration import divide_outputs, temperature
from equiviz.training.checkpoint import Manifest, save_checkpoint
from equiviz.training.load import Ensemble
from equiviz.training.protein_training import Epoch, HologramRecipe, train_on_holograms
from equiviz.training.recovery import RecoveryReport, evaluate_recovery
from equiviz.training.seeds import seeded

SPLITS: tuple[Split, Split] = ("train", "validation")


@dataclass(frozen=True, eq=False)
class RecoveryTrained:
    """What a training gave.

    Attributes:
        model: in evaluation mode; an `Ensemble` where several members were trained.
        epochs: of each member.
        report: its recovery on the validation proteins, on which the temperature of its probabilities was chosen, too.
        folder: where it was saved.
    """

    model: EquivariantModel
    epochs: tuple[tuple[Epoch, ...], ...]
    report: RecoveryReport
    folder: Path

    def describe(self) -> str:
        """How long it took, what it reached, and where it lies."""
        seconds = sum(epoch.seconds for member in self.epochs for epoch in member)
        members = f"{len(self.epochs)} member{'s' if len(self.epochs) > 1 else ''}"
        done = f"{members} of {max(map(len, self.epochs))} epochs in {seconds:.0f} s."
        return f"{done}\n{self.report.describe()}\nSaved in {self.folder}."


def train_recovery(
    family: Family,
    data: str | Path,
    out: str | Path,
    recipe: HologramRecipe | None = None,
    config: Mapping[str, object] | None = None,
    members: int = 1,
    progress: bool = True,
) -> RecoveryTrained:
    """Train a family that reads holograms.

    Args:
        family: of the registry, with the task "amino acids".
        data: a folder with ``split.json``, lists of file names under "train" and "validation".
        out: gets weights and manifest; ``out/state`` the state of an unfinished training.
        recipe: epochs, noise and more; its seed is that of the first member, the others count on.
        config: settings of the family.
        members: networks to train and average.
        progress: whether to show a progress bar and each epoch.

    Raises:
        DatasetError, ConfigError, TrainingError: as the readers, the family and the loop.
        MissingLibrary: a channel whose library is not installed.
    """
    recipe, settings = recipe or HologramRecipe(), cast(Reading, family.configure(dict(config or {})))
    training, validation = (_proteins(data, split, settings, progress) for split in SPLITS)
    networks, told = [], []
    for number in range(members):
        seed = recipe.recipe.seed + number
        with seeded(seed):
            network = cast(HologramModel, family.build(dict(config or {})))
        own = replace(recipe, recipe=replace(recipe.recipe, seed=seed))
        state = Path(out) / "state" / f"member{number}"
        say = _say if progress else None
        told.append(tuple(train_on_holograms(network, training.around, validation.around, own, state, say)))
        networks.append(network)
    seeds = tuple(recipe.recipe.seed + number for number in range(members))
    report, folder = save_calibrated(networks, recipe, seeds, Path(data).name, training, validation, out)
    return RecoveryTrained(together(networks), tuple(told), report, folder)


def together(networks: Sequence[HologramModel]) -> EquivariantModel:
    """One network as it is, several as an `Ensemble`; in evaluation mode."""
    return networks[0].eval() if len(networks) == 1 else Ensemble(networks).eval()


def save_calibrated(
    networks: Sequence[HologramModel],
    recipe: HologramRecipe,
    seeds: Sequence[int],
    data: str,
    training: ProteinSet,
    validation: ProteinSet,
    out: str | Path,
) -> tuple[RecoveryReport, Path]:
    """Save trained networks as one model, in half precision.

    Their outputs are divided by one temperature, chosen on the validation proteins.

    Args:
        networks: of one configuration; changed in place.
        recipe, seeds: with which they were trained; `data` the name of what they were trained on.
        training, validation: as the networks read them.
        out: gets weights and manifest.

    Returns:
        What they reach together on the validation proteins, and the folder.
    """
    before = evaluate_recovery(together(networks), validation, networks[0].family)
    warmth = temperature(before.preferences, before.classes)
    for network in networks:
        divide_outputs(network.out, warmth)
    report = replace(before, preferences=before.preferences / warmth)
    own = {"noise": recipe.noise, "smoothing": recipe.smoothing, "temperature": warmth}
    manifest = Manifest(
        family=networks[0].family,
        config=write_config(networks[0].config),
        data={"name": data, "proteins": list(training.files), "sites": len(training)},
        recipe=asdict(recipe.recipe) | own,
        seeds=tuple(seeds),
        scores={"accuracy": report.accuracy, "cross_entropy": report.cross_entropy, "on": "validation proteins"},
        members=len(networks),
    )
    return report, save_checkpoint(out, networks, manifest, half=True)


def _proteins(data: str | Path, split: Split, settings: Reading, progress: bool) -> ProteinSet:
    files = structure_files(data, split)
    return ProteinSet.read(files, channels=settings.channels, centre=settings.centre, progress=progress)


def _say(epoch: Epoch) -> None:
    from tqdm.auto import tqdm

    tqdm.write(
        f"epoch {epoch.number}: loss {epoch.loss:.4f}, validation {epoch.accuracy:.2%}, cross entropy "
        f"{epoch.cross_entropy:.4f} nats, {epoch.seconds:.0f} s"
    )
