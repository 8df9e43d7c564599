"""How good a dictionary is: what it explains of environments that it never saw, and what controls explain.

Shapes: N environments, C channels, M components, K atoms.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from equiviz.explain.dictionary.channels import shuffled, squares
from equiviz.explain.dictionary.irreps_dictionary import IrrepsDictionary, Method
from equiviz.symmetry.field import Field
from equiviz.symmetry.named_groups import named_group

RESAMPLES = 200


@dataclass(frozen=True)
class Explained:
    """The share of the variance of held-out environments that is explained.

    Attributes:
        of: "dictionary", or the name of a control.
        active: by how many copies of irreps for each environment.
        share: of the squares, all irreps counting alike; 1 is all.
        low, high: 95 % interval, by resampling environments (neighbours share much, so that the true one is wider).
    """

    of: str
    active: int
    share: float
    low: float
    high: float


def explained(name: str, stacked: Tensor, decoded: Tensor, active: int) -> Explained:
    """Compare channels [N, C, M] with what was made of them."""
    errors, whole = squares(stacked - decoded).sum((1, 2)), squares(stacked).sum((1, 2))  # [N]
    draws = torch.randint(len(errors), (RESAMPLES, len(errors)), generator=torch.Generator().manual_seed(0))
    drawn = 1 - errors[draws].sum(1) / whole[draws].sum(1)
    low, high = drawn.quantile(torch.tensor([0.025, 0.975], dtype=drawn.dtype)).tolist()
    return Explained(name, active, 1 - float(errors.sum() / whole.sum()), low, high)


def curve(name: str, dictionary: IrrepsDictionary, stacked: Tensor) -> list[Explained]:
    """With one active atom, with two, up to as many as it was learned for."""
    steps = range(1, dictionary.active + 1)
    atoms = dictionary.atoms
    return [explained(name, stacked, atoms.decoded(atoms.codes(stacked, s)), s) for s in steps]


def principal_curve(train: Tensor, test: Tensor, dictionary: IrrepsDictionary) -> list[Explained]:
    """Principal components in place of atoms: the same ones, the strongest, for all environments.

    They are taken irrep by irrep over channels, so that they too turn as they should. The last entry has all that
    there are, up to as many as the dictionary has atoms of each irrep.
    """
    vectors, strengths = _principal(train, dictionary)
    order = strengths.argsort(descending=True)
    found: list[Explained] = []
    for count in (*range(1, dictionary.active + 1), len(order)):
        own = vectors[order[:count]]
        decoded = torch.einsum("kc,kd,ndm->ncm", own, own.conj(), test)
        found.append(explained("principal components", test, decoded, count))
    return found


def shuffled_curve(
    train: Tensor, test: Tensor, dictionary: IrrepsDictionary, method: Method, seed: int
) -> list[Explained]:
    """A dictionary of channels that know nothing of each other: what picking the best atoms gives by itself."""
    plain = dictionary.channels.field(shuffled(train, seed))
    counts = {label: dictionary.atoms.labels.count(label) for label in dictionary.channels.labels}
    control = IrrepsDictionary.learn(plain, counts, dictionary.active, method, seed, 1)
    other = dictionary.channels.field(shuffled(test, seed + 1))
    return curve("shuffled channels", control, control.channels.stacked(other))


def commuting_error(
    dictionary: IrrepsDictionary, field: Field, seed: int, claimed: str = "none", turns: int = 3
) -> float:
    """Largest relative difference between codes of turned values and turned codes: rounding, where all is well.

    Args:
        dictionary: what codes.
        field: values that it codes.
        seed: of the elements.
        claimed: the group of the model; what else acts on its values may do so by halves, as rotations do on a grid.
        turns: elements of each kind.
    """
    codes = dictionary.encode(field)
    acting = field.representation.transformed_by()
    kinds = [kind for kind in acting if isinstance(kind, named_group(claimed))] or acting
    worst = 0.0
    for g in (g for kind in kinds for g in kind.draw(turns, seed)):
        turned = dictionary.encode(field.transform(g)).values
        worst = max(worst, float((turned - codes.transform(g).values).norm() / codes.values.norm().clamp(min=1e-300)))
    return worst


def _principal(train: Tensor, dictionary: IrrepsDictionary) -> tuple[Tensor, Tensor]:
    """Components [K, C] over the channels of each irrep, and their shares of the squares [K]."""
    channels = dictionary.channels
    vectors, strengths = list[Tensor](), list[Tensor]()
    for label in channels.labels:
        part = train[:, channels.places(label)]
        values, basis = torch.linalg.eigh(torch.einsum("ncm,ndm->cd", part, part.conj()))
        most = min(dictionary.atoms.labels.count(label), len(values))
        own = torch.zeros(most, train.shape[1], dtype=train.dtype)
        own[:, channels.places(label)] = basis[:, -most:].T
        vectors.append(own)
        strengths.append(values[-most:])
    return torch.cat(vectors), torch.cat(strengths)
