"""`equiviz.doctor()`: what is installed, where Python runs, what will not work here, and the command that mends it.

Nothing is fetched, and nothing is changed. In a notebook a small probe asks the page which front end it is, and whether
it can draw with WebGL2; its answer is added once it has come.
"""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module, metadata, util
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from equiviz.apps.doctor_probe import Symptom, Verdict, page_symptoms, probe

if TYPE_CHECKING:
    from pandas import DataFrame

PACKAGES = ("torch", "e3nn", "plotly", "jupyterlab", "ipywidgets", "jupyterlab_widgets", "anywidget")
FOR_WIDGETS = ("ipywidgets", "anywidget")
MANAGERS = {"7": "1", "8": "3"}
"""The major version of jupyterlab_widgets that draws those of ipywidgets."""
NOTEBOOK = "notebook"
EXTENSIONS = {"jupyterlab_widgets": "@jupyter-widgets/jupyterlab-manager", "anywidget": "anywidget"}
"""Where the page's half of a package lies among the extensions of JupyterLab."""
_SIGNS: dict[Verdict, str] = {"fine": "✓", "limited": "!", "broken": "✗"}
_PIP = f'"{sys.executable}" -m pip install'
_RESTART = "then restart the server and the kernel, and reload the page"


@dataclass(eq=False)
class Diagnosis:
    """What `doctor` found: text, a table, and in a notebook a line from the page itself.

    Attributes:
        symptoms: in the order in which they are told.
    """

    symptoms: list[Symptom] = field(default_factory=list)
    title = "equiviz doctor"

    @property
    def healthy(self) -> bool:
        """Whether nothing is broken."""
        return all(symptom.verdict != "broken" for symptom in self.symptoms)

    def to_frame(self) -> DataFrame:
        """One row per thing that was looked at."""
        import pandas as pd

        names = ("what", "found", "verdict", "consequence", "fix")
        return pd.DataFrame([[getattr(s, name) for name in names] for s in self.symptoms], columns=list(names))

    def describe(self) -> str:
        """Everything in plain words, what is wrong last."""
        width = max((len(symptom.what) for symptom in self.symptoms), default=0)
        lines = [f"{_SIGNS[s.verdict]} {s.what:{width}}  {s.found}" for s in self.symptoms]
        ill = [symptom for symptom in self.symptoms if symptom.verdict != "fine"]
        told = [f"{_SIGNS[s.verdict]} {s.consequence}" + (f"\n    {s.fix}" if s.fix else "") for s in ill]
        return "\n".join([*lines, "", *(told or ["Everything that was looked at works here."])])

    def add_page(self, answer: Mapping[str, Any]) -> None:
        """What the probe saw in the page takes the place of what was guessed without it."""
        kept = [s for s in self.symptoms if s.what not in ("front end", "widgets", "WebGL2")]
        self.symptoms = [*kept, *page_symptoms(answer)]

    def widget(self) -> Any:
        """The words in a widget that asks the page, and adds what it answers."""

        def answered(answer: Mapping[str, Any]) -> str:
            self.add_page(answer)
            return self.describe()

        return probe(self.describe(), answered)

    def _ipython_display_(self) -> None:
        from IPython.display import display

        if _shell() == NOTEBOOK and all(util.find_spec(name) for name in FOR_WIDGETS):
            display(self.widget())
        else:
            print(self.describe())

    def __repr__(self) -> str:
        return self.describe()


def doctor() -> Diagnosis:
    """Look at what is installed, at the front end and the machine; say what will not work here, and how to mend it.

    Nothing is fetched. In a notebook the result asks the page itself, once it is displayed.
    """
    packages = [_package(name) for name in PACKAGES]
    seen = [_python(), *packages, _pairing(), *_extensions(), _front_end(), *_widgets(), _threads(), _gpu()]
    return Diagnosis([symptom for symptom in seen if symptom is not None])


def _python() -> Symptom:
    from equiviz import __version__

    return Symptom("python", f"{platform.python_version()} on {platform.platform()}; equiviz {__version__}")


def _package(name: str) -> Symptom:
    """A package, held against what equiviz itself requires of it."""
    from packaging.requirements import Requirement

    version = _version(name)
    asked = [Requirement(line) for line in metadata.requires("equiviz") or []]
    own = next((need for need in asked if need.name.replace("-", "_") == name), None)
    if not version:
        words = f"{name} is absent: no widgets. Reports, HTML files and PNGs work all the same."
        return Symptom(name, "absent", "limited", words, f"{_PIP} 'equiviz[notebook]', {_RESTART}")
    if own is not None and not own.specifier.contains(version, prereleases=True):
        words = f"{name} {version} is not {own.specifier}, which equiviz needs."
        return Symptom(name, version, "broken", words, f"{_PIP} --upgrade '{name}{own.specifier}', {_RESTART}")
    return Symptom(name, version)


def _pairing() -> Symptom | None:
    """Whether the two halves of the widgets speak one protocol: the kernel's, and the page's."""
    kernel, page = _version("ipywidgets"), _version("jupyterlab_widgets")
    if not kernel or not page:
        return None
    needed = MANAGERS.get(_major(kernel))
    if needed in (None, _major(page)):
        return Symptom("widget manager", f"jupyterlab_widgets {page} goes with ipywidgets {kernel}")
    words = f"ipywidgets {kernel} needs jupyterlab_widgets {needed}: widgets show as text, or not at all."
    fix = f"{_PIP} --upgrade ipywidgets 'jupyterlab_widgets=={needed}.*', {_RESTART}"
    return Symptom("widget manager", f"jupyterlab_widgets {page}", "broken", words, fix)


def _extensions() -> list[Symptom]:
    """What a JupyterLab server of this environment would hand to the page."""
    try:
        folders = cast("list[str]", import_module("jupyter_core.paths").jupyter_path("labextensions"))
    except ImportError:
        return []
    found = {name: _extension(folders, path) for name, path in EXTENSIONS.items() if _version(name)}
    absent = [name for name, version in found.items() if not version]
    told = ", ".join(f"{name} {version or 'absent'}" for name, version in found.items())
    if not found:
        return []
    if not absent:
        return [Symptom("lab extensions", told)]
    words = f"JupyterLab finds no extension of {', '.join(absent)}: their widgets do not show."
    return [
        Symptom("lab extensions", told, "broken", words, f"{_PIP} --force-reinstall {' '.join(absent)}, {_RESTART}")
    ]


def _extension(folders: list[str], path: str) -> str:
    for folder in map(Path, folders):
        try:
            return str(json.loads((folder / path / "package.json").read_text())["version"])
        except (OSError, ValueError, KeyError):
            continue
    return ""


def _front_end() -> Symptom:
    """As far as it shows on this side; the page knows better (`page_symptoms`)."""
    if _shell() != NOTEBOOK:
        return Symptom("front end", f"{_shell()}: pictures go to files, scene.to_html('file.html') and scene.png()")
    signs = {"Colab": "COLAB_RELEASE_TAG", "VS Code": "VSCODE_PID"}
    known = [name for name, variable in signs.items() if variable in os.environ]
    voila = "Voila" if "voila" in os.environ.get("SERVER_SOFTWARE", "").lower() else ""
    return Symptom("front end", voila or next(iter(known), "a notebook; the page has not said which"))


def _widgets() -> list[Symptom]:
    if _shell() != NOTEBOOK:
        return []
    missing = [name for name in FOR_WIDGETS if not util.find_spec(name)]
    if missing:
        words = f"Without {' and '.join(missing)} nothing is drawn live."
        return [Symptom("widgets", "none", "broken", words, f"{_PIP} 'equiviz[notebook]', {_RESTART}")]
    words = "The page has not answered yet. If this line stays, widgets do not work in this front end."
    fix = f"In the environment of the server: {_PIP} --upgrade jupyterlab ipywidgets anywidget, {_RESTART}"
    return [Symptom("widgets", "waiting for the page", "limited", words, fix)]


def _threads() -> Symptom:
    import torch

    free = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    used = torch.get_num_threads()
    found = f"torch computes with {used} threads on {free} cores"
    if used <= free:
        return Symptom("processor", found)
    words = "More threads than cores wait for each other: models run slowly."
    return Symptom("processor", found, "limited", words, f"torch.set_num_threads({free})")


def _gpu() -> Symptom:
    import torch

    if not torch.cuda.is_available():
        return Symptom("graphics card", "none that torch can use; models run on the processor")
    names = {torch.cuda.get_device_name(k) for k in range(torch.cuda.device_count())}
    return Symptom("graphics card", ", ".join(sorted(names)))


def _shell() -> str:
    """Where Python runs."""
    shell = cast(Any, sys.modules["IPython"]).get_ipython() if "IPython" in sys.modules else None
    if shell is None:
        return "plain terminal"
    return NOTEBOOK if type(shell).__name__ in ("ZMQInteractiveShell", "Shell") else "IPython in a terminal"


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def _major(version: str) -> str:
    return version.partition(".")[0]
