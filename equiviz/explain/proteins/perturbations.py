"""How the pseudo-energy of a protein answers when its structure is changed: noise, shear, a trajectory.

The energy of a protein is the mean over its sites of the pseudo-energy of the wild type (the authors of H-CNN take the
sum: Pun et al., PNAS 121 (2024) e2300838121). Larger is better: near its native structure a protein should have the
largest.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from equiviz.explain.errors import PerturbationError
from equiviz.explain.proteins.response import Response, interval_of_mean
from equiviz.explain.proteins.scan import scan, surroundings, surroundings_of
from equiviz.holograms.neighbourhoods import Neighbourhoods
from equiviz.holograms.projection import Given
from equiviz.holograms.protein import Protein, text
from equiviz.nn.hologram_model import reading_of

if TYPE_CHECKING:
    import os

    from numpy.typing import NDArray

    from equiviz.nn.equivariant_model import EquivariantModel

ENERGY = "mean pseudo-energy of the wild type"
LEVELS = (0.0, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0)
ANGLES = (-20.0, -15.0, -10.0, -5.0, -2.0, 0.0, 2.0, 5.0, 10.0, 15.0, 20.0)


def noise_response(
    model: EquivariantModel,
    given: Given,
    levels: Sequence[float] = LEVELS,
    draws: int = 5,
    seed: int = 0,
    *,
    progress: bool = False,
) -> Response:
    """Energy when every atom is moved at random.

    Args:
        model: reads holograms, such as ``equiviz.load("hcnn")``.
        given: the path of a file, a `Protein`, or `Neighbourhoods`.
        levels: standard deviations in each direction, in Å.
        draws: how often each is drawn.
        seed: of the noise.
        progress: whether to show a progress bar.

    Raises:
        PerturbationError: no levels, negative ones, or no draws.
    """
    from tqdm.auto import tqdm

    if not len(levels) or min(levels) < 0 or draws < 1:
        raise PerturbationError(f"Expected levels of at least 0 Å and draws of at least 1, got {levels} and {draws}.")
    around, random = surroundings(model, given), np.random.default_rng(seed)
    x = around.protein.positions
    rows = []
    for level in tqdm(levels, desc="moving atoms", unit="level", disable=not progress):
        count = draws if level else 1
        energies = [_energy(model, around, x + level * random.normal(size=x.shape)) for _ in range(count)]
        rows.append(interval_of_mean(energies) if level else (energies[0],) * 3)  # without noise nothing is drawn
    y, low, high = np.array(rows).T
    told = "; the shade is the 95 % interval of their mean" if draws > 1 else ""
    words = (
        f"{ENERGY.capitalize()} of {around.protein.name}: {y[0]:.2f} at {levels[0]:g} Å of noise, {y[-1]:.2f} at "
        f"{levels[-1]:g} Å ({draws} draws each{told})."
    )
    title = f"{around.protein.name} with noise on its atoms"
    counts = np.array([draws if level else 1 for level in levels])
    return Response(title, "noise, Å", ENERGY, np.asarray(levels, float), y, low, high, words, counts)


def shear_response(
    model: EquivariantModel,
    given: Given,
    chain: str,
    number: int,
    angles: Sequence[float] = ANGLES,
    insertion_code: str = "",
) -> Response:
    """Energy when a peptide plane is sheared: phi of a residue grows by an angle, psi of the one before shrinks by it.

    Args:
        model: reads holograms.
        given: the path of a file, a `Protein`, or `Neighbourhoods`.
        chain, number: the residue i whose phi_i is turned, with psi_(i-1) against it.
        angles: in degrees.
        insertion_code: of the residue, where it has one.

    Raises:
        PerturbationError: no such residue, or none before it that it is bonded to.
    """
    around = surroundings(model, given)
    protein = around.protein
    residue = _residue(protein, chain, number, insertion_code)
    energies = np.array([_energy(model, around, sheared(protein, residue, angle)) for angle in angles])
    best = angles[int(energies.argmax())]
    label = protein.label(residue)
    words = (
        f"The energy is highest at {best:+g}° ({energies.max():.3f}); as the file has it, it is "
        f"{_energy(model, around, protein.positions):.3f}. Turned: phi of {label}, and psi before it by the opposite "
        "angle, with all that follows in the chain."
    )
    title = f"{protein.name} sheared at {label}"
    nothing = np.full(len(energies), np.nan)
    return Response(title, "angle, degrees", ENERGY, np.asarray(angles, float), energies, nothing, nothing, words)


def trajectory_response(
    model: EquivariantModel,
    given: str | os.PathLike[str] | Protein,
    frames: Iterable[NDArray[np.floating]],
    times: Sequence[float] | None = None,
    unit: str = "ps",
    *,
    progress: bool = False,
) -> Response:
    """Energy along a trajectory.

    Args:
        model: reads holograms.
        given: the protein whose atoms move: a `Protein`, or the path of its file.
        frames: of positions ``[A, 3]`` in Å, of all atoms of that `Protein` in its order.
        times: of the frames; by default their numbers.
        unit: of the times.
        progress: whether to show a progress bar.

    Raises:
        PerturbationError: no frames, or a frame of another number of atoms.
    """
    from tqdm.auto import tqdm

    protein = given if isinstance(given, Protein) else Protein.read(given)
    reading_of(model)  # refuses other models before the first frame
    energies: list[float] = []
    for frame in tqdm(frames, desc="frames", unit="frame", disable=not progress):
        if np.shape(frame) != protein.positions.shape or not np.isfinite(frame).all():
            raise PerturbationError(
                f"Expected finite positions {list(protein.positions.shape)} in frame {len(energies)}, got shape "
                f"{list(np.shape(frame))}. Frames hold the atoms of the Protein, in its order."
            )
        # Neighbours come and go along a trajectory: they are sought anew in each frame.
        energies.append(float(scan(model, protein.at(np.asarray(frame, np.float64))).wild_type_energies.mean()))
    if not energies:
        raise PerturbationError("Expected at least one frame, got none.")
    x = np.arange(len(energies), dtype=float) if times is None else np.asarray(times, float)
    y, nothing = np.array(energies), np.full(len(energies), np.nan)
    words = (
        f"{len(y)} frames of {protein.name}: {ENERGY} {y.mean():.2f} on average, from {y.min():.2f} to {y.max():.2f}."
    )
    varied = "frame" if times is None else f"time, {unit}"
    return Response(f"{protein.name} along a trajectory", varied, ENERGY, x, y, nothing, nothing, words)


def sheared(protein: Protein, residue: int, angle: float) -> NDArray[np.float64]:
    """Positions ``[A, 3]`` with phi of a residue larger by an angle in degrees, and psi of the one before smaller.

    Of other groups (ligands, sugars, ions) those are turned along that are nearest to what is turned.

    Raises:
        PerturbationError: the residue lacks N or CA, or the one before it is missing or not bonded.
    """
    before_alpha, before_c = (_atom(protein, residue - 1, name) for name in (b"CA", b"C"))
    n, alpha = (_atom(protein, residue, name) for name in (b"N", b"CA"))
    places = protein.positions
    if min(before_alpha, before_c, n, alpha) < 0 or np.linalg.norm(places[before_c] - places[n]) > 2.0:
        raise PerturbationError(
            f"{protein.label(residue)} has no phi: it needs N and CA, and a residue before it whose C is bonded to N."
        )
    owner = _polymer_residue(protein)
    after = (protein.chains[owner] == protein.chains[residue]) & (owner >= residue)
    own = protein.residue == residue
    # Psi turns the O of the residue before and all that follows; phi spares the N (and its H) of the residue itself.
    by_psi = after | ((protein.residue == residue - 1) & np.isin(protein.atom_names, (b"O", b"OXT")))
    by_phi = after & ~(own & np.isin(protein.atom_names, (b"N", b"CA", b"H", b"D")))
    turned = _turned(places, by_psi, before_alpha, before_c, -angle)
    return _turned(turned, by_phi, n, alpha, angle)


def _polymer_residue(protein: Protein) -> NDArray[np.int64]:
    """``[A]``: the residue of each atom; of other groups, the amino acid that is nearest to them."""
    from scipy.spatial import KDTree

    amino = (protein.alphas >= 0) & (protein.first_atoms("N") >= 0) & (protein.first_atoms("C") >= 0)
    rows = np.flatnonzero(amino[protein.residue])
    owners = np.arange(len(protein.numbers))
    found = KDTree(protein.positions[rows]).query(protein.positions)
    distances, nearest = np.asarray(found[0]), np.asarray(found[1])
    for group in np.flatnonzero(~amino):
        atoms = np.flatnonzero(protein.residue == group)
        if len(atoms):
            owners[group] = protein.residue[rows[nearest[atoms[distances[atoms].argmin()]]]]
    return owners[protein.residue]


def _turned(
    places: NDArray[np.float64], which: NDArray[np.bool_], start: int, end: int, angle: float
) -> NDArray[np.float64]:
    """Some atoms turned about the bond from one atom to another, by an angle in degrees (right-handed)."""
    from scipy.spatial.transform import Rotation

    axis = places[end] - places[start]
    rotation = Rotation.from_rotvec(np.deg2rad(angle) * axis / np.linalg.norm(axis))
    found = places.copy()
    found[which] = rotation.apply(places[which] - places[end]) + places[end]
    return found


def _atom(protein: Protein, residue: int, name: bytes) -> int:
    """The number of an atom of a residue, -1 where there is none."""
    rows = np.flatnonzero((protein.residue == residue) & (protein.atom_names == name))
    return int(rows[0]) if len(rows) else -1


def _residue(protein: Protein, chain: str, number: int, code: str) -> int:
    own = (protein.chains == chain.encode("latin-1", "replace")) & (protein.numbers == number) & (protein.classes >= 0)
    own &= protein.insertion_codes == code.encode("latin-1", "replace")
    if not own.any():
        names = dict.fromkeys(text(word) or "one without a name" for word in protein.chains[protein.classes >= 0])
        raise PerturbationError(
            f"No amino acid {number}{code} in chain {chain!r}; chains with amino acids: {', '.join(names)}."
        )
    return int(np.flatnonzero(own)[0])


def _energy(model: EquivariantModel, around: Neighbourhoods, positions: NDArray[np.float64]) -> float:
    moved = surroundings_of(model, around.protein.at(positions), around.residues.tolist())
    return float(scan(model, moved).wild_type_energies.mean())
