"""The page's half of `equiviz.doctor`: a widget that asks which front end it is in, and whether WebGL2 draws there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

Verdict: TypeAlias = Literal["fine", "limited", "broken"]
SOFTWARE = ("swiftshader", "llvmpipe", "software", "basic render")
"""What the renderer's name holds where no graphics card draws."""

PROBE = """
function found() {
  const config = document.getElementById("jupyter-config-data");
  let data = {};
  try { data = JSON.parse(config?.textContent || "{}"); } catch { data = {}; }
  const code = location.href.includes("vscode") || document.querySelector("[data-vscode-theme-kind]");
  const colab = /googleusercontent|colab/.test(location.hostname);
  const voila = /voila/i.test(location.pathname + document.documentElement.innerHTML.slice(0, 20000));
  const name = data.appName || (code ? "VS Code" : colab ? "Colab" : voila ? "Voila" : "");
  const answer = { name, version: String(data.appVersion || ""), browser: navigator.userAgent, webgl2: false };
  const context = document.createElement("canvas").getContext("webgl2");
  if (!context) return answer;
  const told = context.getExtension("WEBGL_debug_renderer_info");
  answer.webgl2 = true;
  answer.renderer = String(context.getParameter(told ? told.UNMASKED_RENDERER_WEBGL : context.RENDERER));
  answer.texture = context.getParameter(context.MAX_TEXTURE_SIZE);
  answer.uniforms = context.getParameter(context.MAX_VERTEX_UNIFORM_VECTORS);
  context.getExtension("WEBGL_lose_context")?.loseContext();
  return answer;
}
export default { render({ model, el }) {
  const words = document.createElement("pre");
  words.style.cssText = "white-space: pre-wrap; margin: 0; color: var(--jp-content-font-color1, inherit)";
  const show = () => { words.textContent = model.get("words"); };
  model.on("change:words", show);
  show();
  el.append(words);
  try { model.set("answer", found()); } catch (error) { model.set("answer", { problem: String(error) }); }
  model.save_changes();
} };
"""


@dataclass(frozen=True)
class Symptom:
    """One thing that was looked at.

    Attributes:
        what: it is.
        found: what was seen.
        verdict: "fine", "limited" (it works, but slower, or without a part), or "broken".
        consequence: what does not work; "" where all is fine.
        fix: the exact command or act; "" where there is none, or none is needed.
    """

    what: str
    found: str
    verdict: Verdict = "fine"
    consequence: str = ""
    fix: str = ""


def page_symptoms(answer: Mapping[str, Any]) -> list[Symptom]:
    """What the page says of itself (see `PROBE`): that it answers at all shows that widgets work."""
    name, version = str(answer.get("name") or "unknown"), str(answer.get("version") or "")
    told = [Symptom("front end", f"{name} {version}".strip()), Symptom("widgets", "the page answers")]
    if name == "Colab":
        fix = "from google.colab import output; output.enable_custom_widget_manager()"
        told[0] = Symptom("front end", "Colab", "limited", "Colab shows such widgets only where they are allowed.", fix)
    return [*told, _webgl(answer)]


def _webgl(answer: Mapping[str, Any]) -> Symptom:
    renderer = str(answer.get("renderer") or "")
    if not answer.get("webgl2"):
        why = str(answer.get("problem") or "the browser has no WebGL2")
        words = "3D views stay empty; scene.png() and scene.figure() draw without WebGL2."
        fix = "Switch graphics acceleration on in the browser's settings (chrome://settings/system; about:config,"
        return Symptom("WebGL2", why, "broken", words, f"{fix} webgl.disabled = false in Firefox), and reload.")
    found = f"{renderer}, textures up to {answer.get('texture')}, {answer.get('uniforms')} uniforms"
    if any(word in renderer.lower() for word in SOFTWARE):
        words = "3D views are drawn by the processor: above some thousands of atoms or glyphs they turn slowly."
        fix = "Switch graphics acceleration on in the browser's settings, or look from a machine with a graphics card."
        return Symptom("WebGL2", found, "limited", words, fix)
    return Symptom("WebGL2", found)


def probe(words: str, answered: Callable[[Mapping[str, Any]], str]) -> Any:
    """A widget that shows words.

    Args:
        words: at first.
        answered: is handed what the page says of itself, and returns other words.
    """
    import anywidget
    import traitlets

    class Probe(anywidget.AnyWidget):
        _esm = PROBE
        words = traitlets.Unicode().tag(sync=True)
        answer = traitlets.Dict().tag(sync=True)

    made = Probe(words=words)

    def heard(change: Any) -> None:
        made.words = answered(change["new"])

    made.observe(heard, "answer")
    return made
