"""Does the doctor say what is there, what is wrong, and what to do, without a word to the network?"""

from __future__ import annotations

import json
import socket
import sys
from importlib import metadata

import pytest
from typer.testing import CliRunner

import equiviz
from equiviz.apps import doctor as doctor_module
from equiviz.apps.doctor import Diagnosis, doctor
from equiviz.apps.doctor_probe import PROBE, Symptom, page_symptoms
from equiviz.cli import app
from tests.hostile_strings import ALL

CARD = {"name": "JupyterLab", "version": "4.6.6", "webgl2": True, "renderer": "NVIDIA H200", "texture": 16384}


def versions(monkeypatch: pytest.MonkeyPatch, **other: str) -> None:
    """Some packages in other versions; "" is absent."""
    real = metadata.version
    monkeypatch.setattr(doctor_module, "_version", lambda name: other.get(name, "") if name in other else real(name))


def found(diagnosis: Diagnosis, what: str) -> Symptom:
    return next(symptom for symptom in diagnosis.symptoms if symptom.what == what)


def test_it_tells_versions_front_end_and_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("the doctor asked the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    made = equiviz.doctor()
    assert made.healthy
    for name in ("torch", "e3nn", "jupyterlab", "ipywidgets", "anywidget", "plotly"):
        assert found(made, name).found == metadata.version(name)
    assert equiviz.__version__ in found(made, "python").found
    assert "goes with ipywidgets" in found(made, "widget manager").found
    assert "plain terminal" in found(made, "front end").found
    assert "threads" in found(made, "processor").found
    assert list(made.to_frame()["what"]) == [symptom.what for symptom in made.symptoms]
    assert made.describe().splitlines()[0].startswith("✓ python")


def test_halves_that_do_not_fit_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    versions(monkeypatch, jupyterlab_widgets="1.1.7")
    made = doctor()
    assert not made.healthy
    told = found(made, "widget manager")
    assert told.verdict == "broken"
    assert "jupyterlab_widgets==3.*" in told.fix
    assert sys.executable in told.fix
    assert told.consequence in made.describe()


def test_an_old_package_is_held_against_what_equiviz_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    versions(monkeypatch, plotly="5.0.0")
    told = found(doctor(), "plotly")
    assert (told.verdict, told.consequence) == ("broken", "plotly 5.0.0 is not >=6, which equiviz needs.")
    assert "--upgrade 'plotly>=6'" in told.fix


def test_an_absent_package_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    versions(monkeypatch, anywidget="")
    made = doctor()
    assert found(made, "anywidget").verdict == "limited"
    assert "pip install 'equiviz[notebook]'" in found(made, "anywidget").fix
    assert made.healthy


def test_an_extension_that_jupyterlab_does_not_find(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_module, "_extension", lambda folders, path: "" if path == "anywidget" else "5.0.0")
    told = found(doctor(), "lab extensions")
    assert told.verdict == "broken"
    assert "--force-reinstall anywidget" in told.fix


def test_in_a_notebook_it_waits_for_the_page_and_believes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_module, "_shell", lambda: doctor_module.NOTEBOOK)
    made = doctor()
    assert found(made, "widgets").found == "waiting for the page"
    widget = made.widget()
    assert "waiting for the page" in widget.words
    widget.answer = CARD
    assert found(made, "front end").found == "JupyterLab 4.6.6"
    assert "NVIDIA H200" in widget.words
    assert "waiting" not in widget.words
    assert made.healthy


@pytest.mark.parametrize(
    ("answer", "verdict", "said"),
    [
        (CARD, "fine", "textures up to 16384"),
        ({**CARD, "renderer": "ANGLE (Google, Vulkan (SwiftShader Device))"}, "limited", "by the processor"),
        ({**CARD, "webgl2": False}, "broken", "chrome://settings/system"),
        ({"problem": "TypeError"}, "broken", "TypeError"),
    ],
)
def test_webgl(answer: dict, verdict: str, said: str) -> None:
    told = page_symptoms(answer)[-1]
    assert told.verdict == verdict
    assert said in " ".join([told.found, told.consequence, told.fix])


def test_colab_is_told_how_to_show_widgets() -> None:
    assert "enable_custom_widget_manager" in page_symptoms({**CARD, "name": "Colab"})[0].fix


def test_words_reach_the_page_as_text() -> None:
    made = Diagnosis([Symptom("python", ALL)])
    assert ALL in made.widget().words
    assert "innerHTML =" not in PROBE
    assert "textContent = model.get" in PROBE


def test_the_command_ends_with_one_where_something_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    fine = CliRunner().invoke(app, ["doctor"])
    assert fine.exit_code == 0
    assert "✓ torch" in fine.stdout
    versions(monkeypatch, torch="1.0")
    broken = CliRunner().invoke(app, ["doctor", "--json"])
    assert broken.exit_code == 1
    rows = json.loads(broken.stdout)
    assert next(row for row in rows if row["what"] == "torch")["verdict"] == "broken"
