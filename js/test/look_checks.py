"""What a reader does, done in the browser: each check is a function, and says what it expects."""

from __future__ import annotations

import time
from collections.abc import Callable

import look_scenes
from playwright.sync_api import Page

State = dict[str, object]
CHECKS: dict[str, tuple[Callable[[], bytes], State, Callable[[Page], None]]] = {}


def check(scene: Callable[[], bytes], **state: object) -> Callable[[Callable[[Page], None]], None]:
    def register(function: Callable[[Page], None]) -> None:
        CHECKS[function.__name__] = (scene, state, function)

    return register


def settle(page: Page) -> None:
    page.wait_for_function(
        """[...document.querySelectorAll('.equiviz-view')]
        .every(e => e.dataset.still === 'true' || e.dataset.drawn === undefined)""",
        timeout=30_000,
    )
    page.wait_for_timeout(60)


def trait(page: Page, name: str) -> object:
    return page.evaluate("name => globalThis.models[0].get(name)", name)


def put(page: Page, name: str, value: object) -> None:
    page.evaluate("([name, value]) => globalThis.models[0].set(name, value)", [name, value])


def pixels(page: Page, k: int = 0) -> str:
    """A fingerprint of the picture, and how many of its pixels are painted."""
    return page.evaluate(
        """k => { const shown = document.querySelectorAll('.eqv-picture')[k], c = document.createElement('canvas');
        [c.width, c.height] = [shown.width, shown.height];
        const paint = c.getContext('2d', { willReadFrequently: true }); paint.drawImage(shown, 0, 0);
        const d = paint.getImageData(0, 0, c.width, c.height).data; let h = 0, n = 0;
        for (let i = 0; i < d.length; i += 4) {
          h = (h * 31 + d[i] + 3 * d[i + 1] + 7 * d[i + 2] + d[i + 3]) | 0;
          if (d[i + 3]) n++;
        }
        return h + ' ' + n; }""",
        k,
    )


def painted(page: Page) -> int:
    return int(pixels(page).split()[1])


def middle(page: Page) -> tuple[float, float]:
    box = page.locator(".eqv-picture").first.bounding_box()
    assert box
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def focus(page: Page) -> None:
    page.locator(".eqv-picture").first.focus()


CENTRED = {"camera": {"direction": [0, -1, 0], "up": [0, 0, 1], "centre": [1.2333, 0.5540, 0.7792], "height": 8}}


@check(look_scenes.molecule, **CENTRED)
def hover_says_what_is_there(page: Page) -> None:
    x, y = middle(page)
    page.mouse.move(x, y)
    page.wait_for_selector(".eqv-tooltip:not([hidden])")
    text = page.locator(".eqv-tooltip").inner_text()
    assert "atom" in text and "Å" in text, text
    assert trait(page, "hovered") is not None
    page.wait_for_timeout(400)
    assert "atom" in page.locator(".eqv-live").inner_text()
    page.mouse.move(x, y + 220)
    page.wait_for_selector(".eqv-tooltip", state="hidden")
    assert trait(page, "hovered") is None


@check(look_scenes.molecule, **CENTRED)
def click_selects_and_keys_undo(page: Page) -> None:
    x, y = middle(page)
    page.mouse.click(x, y)
    first = trait(page, "selected")
    assert isinstance(first, list) and len(first) == 1, first
    settle(page)
    page.screenshot(path="/tmp/look/selected.png")
    page.keyboard.press("Control+z")
    assert trait(page, "selected") == []
    page.keyboard.press("Control+Shift+z")
    assert trait(page, "selected") == first
    page.keyboard.press("Escape")
    assert trait(page, "selected") == []
    put(page, "selected", [2, 5])
    page.wait_for_timeout(50)
    page.keyboard.press("n")
    page.keyboard.press("Shift+Enter")
    assert len(trait(page, "selected")) == 3


@check(look_scenes.molecule)
def box_selects(page: Page) -> None:
    box = page.locator(".eqv-picture").bounding_box()
    focus(page)
    page.keyboard.press("b")
    page.mouse.move(box["x"] + 5, box["y"] + 5)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] - 5, steps=4)
    page.screenshot(path="/tmp/look/box.png")
    page.mouse.up()
    half = trait(page, "selected")
    assert 3 < len(half) < 21, half
    page.keyboard.press("b")
    page.keyboard.down("Shift")
    page.mouse.move(box["x"] + 5, box["y"] + 5)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 5, box["y"] + box["height"] - 5, steps=4)
    page.mouse.up()
    page.keyboard.up("Shift")
    assert len(trait(page, "selected")) == 21


@check(look_scenes.molecule)
def drag_wheel_and_keys_move_the_camera(page: Page) -> None:
    settle(page)
    x, y = middle(page)
    before = pixels(page)
    page.mouse.wheel(0, -300)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 120, y + 40, steps=6)
    page.mouse.up()
    settle(page)
    assert pixels(page) != before
    camera = trait(page, "camera")
    page.mouse.wheel(0, -200)
    settle(page)
    assert trait(page, "camera")["height"] < camera["height"]
    for key in ["ArrowLeft", "Shift+ArrowUp", "+", "-"]:
        old = trait(page, "camera")
        page.keyboard.press(key)
        assert trait(page, "camera") != old, key
    page.keyboard.press("Home")
    settle(page)
    assert pixels(page) == before


@check(look_scenes.molecule)
def the_hand_turns_the_scene(page: Page) -> None:
    settle(page)
    before = pixels(page)
    focus(page)
    page.keyboard.press("h")
    assert trait(page, "hand") is True
    x, y = middle(page)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 90, y, steps=4)
    page.mouse.up()
    settle(page)
    assert pixels(page) != before
    turn = trait(page, "turn")
    assert abs(sum(t * t for t in turn) - 3) < 1e-9 and turn != [1, 0, 0, 0, 1, 0, 0, 0, 1]
    page.keyboard.press("Home")
    settle(page)
    assert pixels(page) == before


@check(look_scenes.glass)
def slab_and_its_keys(page: Page) -> None:
    settle(page)
    sliced = painted(page)
    focus(page)
    page.keyboard.press("s")
    settle(page)
    whole = painted(page)
    assert whole > 1.3 * sliced, (whole, sliced)
    page.keyboard.press("s")
    settle(page)
    assert trait(page, "slab")["start"] is not None
    page.locator("select").select_option("x")
    settle(page)
    assert trait(page, "slab")["axis"] == "x"
    page.get_by_label("Position of the slab").focus()
    before = trait(page, "slab")["start"]
    page.keyboard.press("ArrowRight")
    settle(page)
    assert trait(page, "slab")["start"] != before
    put(page, "slab", {"axis": "y", "thickness": 1.0, "start": 3.0})
    settle(page)
    assert painted(page) < whole
    page.screenshot(path="/tmp/look/slab_y.png")


@check(lambda: look_scenes.glass(4096, slab=False), selected=[2080])
def isolate_shows_the_neighbourhood(page: Page) -> None:
    settle(page)
    whole = painted(page)
    focus(page)
    page.keyboard.press("i")
    settle(page)
    assert painted(page) != whole
    assert page.locator("[aria-label='Isolated neighbourhood']").is_visible()
    page.screenshot(path="/tmp/look/isolated.png")
    page.keyboard.press("i")
    settle(page)
    assert painted(page) == whole


@check(lambda: look_scenes.glass(1000, slab=False, frames=9))
def frames_play(page: Page) -> None:
    settle(page)
    focus(page)
    page.keyboard.press("]")
    assert trait(page, "frame") == 1
    assert "t = 1" in page.locator("[aria-label=Trajectory]").inner_text()
    page.keyboard.press("[")
    page.keyboard.press("[")
    assert trait(page, "frame") == 8
    page.keyboard.press("Space")
    for frame in (1, 3, 0):  # it goes on, and round
        page.wait_for_function("frame => globalThis.models[0].get('frame') === frame", arg=frame, polling=10)
    page.keyboard.press("Space")
    page.wait_for_timeout(100)
    paused = trait(page, "frame")
    page.wait_for_timeout(300)
    assert trait(page, "frame") == paused
    put(page, "frame", 4)
    page.wait_for_timeout(100)
    assert "t = 4" in page.locator("[aria-label=Trajectory]").inner_text()
    settle(page)
    page.screenshot(path="/tmp/look/player.png")


@check(look_scenes.molecule, copies=2, linked="pair")
def linked_views_move_together(page: Page) -> None:
    settle(page)
    assert pixels(page, 0) == pixels(page, 1)
    focus(page)
    page.keyboard.press("ArrowLeft")
    settle(page)
    cameras = page.evaluate("globalThis.models.map(m => JSON.stringify(m.get('camera')))")
    assert cameras[0] == cameras[1] != "null"
    assert pixels(page, 0) == pixels(page, 1)


@check(look_scenes.molecule)
def help_full_screen_and_toolbar(page: Page) -> None:
    focus(page)
    page.keyboard.press("?")
    page.wait_for_selector(".eqv-help")
    page.wait_for_timeout(200)
    page.screenshot(path="/tmp/look/help.png")
    page.keyboard.press("Escape")
    assert page.locator(".eqv-help").count() == 0
    names = page.locator(".eqv-toolbar button").evaluate_all("b => b.map(x => x.getAttribute('aria-label'))")
    assert len(names) >= 9 and all(names)
    page.keyboard.press("f")
    page.wait_for_timeout(300)
    page.keyboard.press("f")
    page.wait_for_timeout(300)
    focus(page)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "eqv-button"


@check(look_scenes.molecule)
def pictures_are_saved(page: Page) -> None:
    focus(page)
    with page.expect_download() as download:
        page.keyboard.press("p")
    download.value.save_as("/tmp/look/download.png")
    page.evaluate("globalThis.models[0].fire('msg:custom', {type: 'screenshot', id: 7, width: 500})")
    page.wait_for_function("globalThis.models[0].sent.length > 0")
    answer = page.evaluate(
        """(() => { const [content, buffers] = globalThis.models[0].sent[0];
        return [content, [...new Uint8Array(buffers[0]).slice(0, 24)]] })()"""
    )
    assert answer[0] == {"type": "screenshot", "id": 7}
    assert bytes(answer[1][:8]) == b"\x89PNG\r\n\x1a\n" and int.from_bytes(bytes(answer[1][16:20]), "big") == 500


@check(
    lambda: look_scenes.molecule(look_scenes.hostile(), look_scenes.hostile()),
    problem=look_scenes.hostile() + "\n" + look_scenes.hostile(),
    selected=[3],
)
def hostile_strings_stay_text(page: Page) -> None:
    x, y = middle(page)
    for dx in range(-200, 200, 40):
        page.mouse.move(x + dx, y)
    page.mouse.click(x, y)
    settle(page)
    assert page.evaluate("globalThis.fired") is None
    assert page.locator("img, .equiviz-view b").count() == 0
    assert look_scenes.hostile() in page.locator(".eqv-title").inner_text()
    page.screenshot(path="/tmp/look/hostile.png")
    # The control: the same string does fire where it is taken for HTML.
    page.evaluate(
        "s => { const d = document.createElement('div'); d.innerHTML = s; document.body.append(d); }",
        "<img src=data:, onerror='globalThis.fired=1'>",
    )
    page.wait_for_function("globalThis.fired === 1")


@check(look_scenes.molecule)
def a_lost_context_comes_back(page: Page) -> None:
    settle(page)
    before = pixels(page)
    for restore in (True, False):
        drawn = page.evaluate("Number(document.querySelector('.equiviz-view').dataset.drawn)")
        page.evaluate(
            """restore => {
            const all = Object.getOwnPropertySymbols(globalThis).map(s => globalThis[s]);
            const box = all.find(b => b && b.renderer);
            box.renderer.loseContext(restore); }""",
            restore,
        )
        page.wait_for_timeout(200)
        assert pixels(page) == before, "the picture must stay while the context is gone"
        page.wait_for_function(
            "n => Number(document.querySelector('.equiviz-view').dataset.drawn) > n", arg=drawn, timeout=8000
        )
        settle(page)
        assert pixels(page) == before


@check(look_scenes.molecule)
def damaged_packets_are_told(page: Page) -> None:
    settle(page)
    before = pixels(page)
    page.evaluate("globalThis.models[0].set('packet', new Uint8Array(40).buffer)")
    page.wait_for_selector(".eqv-banner:not([hidden])")
    assert "EQVZ" in page.locator(".eqv-problem").inner_text()
    assert "EQVZ" in trait(page, "problem")
    page.screenshot(path="/tmp/look/banner.png")
    page.get_by_label("Dismiss this message").click()
    assert trait(page, "problem") == ""
    settle(page)
    assert painted(page) > 0 and before


@check(lambda: look_scenes.glyphs(27), copies=40, height=200)
def forty_views_live(page: Page) -> None:
    page.evaluate(
        """for (const e of document.querySelectorAll('.equiviz-view'))
        e.parentElement.style.cssText = 'width:200px;float:left'"""
    )
    page.set_viewport_size({"width": 1700, "height": 1100})
    page.wait_for_function(
        "[...document.querySelectorAll('.equiviz-view')].every(e => e.dataset.ready === 'true')", timeout=60_000
    )
    settle(page)
    counts = [int(pixels(page, k).split()[1]) for k in (0, 13, 39)]
    assert min(counts) > 1000, counts
    page.screenshot(path="/tmp/look/forty.png")


@check(lambda: look_scenes.glass(100_000, slab=False))
def a_hundred_thousand_atoms_respond(page: Page) -> None:
    settle(page)
    x, y = middle(page)
    page.mouse.move(x, y)
    page.mouse.down()
    began, drawn = time.time(), int(page.locator(".equiviz-view").get_attribute("data-drawn"))
    for k in range(40):
        page.mouse.move(x + 3 * k, y + k)
        page.wait_for_timeout(25)
    page.mouse.up()
    pictures = int(page.locator(".equiviz-view").get_attribute("data-drawn")) - drawn
    print(f"    100,000 atoms while dragging: {pictures / (time.time() - began):.1f} pictures a second")
    settle(page)
    assert pictures > 5


@check(look_scenes.molecule, no_webgl=True)
def without_webgl_the_words_are_shown(page: Page) -> None:
    assert "WebGL" in page.locator(".eqv-problem").inner_text()
    assert "WebGL" in trait(page, "problem")
    assert "molecule of Aspirin" in page.locator(".eqv-words").inner_text()


@check(look_scenes.molecule, plain=True)
def a_page_without_a_kernel_works(page: Page) -> None:
    settle(page)
    before = pixels(page)
    focus(page)
    for key in ["ArrowLeft", "l", "n", "Enter", "i"]:
        page.keyboard.press(key)
    settle(page)
    assert pixels(page) != before


@check(look_scenes.molecule)
def a_view_that_is_hidden_at_first_draws_when_shown(page: Page) -> None:
    settle(page)
    page.evaluate(
        """() => { const el = document.createElement('div'); el.style.display = 'none'; document.body.prepend(el);
        globalThis.late = el; const { mount } = globalThis[Symbol.for('equiviz.view')];
        globalThis.remove = mount(el, { ...globalThis.models[0].values }); }"""
    )
    page.wait_for_timeout(300)
    late = page.locator(".equiviz-view").first
    assert late.get_attribute("data-ready") is None
    page.evaluate("globalThis.late.style.display = ''")
    page.wait_for_function("document.querySelector('.equiviz-view').dataset.ready === 'true'")
    settle(page)
    assert painted(page) > 1000
    page.evaluate("globalThis.remove()")
    assert page.locator(".equiviz-view").count() == 1
