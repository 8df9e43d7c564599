"""More configurations to learn from, out of the replicas that a BOTAN file already holds: time runs backwards, too.

The dynamics of an equilibrium liquid is reversible. A replica that went from the configuration x0 to xr in time t is,
read backwards, a trajectory from xr to x0, and xr is an equilibrium configuration as good as x0. So each replica gives
one more configuration with one sample of its own displacements: |x0 - xr| is a sample of the propensity at xr, and
x0 - xr one of its mean displacement. One sample of some 32: noisy labels, but of new structures. (Detailed balance, as
in L. Onsager, Phys. Rev. 37, 405 (1931); we know of nobody who used it for propensities.)

These are for training only. All replicas of one configuration belong to its side of a split: they share its slow parts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from torch import Tensor

from equiviz.datasets.errors import DatasetError
from equiviz.datasets.glass.botan import KEYS, read_botan
from equiviz.datasets.glass.configuration import GlassConfiguration, expect_keys, tensor
from equiviz.datasets.glass.npz_file import read_npz


def read_reversed(path: Path | str, replicas: Sequence[int], time: float | None = None) -> list[GlassConfiguration]:
    """Configurations that start where replicas ended, with one sample of their displacements.

    Parameters
    ----------
    path
        A BOTAN file.
    replicas
        Which of its replicas, from 0.
    time
        As in `read_botan`.

    Returns
    -------
    list
        One configuration per replica: thermal positions at time t [sigma], not wrapped; ``propensity`` [1, N] and
        ``mean_displacement`` [1, N, 3] are those of the single trajectory back. Names end in ``-back07``.

    Raises
    ------
    DatasetError
        As `read_botan`; or there is no such replica.
    """
    path = Path(path)
    start = read_botan(path, time)
    arrays = read_npz(path)
    expect_keys(path, arrays, KEYS, "BOTAN format")
    ends = tensor(arrays["positions"])  # [R, N, 3]
    unknown = [replica for replica in replicas if not 0 <= replica < len(ends)]
    if unknown:
        raise DatasetError(path, f"expected replicas from 0 to {len(ends) - 1}, got {unknown}")
    return [_backwards(start, ends[replica], replica) for replica in replicas]


def _backwards(start: GlassConfiguration, end: Tensor, replica: int) -> GlassConfiguration:
    back = start.structure.positions - end  # [N, 3]
    return GlassConfiguration(
        structure=replace(start.structure, positions=end, node={}, name=f"{start.name}-back{replica:02d}"),
        times=start.times,
        propensity=back.norm(dim=1)[None],
        mean_displacement=back[None],
        temperature=start.temperature,
        replicas=1,
    )
