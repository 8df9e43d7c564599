"""Does the README show what runs, and quote what is said?"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.conftest import ROOT

README = (ROOT / "README.md").read_text()
NUMBER = re.compile(r"\d+(?:\.\d+)?(?:e[+-]?\d+)?")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, flags=re.MULTILINE | re.DOTALL)


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")  # e3nn's own, on import
def test_the_python_blocks_run_one_after_the_other(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for number, source in enumerate(blocks("python")):
        exec(compile(source, f"README block {number}", "exec"), names)
    told = capsys.readouterr().out
    assert "Glassy keeps what it claims" in told
    assert "Mine keeps what it claims" in told
    assert "(Σq_3)² is known best at density_stage: R2 1.000" in told
    assert "(Σq_4)² is known best at density_stage: R2 0.44" in told
    assert "counts of its neighbours alone reach R2 0.699" in told
    assert {path.name for path in tmp_path.iterdir()} == {"ethanol.html", "ethanol.eqv", "ethanol.png"}


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_the_quoted_check_is_that_of_the_notebook() -> None:
    (quoted,) = blocks("text")
    report = _report_of(ROOT / "notebooks" / "02_is_it_equivariant.ipynb")
    said = " ".join(report.split())
    for sentence in filter(None, quoted.splitlines()):
        like = ".*?".join(re.escape(part) for part in NUMBER.split(sentence))
        found = re.search(like, said)
        assert found, f"the README quotes\n{sentence}\nbut check says\n{report}"
        # Rounding errors differ between processors; a tenth of them, and what breaks, does not.
        pairs = zip(NUMBER.findall(sentence), NUMBER.findall(found.group()), strict=True)
        assert all(float(told) == pytest.approx(float(now), rel=0.9) for told, now in pairs), (sentence, found.group())


def test_commands_of_the_readme_exist() -> None:
    from typer.main import get_command

    from equiviz.cli import app

    root = get_command(app)
    for line in "\n".join(blocks("bash")).splitlines():
        words = line.split("#")[0].replace("[", "").replace("]", "").split()
        if words[:1] != ["equiviz"]:
            continue
        command, rest = root, words[1:]
        while hasattr(command, "commands"):
            command, rest = command.commands[rest[0]], rest[1:]
        known = {option for parameter in command.params for option in parameter.opts}
        asked = {word for word in rest if word.startswith("--")}
        assert asked <= known, (line, asked - known)


def test_the_splits_of_the_readme_are_those_of_the_set() -> None:
    from equiviz.apps.glass_benchmark import VALIDATION
    from equiviz.datasets.glass.shipped import shipped_folder

    splits = json.loads((shipped_folder() / "manifest.json").read_text())["splits"]
    sizes = {name: entry["configurations"] for name, entry in splits.items()}
    said = " ".join(README.split())
    words = (
        f"trained on {sizes['train']} configurations, validated on the first {VALIDATION} of the "
        f"{sizes['validation']} in the validation split, tested on {sizes['test']} others"
    )
    assert words in said
    assert (
        f"train {sizes['train']}, validation {sizes['validation']}, test {sizes['test']}"
        in (ROOT / "data" / "glass" / "README.md").read_text()
    )


def _report_of(notebook: Path) -> str:
    """The words of the first `report` that a notebook makes."""
    names: dict[str, object] = {}
    for cell in json.loads(notebook.read_text())["cells"]:
        if cell["cell_type"] == "code":
            exec("".join(cell["source"]), names)
        if "report" in names:
            return names["report"].describe()  # type: ignore[attr-defined]
    raise AssertionError(f"{notebook.name} makes no report")


def test_the_table_of_models_says_what_the_weights_say() -> None:
    from equiviz.models.registry import families
    from equiviz.training.load import load, manifest_of, shipped_names
    from equiviz.training.tasks.task import task_named

    rows = [line for line in README.splitlines() if line.startswith("| `")]
    for name in families():
        assert any(row.startswith(f"| `{name}`: ") for row in rows), name
    for name in shipped_names():
        (row,) = [row for row in rows if f" | `{name}` | " in row]
        model = load(name)
        manifest = manifest_of(model)
        assert manifest is not None
        assert f" | {sum(weight.numel() for weight in model.parameters()):,} | " in row
        assert task_named(model.task, name).headline(manifest.scores) in row
