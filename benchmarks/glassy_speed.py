"""One training epoch of glassy beside the same network written plainly with e3nn: seconds, peak memory, equal outputs.

The plain network is what one would write first: harmonics and radial functions recomputed in every step, one
``o3.TensorProduct`` ("uvu") per edge with weights from the radial functions, sums by ``index_add``. It shares all
weights with glassy, so that outputs and speed can be compared like with like.

    python benchmarks/glassy_speed.py [--data FOLDER] [--configurations 10] [--repeats 3]

Without real data (EQUIVIZ_DATA_DIR), random liquids of the same size are used: the cost depends on the density only.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

import torch
from e3nn import o3
from machine import machine_line
from torch import Tensor, nn

from equiviz.models import glassy
from equiviz.models.glassy import Glassy
from equiviz.models.glassy_geometry import DENSITY_LMAX, N_SOURCES, Geometry, GlassyConfig, _bumps, _sources
from equiviz.nn.clebsch_gordan import coupling
from equiviz.nn.neighbour_convolution import Features, NeighbourConvolution
from equiviz.nn.neighbour_sum import SortedEdges
from equiviz.structures.graph import Graph
from equiviz.structures.structure import Structure
from equiviz.symmetry.field import Field

PARTICLES, DENSITY = 4096, 1.2


class PlainConvolution(nn.Module):
    """`NeighbourConvolution`, written with one e3nn tensor product per edge."""

    def __init__(self, ours: NeighbourConvolution) -> None:
        super().__init__()
        self.channels, self.n_radial, self.scale, self.paths = ours.channels, ours.n_radial, ours.scale, ours.paths
        top = max(f for _, f, _ in self.paths)
        outputs = [(self.channels[i], (o, (-1) ** o)) for i, _, o in self.paths for _ in range(self.n_radial)]
        order = list(self.channels)
        instructions = [
            (order.index(i), f, place * self.n_radial + k, "uvu", True)
            for place, (i, f, _) in enumerate(self.paths)
            for k in range(self.n_radial)
        ]
        self.product = o3.TensorProduct(
            o3.Irreps([(c, (i, (-1) ** i)) for i, c in self.channels.items()]),
            o3.Irreps.spherical_harmonics(top),
            o3.Irreps(outputs),
            instructions,
            path_normalization="none",
            shared_weights=False,
            internal_weights=False,
        )
        # e3nn fixes the sign of each coupling by another convention than the kernel.
        self.signs = [float((coupling(f, i, o) * o3.wigner_3j(f, i, o)).sum().sign()) for i, f, o in self.paths]

    def forward(self, features: Features, edges: PlainEdges, _: object) -> Features:
        inputs = torch.cat([features[i].transpose(1, 2).flatten(1) for i in self.channels], 1)
        weights = torch.cat(
            [
                edges.radial[:, k : k + 1].expand(-1, self.channels[i])
                for i, _, _ in self.paths
                for k in range(self.n_radial)
            ],
            1,
        )
        harmonics = edges.harmonics[:, : self.product.irreps_in2.dim]
        messages = self.product(inputs[edges.sender], harmonics, weights)
        summed = messages.new_zeros(len(inputs), messages.shape[1]).index_add(0, edges.receiver, messages) / self.scale
        return self._by_degree(summed)

    def _by_degree(self, summed: Tensor) -> Features:
        """[N, sum] in e3nn's order -> degree -> [N, 2l+1, K C], paths in order."""
        out: dict[int, list[Tensor]] = {}
        start = 0
        for (i, _, o), sign in zip(self.paths, self.signs, strict=True):
            width = self.n_radial * self.channels[i] * (2 * o + 1)
            block = summed[:, start : start + width].unflatten(1, (-1, 2 * o + 1)).transpose(1, 2)
            out.setdefault(o, []).append(sign * block)
            start += width
        return {o: torch.cat(parts, -1) for o, parts in out.items()}


class PlainEdges:
    """Edges within the message cutoff, with what e3nn needs on them."""

    def __init__(self, sender: Tensor, receiver: Tensor, radial: Tensor, harmonics: Tensor) -> None:
        self.sender, self.receiver, self.radial, self.harmonics = sender, receiver, radial, harmonics


class PlainGlassy(Glassy):
    """Glassy with nothing remembered and nothing compiled."""

    def __init__(self, config: GlassyConfig) -> None:
        super().__init__(config)
        for layer in self.layers:
            layer.gather = PlainConvolution(layer.gather)

    def _averages(self, values: Tensor, edges: SortedEdges) -> Tensor:
        taken, members = [values], (1 + edges.first.diff())[:, None].to(values)
        for done in range(1, max(self.config.rounds) + 1):
            values = (values.index_add(0, edges.receiver, values[edges.sender])) / members
            if done in self.config.rounds:
                taken.append(values)
        return torch.cat(taken, 1)


def plain_geometry(graph: Graph, config: GlassyConfig) -> Geometry:
    """The geometry of a graph, from scratch, with e3nn's harmonics."""
    vectors = graph.edge_vectors
    lengths = vectors.norm(dim=1)
    sender, receiver = graph.edge_index
    harmonics = o3.spherical_harmonics(list(range(DENSITY_LMAX + 1)), vectors, True, "component")  # [E, 16]
    radial = _bumps(lengths, config.density_radial, config.density_cutoff)
    products = harmonics[:, :, None] * radial[:, None, :]  # [E, 16, R]
    messages = products.flatten(1)[:, :, None] * _sources(graph).to(products)[sender][:, None]  # [E, 16 R, 3]
    density = messages.new_zeros(len(graph), *messages.shape[1:]).index_add(0, receiver, messages)
    close = lengths < config.message_cutoff
    near = PlainEdges(
        sender[close],
        receiver[close],
        _bumps(lengths[close], config.message_radial, config.message_cutoff),
        harmonics[close],
    )
    pooled = lengths < config.pooling_cutoff
    pooling = SortedEdges.from_index(sender[pooled], receiver[pooled], len(graph))
    return Geometry(density.view(len(graph), -1, N_SOURCES * config.density_radial), near, near, pooling)


def random_liquid(seed: int) -> Structure:
    """A liquid-like structure with all that glassy reads: jittered lattice, random surroundings."""
    generator = torch.Generator().manual_seed(seed)
    side = round(PARTICLES ** (1 / 3))
    box = (PARTICLES / DENSITY) ** (1 / 3)
    grid = torch.cartesian_prod(*[torch.arange(side, dtype=torch.float64)] * 3) * (box / side)
    positions = grid + 0.1 * torch.randn(grid.shape, generator=generator, dtype=torch.float64)
    species = 1 + (torch.rand(len(grid), generator=generator) < 0.2).long()
    features = torch.randn(len(grid), GlassyConfig().surroundings, generator=generator)
    node = {
        "inherent_displacement": Field(0.1 * torch.randn(grid.shape, generator=generator).double(), "1x1o", "node"),
        "inherent_energy": Field(torch.randn(len(grid), 1, generator=generator).double(), "1x0e", "node"),
        "surroundings": Field(features, f"{features.shape[1]}x0e", "node"),
    }
    cell = box * torch.eye(3, dtype=torch.float64)
    return Structure(positions, species, cell, (True, True, True), node, {}, "sigma")


def structures(data: Path | None, count: int) -> list[Structure]:
    """Real configurations, prepared, or random ones."""
    if data is None:
        return [random_liquid(seed) for seed in range(count)]
    from equiviz.datasets.glass.basin import measured
    from equiviz.datasets.glass.folder import read_folder

    return [measured(configuration.structure) for configuration in read_folder(data)[:count]]


def epoch(model: Glassy, graphs: list[Graph], optimiser: torch.optim.Optimizer) -> float:
    """Seconds of one pass with gradients, one configuration per step."""
    model.train()
    start = time.perf_counter()
    for graph in graphs:
        out = model(graph)
        loss = out["propensity"].values.square().mean() + out["displacement"].values.square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return time.perf_counter() - start


def build(kind: str) -> Glassy:
    """One of the two networks, with the same weights."""
    torch.manual_seed(0)
    if kind == "plain":
        glassy.geometry_of = plain_geometry
        return PlainGlassy(GlassyConfig())
    return Glassy(GlassyConfig())


def measure(kind: str, data: Path | None, count: int, repeats: int, out: Path) -> None:
    """Train one network in this process: prints seconds per epoch and peak memory, saves the untrained outputs."""
    torch.set_num_threads(1)
    model = build(kind)
    graphs = [model.prepare(structure) for structure in structures(data, count)]
    model.eval()
    with torch.no_grad():
        found = model(graphs[0])
    torch.save({name: field.values for name, field in found.items()}, out)
    optimiser = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], 1e-4)
    epoch(model, graphs[:1], optimiser)  # compiles and warms up
    for _ in range(repeats):
        print(f"{epoch(model, graphs, optimiser):.3f}", flush=True)
    print(f"peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f}", flush=True)


def compare(arguments: argparse.Namespace, folder: Path) -> None:
    """Both networks, each in its own process, and the table."""
    rows, saved = {}, {}
    for kind in ("compiled", "plain"):
        saved[kind] = folder / f"{kind}.pt"
        command = [sys.executable, __file__, "--only", kind, "--out", str(saved[kind])]
        command += ["--configurations", str(arguments.configurations), "--repeats", str(arguments.repeats)]
        command += ["--data", str(arguments.data)] if arguments.data else []
        lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split("\n")
        seconds = [float(line) for line in lines if line and not line.startswith("peak")]
        peak = next(float(line.split()[1]) for line in lines if line.startswith("peak"))
        rows[kind] = (statistics.median(seconds), peak)
    one, other = (torch.load(path, weights_only=True) for path in saved.values())
    worst = max(float((one[name] - other[name]).abs().max() / other[name].abs().max()) for name in one)
    print(machine_line())
    print(f"one epoch of {arguments.configurations} configurations of {PARTICLES:,} particles, one thread")
    print("| network | s per epoch | peak memory (GiB) |\n|---|---|---|")
    for kind, (seconds, peak) in rows.items():
        print(f"| {kind} | {seconds:.2f} | {peak:.2f} |")
    print(f"ratio {rows['plain'][0] / rows['compiled'][0]:.1f}; largest relative difference of outputs {worst:.1e}")


def main() -> None:
    """Parse and run."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path)
    parser.add_argument("--configurations", type=int, default=10)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", choices=("compiled", "plain"), help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.only:
        measure(arguments.only, arguments.data, arguments.configurations, arguments.repeats, arguments.out)
        return
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        compare(arguments, Path(folder))


if __name__ == "__main__":
    main()
