"""The command line: parses arguments, calls one function of the package, prints. Nothing else lives here."""

from __future__ import annotations

import json
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from equiviz import __version__
from equiviz.symmetry.errors import EquivizError

app = typer.Typer(
    name="equiviz",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
tours = typer.Typer(help="Guided tours: one HTML report that opens offline.", no_args_is_help=True)
generators = typer.Typer(help="Make data sets by simulation.", no_args_is_help=True)
benchmarks = typer.Typer(help="Measure and print the tables quoted in the README.", no_args_is_help=True)
app.add_typer(tours, name="tour")
app.add_typer(generators, name="generate")
app.add_typer(benchmarks, name="benchmark")

DataFolder = Annotated[
    Path,
    typer.Option(
        "--data",
        help="Folder of configurations (BOTAN .npz, Bapst .pickle, or ours), or of protein structures; of molecules, "
        "an extended-xyz file or a folder of them.",
    ),
]
TrainingFolder = Annotated[
    Path,
    typer.Option(
        "--data",
        help="Folder of configurations (BOTAN .npz, Bapst .pickle, or ours), or of the subfolders train and "
        "validation; for hcnn, of protein structures with their split.json; for painn, an extended-xyz file (eV, eV/Å) "
        "or a folder of them; for unitary a system: oscillators or charges; for gauge_cnn digits, or a folder with "
        "MNIST's files, and with --set head=field synthetic, or a NetCDF file of ERA-Interim.",
    ),
]
BotanTime = Annotated[
    float | None,
    typer.Option(
        "--time", min=0, help="Time of BOTAN files, LJ units, where their names do not tell it (..._tc07.npz)."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of words.")]


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"equiviz {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version, and exit.")
    ] = False,
) -> None:
    """See into equivariant networks: train them, check them, probe them, draw what they carry."""


@tours.command("glass")
def tour_glass(
    out: Annotated[Path, typer.Option(help="Where to write the report.")] = Path("reports/glass.html"),
    train: Annotated[bool, typer.Option("--train", help="Train from scratch first (under 20 minutes).")] = False,
    seed: Annotated[int, typer.Option(help="Seed of training and of random group elements.")] = 0,
) -> None:
    """Predict mobility in a glassy liquid, check the model, probe it, and draw it all on one page."""
    from equiviz.apps.glass_tour import tour

    report = tour(out, train_first=train, seed=seed)
    typer.echo(report.describe())
    typer.echo(f"\nThe report is at {out.resolve()}\nOpen it in a browser; it needs no network.")


@tours.command("protein")
def tour_of_protein(
    file: Annotated[
        Path | None, typer.Argument(help="PDB or mmCIF file; without one, the rhodopsin that comes along.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Where to write the report.")] = Path("reports/protein.html"),
    model: Annotated[str, typer.Option(help="Shipped name, or folder of weights.")] = "hcnn",
    seed: Annotated[int, typer.Option(help="Seed of the random rotations of the check.")] = 0,
) -> None:
    """Ask a network which amino acid belongs where in a protein, check it, and link cartoon and scan on one page."""
    from equiviz.apps.protein_tour import tour_protein

    report = tour_protein(out, file, model, seed)
    typer.echo(report.describe())
    typer.echo(f"\nThe report is at {out.resolve()}\nOpen it in a browser; it needs no network.")


@generators.command("glass")
def generate_glass(
    out: Annotated[Path, typer.Option(help="Folder for the configurations; a started one is resumed.")],
    temperature: Annotated[float, typer.Option(help="Temperature in Lennard-Jones units.")] = 0.56,
    particles: Annotated[int, typer.Option(help="Particles per configuration (80 % A, 20 % B).")] = 1000,
    configurations: Annotated[int, typer.Option(help="Number of configurations.")] = 60,
    replicas: Annotated[int, typer.Option(help="Isoconfigurational replicas per configuration.")] = 32,
    times: Annotated[str, typer.Option(help="Times of the propensity, LJ units, comma-separated.")] = "0.13,1.3,13,26",
    seed: Annotated[int, typer.Option(help="Every random number follows from it.")] = 0,
    scheduler: Annotated[
        str | None,
        typer.Option(help="Dask scheduler: tcp://host:port, or local[2] for two processes here; serial without."),
    ] = None,
) -> None:
    """Simulate a Kob-Andersen liquid with LAMMPS: structures, inherent structures, propensities. Resumable."""
    from equiviz.datasets.glass.generate import generate
    from equiviz.datasets.glass.recipe import GlassRecipe

    recipe = GlassRecipe(
        temperature=temperature,
        particles=particles,
        configurations=configurations,
        replicas=replicas,
        times=_numbers(times),
        seed=seed,
    )
    with _resumable():
        paths = generate(recipe, out, scheduler)
    typer.echo(f"{len(paths)} configurations in {out.resolve()}")


@app.command("train")
def train_family(
    family: Annotated[str, typer.Argument(help="Model family, see `equiviz models`.")],
    data: TrainingFolder,
    out: Annotated[Path, typer.Option(help="Folder for weights and manifest; a started run is resumed.")],
    seed: Annotated[int, typer.Option(help="Seed of weights and of the order of configurations.")] = 0,
    epochs: Annotated[int | None, typer.Option(help="Epochs; the recipe's own number by default.")] = None,
    time: BotanTime = None,
    members: Annotated[int, typer.Option(min=1, help="Of proteins: networks to train and average.")] = 1,
    noise: Annotated[
        float | None, typer.Option(min=0, help="Of proteins: by how many Å atoms are moved before each epoch.")
    ] = None,
    channels: Annotated[
        str, typer.Option(help="Of proteins: what is projected of each atom, comma-separated: C,N,O,S,H.")
    ] = "",
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="A setting of the family, NAME=VALUE: --set layers=2. Repeatable.")
    ] = None,
) -> None:
    """Train a model on data of its task; Ctrl-C leaves a state from which the same command goes on."""
    from equiviz.training.train import train

    config: dict[str, object] = dict(map(_setting, settings or []))
    if channels:
        config["channels"] = [name.strip() for name in channels.split(",")]
    with _resumable():
        result = train(
            family, data, out, seed=seed, epochs=epochs, config=config, time=time, members=members, noise=noise
        )
    typer.echo(result.describe())


@app.command("evaluate")
def evaluate_model(
    model: Annotated[str, typer.Argument(help="Shipped name (glassy-T044) or folder of weights.")],
    data: DataFolder,
    time: BotanTime = None,
    as_json: AsJson = False,
) -> None:
    """Score a model: rho per type, time and configuration; recovery of amino acids; RMSE and MAE of molecules."""
    from equiviz.training.evaluate import evaluate

    report = evaluate(model, data, time=time)
    typer.echo(json.dumps(report.to_dict(), indent=2) if as_json else report.describe())


@app.command("mutations")
def score_mutations_of(
    structure: Annotated[str, typer.Argument(help="PDB or mmCIF file of the wild type.")],
    chain: Annotated[str, typer.Option(help="Chain that is mutated.")],
    table: Annotated[
        Path, typer.Option(help="CSV with the columns position, wtAA, mutAA, and ddG (kcal/mol) where it is known.")
    ],
    model: Annotated[str, typer.Option(help="Shipped name or folder of weights.")] = "hcnn",
    protein: Annotated[
        str, typer.Option(help="Which rows of a table with a column pdb_code; by default the file's name.")
    ] = "",
    html: Annotated[Path | None, typer.Option(help="Write the report, with its picture, to this file too.")] = None,
    as_json: AsJson = False,
) -> None:
    """Score mutations, log p(mutant) - log p(wild type), beside measured ddG (positive: destabilising)."""
    from equiviz.apps.mutations_command import mutations_of

    report = mutations_of(model, structure, chain, table, protein)
    if html is not None:
        report.to_html(html)
    typer.echo(json.dumps(report.to_dict(), indent=2) if as_json else report.describe())


@app.command("check")
def check_model(
    model: Annotated[str, typer.Argument(help="Shipped name (glassy-T056) or folder of weights.")],
    structure: Annotated[
        str,
        typer.Argument(
            help="A file (extxyz, xyz, PDB, mmCIF, CIF, POSCAR, each also .gz; a glass's .npz or .pickle), or 'glass' "
            "for a shipped liquid; for unitary oscillators, charges or motions in .npz; for gauge_cnn digits, "
            "synthetic or signals in .npy."
        ),
    ],
    elements: Annotated[int, typer.Option(min=1, help="Random rotations to compare stage by stage.")] = 10,
    seed: Annotated[int, typer.Option(help="Seed of the random group elements.")] = 0,
    species_names: Annotated[
        str,
        typer.Option(help="Names of the types 1, 2 ... in an xyz file of a model liquid: A,B. Numbers need no names."),
    ] = "",
    full: Annotated[
        bool,
        typer.Option("--full", help="Also the mean over the whole group, the Lie derivative, and a map of all axes."),
    ] = False,
    html: Annotated[Path | None, typer.Option(help="Write the report, with its heat map, to this file too.")] = None,
    as_json: AsJson = False,
) -> None:
    """Is the model equivariant, and if not, where does it break? Ends with 1 when a claimed symmetry is broken."""
    from equiviz.apps.check_command import check_files

    names = [name.strip() for name in species_names.split(",") if name.strip()]
    report = check_files(model, structure, elements, seed, names, full)
    if html is not None:
        report.to_html(html)
    typer.echo(json.dumps(report.to_dict(), indent=2) if as_json else report.describe())
    if html is not None and not as_json:
        typer.echo(f"\nThe report is at {html.resolve()}")
    if not report.passed:
        raise typer.Exit(1)


@app.command("attribute")
def attribute_prediction(
    model: Annotated[str, typer.Argument(help="Shipped name (glassy-T056) or folder of weights.")],
    structure: Annotated[str, typer.Argument(help="A file or a name, as for `equiviz check`.")],
    output: Annotated[str | None, typer.Option(help="Name of the output; by default the first invariant one.")] = None,
    at: Annotated[int | None, typer.Option(help="Number of the atom (or site) that is asked about.")] = None,
    component: Annotated[int | None, typer.Option(help="Which component of the output.")] = None,
    method: Annotated[
        str,
        typer.Option(help="integrated_gradients, saliency, relevance, shapley ...; another name lists all of them."),
    ] = "integrated_gradients",
    to: Annotated[str, typer.Option(help="Among what it is shared out: edges, stages, paths or positions.")] = "edges",
    steps: Annotated[int, typer.Option(min=1, help="Points of the path of integrated gradients.")] = 64,
    species_names: Annotated[str, typer.Option(help="Names of the types 1, 2 ... in an xyz file: A,B.")] = "",
    html: Annotated[Path | None, typer.Option(help="Write the report, with its pictures, to this file too.")] = None,
    as_json: AsJson = False,
) -> None:
    """Who is responsible for a prediction? Shares it out among atoms and edges, irreps, or Clebsch-Gordan paths."""
    from equiviz.apps.attribute_command import attribute_file

    names = [name.strip() for name in species_names.split(",") if name.strip()]
    report = attribute_file(model, structure, output, at, component, method, to, steps, names)
    if html is not None:
        report.to_html(html)
    rows = report.to_frame().to_json(orient="records", indent=2) if as_json else ""
    typer.echo(rows or report.describe())


@app.command("holograms")
def write_holograms(
    paths: Annotated[
        list[Path], typer.Argument(help="Protein structures (.pdb, .ent, .cif, .mmcif, also .gz), or folders of them.")
    ],
    out: Annotated[Path, typer.Option(help="HDF5 file; one of the same settings is added to.")],
    channels: Annotated[str, typer.Option(help="What is projected of each atom, comma-separated.")] = "C,N,O,S",
    n_max: Annotated[int, typer.Option(help="Largest order of the radial functions.")] = 20,
    l_max: Annotated[int, typer.Option(help="Largest degree.")] = 5,
    radius: Annotated[float, typer.Option(help="Radius of a neighbourhood, Å.")] = 10.0,
    norm: Annotated[str, typer.Option(help="orthonormal, or reference: as the authors' codes scale.")] = "orthonormal",
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes; by default the number of cores, at most 8.")
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(help="Dask scheduler instead: tcp://host:port, or local[2] for two processes here."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Project protein structures into one file of holograms. Resumable; files that cannot be read are told at the end.

    Ends with 1 when not one of the structures gave a hologram.
    """
    from equiviz.datasets.proteins.hologram_job import project_files
    from equiviz.datasets.proteins.hologram_settings import HologramSettings

    names = tuple(name.strip() for name in channels.split(","))
    settings = HologramSettings(names, norm, n_max, l_max, radius)  # type: ignore[arg-type] - it refuses other norms
    with _resumable():
        found = project_files(paths, out, settings, workers=workers, scheduler=scheduler, progress=True)
    typer.echo(json.dumps(found.to_dict(), indent=2) if as_json else found.describe())
    if found.asked == len(found.problems):
        raise typer.Exit(1)


@app.command("models")
def list_models(
    names: Annotated[list[str] | None, typer.Argument(help="Families to measure; all of them without.")] = None,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Measure all (minutes), and print the table for a README.")
    ] = False,
    html: Annotated[Path | None, typer.Option(help="Measure, and write the table to this page.")] = None,
) -> None:
    """List the model families and the weights that are shipped; or measure errors and speed of them all."""
    if names or markdown or html is not None:
        from equiviz.apps.model_table import model_table

        table = model_table(names or None, progress=True)
        if html is not None:
            table.to_html(html)
        typer.echo(table.markdown() if markdown else table.describe())
        return
    from equiviz.models.registry import families
    from equiviz.training.load import shipped_names

    for name, family in families().items():
        typer.echo(f"{name:12} {family.group:8} {family.paper}")
    typer.echo(f"shipped weights: {', '.join(shipped_names())}")


@app.command("doctor")
def run_doctor(as_json: AsJson = False) -> None:
    """Say what is installed, what will not work here, and how to mend it. Ends with 1 when something is broken."""
    from equiviz.apps.doctor import doctor

    found = doctor()
    rows = found.to_frame().to_dict("records")
    typer.echo(json.dumps(rows, indent=2) if as_json else found.describe())
    if not found.healthy:
        raise typer.Exit(1)


@benchmarks.command("glass")
def benchmark_glass(
    out: Annotated[Path, typer.Option(help="Folder of results; finished cells are kept.")] = Path(
        "benchmarks/results/glass"
    ),
    data: Annotated[
        Path | None,
        typer.Option(help="Folder kob_andersen_T044; its part of the table is left out without."),
    ] = None,
    table: Annotated[bool, typer.Option("--table", help="Only print the tables from finished cells.")] = False,
) -> None:
    """Ridge, Bapst's network and glassy side by side, and what equivariance buys. Resumable."""
    from equiviz.apps.glass_benchmark import benchmark

    with _resumable():
        typer.echo(benchmark(out, data, only_table=table).describe())


def _numbers(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise typer.BadParameter(f"expected numbers separated by commas such as 0.13,1.3,13, got {text!r}") from None


@contextmanager
def _resumable() -> Generator[None]:
    """Ctrl-C says how to go on; typer would end without a word."""
    try:
        yield
    except KeyboardInterrupt as stopped:
        typer.echo(f"\nequiviz: {stopped or 'Stopped. Run the same command to continue.'}", err=True)
        raise typer.Exit(130) from None


def _setting(text: str) -> tuple[str, object]:
    """One setting of a family: the value as JSON, or, where it is none, as a word."""
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise typer.BadParameter(f"expected NAME=VALUE such as layers=2 or head=field, got {text!r}")
    try:
        return name.strip(), json.loads(value)
    except json.JSONDecodeError:
        return name.strip(), value.strip()


def main() -> None:
    """Run the command line; the package's own errors are printed as one sentence, others as a traceback."""
    try:
        app()
    except EquivizError as error:
        typer.echo(f"equiviz: {error}", err=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
