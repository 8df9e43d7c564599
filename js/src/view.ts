// One view: puts the parts together, and is what keys, buttons and gestures act on.

import type { Controls } from "./commands";
import { answerScreenshot, Drawing, type Sitter } from "./drawing";
import { element } from "./elements";
import { listenToKeys } from "./keyboard";
import { Looking } from "./looking";
import type { Json } from "./packet";
import { Panels } from "./panels";
import { Player } from "./player";
import { Pointer } from "./pointer";
import { Pointing } from "./pointing";
import { readScene, readSlab, readUpdate, type SlabState } from "./scene";
import { saveFile } from "./screenshot";
import { NoWebGL, type SharedRenderer } from "./shared_renderer";
import { Showing } from "./showing";
import { Speaking } from "./speaking";
import { css, currentTheme, type Theme, watchTheme } from "./theme";
import { Help, Toolbar } from "./toolbar";
import { type Model, Traits } from "./traits";
import styles from "./view.css";

export class View implements Controls, Sitter {
  hand = false;
  boxing = false;
  private labelsWanted = true;
  theme: Theme;
  showing: Showing | null = null;
  readonly looking: Looking;
  readonly pointing: Pointing;
  readonly guard: (action: () => void) => void;
  private readonly speaking: Speaking = new Speaking(() => this.traits);
  private readonly traits: Traits;
  private readonly drawing: Drawing;
  private readonly toolbar: Toolbar;
  private readonly player: Player;
  private readonly panels: Panels;
  private readonly pointer: Pointer;
  private readonly title = element("div", "eqv-title");
  private readonly help: Help;
  private hiddenLabels = 0;
  private pending = new Set<string>();
  private readonly stops: (() => void)[] = [];

  constructor(readonly root: HTMLElement, model: Model, renderer: SharedRenderer) {
    const { guard, fail, live } = this.speaking;
    this.guard = guard;
    this.theme = currentTheme(root);
    this.traits = new Traits(model, fail);
    this.drawing = new Drawing(this, renderer);
    this.looking = new Looking(this.traits, () => this.drawing.ask(true));
    this.player = new Player((frame) => this.showFrame(frame, true), () => this.drawing.done, guard);
    this.panels = new Panels((slab) => this.setSlab(slab), (radius) => this.setIsolation(radius), guard);
    this.pointing = new Pointing({
      traits: this.traits, looking: this.looking, live, canvases: this.drawing.canvases,
      showing: () => this.showing, selected: () => this.selected(), repaint: () => this.drawing.paintOver(),
    });
    this.pointer = this.newPointer();
    const { stage, picture } = this.drawing.canvases;
    this.help = new Help(stage, () => picture.focus({ preventScroll: true }), guard);
    this.toolbar = new Toolbar(this, guard);
    this.build();
    this.listen();
    this.begin();
  }

  private newPointer(): Pointer {
    return new Pointer(this.drawing.canvases.picture, {
      drag: (dx, dy) => this.push(dx, dy),
      pan: (dx, dy) => this.looking.pan(dx, dy),
      zoom: (factor, [x, y]) => this.looking.zoom(factor, x, y),
      hover: (spot) => this.dragging() || this.pointing.hover(spot),
      click: (spot, more) => this.pointing.click(spot, more),
      doubleClick: (spot) => this.pointing.centre(spot),
      box: (from, to, done, more) => this.pointing.box(from, to, done, more),
      boxing: () => this.boxing,
      refusedZoom: () => this.tell("Click the picture, then scroll to zoom"),
    }, this.guard);
  }

  private build(): void {
    const { root, panels, speaking, toolbar } = this;
    const { stage } = this.drawing.canvases;
    root.dataset.lmSuppressShortcuts = "true"; // JupyterLab's own keys would answer too
    root.setAttribute("role", "group");
    stage.append(this.title, panels.legend, toolbar.bar, this.pointing.tooltip.box, speaking.hint);
    const rows = [panels.slab.row, panels.isolation.row, this.player.row, panels.notes];
    root.append(element("style", "", styles), speaking.banner.box, stage, ...rows, speaking.live);
    listenToKeys(root, this, this.guard);
  }

  private listen(): void {
    const { traits, guard } = this;
    for (const name of ["packet", "update", "selected", "slab", "frame"]) traits.watch(name, () => this.later(name));
    for (const name of ["camera", "turn"]) traits.watch(name, () => this.looking.moved());
    traits.watch("linked", () => this.looking.join());
    traits.watch("hand", () => this.readHand());
    traits.watch("height", () => this.resize());
    traits.watch("problem", () => this.speaking.show());
    traits.message((content) => answerScreenshot(content, this.drawing, traits, this.speaking.fail));
    const sizes = new ResizeObserver(() => guard(() => this.drawing.ask(true)));
    const sight = new IntersectionObserver((entries) => this.drawing.look(entries[entries.length - 1].isIntersecting), { rootMargin: "150px" });
    for (const observer of [sizes, sight]) observer.observe(this.drawing.canvases.stage);
    this.root.addEventListener("fullscreenchange", () => guard(() => this.refresh()));
    this.stops.push(watchTheme(() => guard(() => this.dress())), () => sizes.disconnect(), () => sight.disconnect());
  }

  private begin(): void {
    this.dress();
    this.resize();
    this.guard(() => {
      try {
        this.drawing.begin();
      } catch (error) {
        if (error instanceof NoWebGL) this.describeOnly();
        throw error;
      }
      this.load();
      this.speaking.show();
    });
  }

  // Without WebGL the words are all there is.
  private describeOnly(): void {
    const bytes = this.traits.bytes("packet");
    if (bytes) this.drawing.canvases.stage.replaceChildren(element("p", "eqv-words", readScene(bytes).words));
  }

  // Traits that arrive in one message are all there when the first of them is announced: the packet must be read first.
  private later(name: string): void {
    if (!this.pending.size) queueMicrotask(() => this.guard(() => this.catchUp()));
    this.pending.add(name);
  }

  private catchUp(): void {
    const pending = this.pending;
    this.pending = new Set();
    if (pending.has("packet")) return this.load(pending.has("update"));
    if (!this.showing) return;
    if (pending.has("update")) this.update();
    if (pending.has("frame")) this.showFrame(Number(this.traits.get("frame")) || 0, false);
    if (pending.has("slab")) this.applySlab(readSlab(this.traits.get("slab") as Json));
    if (pending.has("selected")) this.readSelected();
  }

  private load(withUpdate = true): void {
    const bytes = this.traits.bytes("packet");
    if (!bytes) return;
    const scene = readScene(bytes);
    this.showing = new Showing(scene);
    this.drawing.load(this.showing);
    this.speaking.forgive();
    this.root.setAttribute("aria-label", scene.title || "3D view");
    this.drawing.canvases.picture.setAttribute("aria-label", scene.words || scene.title || "3D scene");
    this.title.textContent = scene.title;
    this.looking.load(scene.camera, scene.layers, this.showing.bounds);
    this.player.load(scene.frames, Number(this.traits.get("frame")) || 0);
    this.pointing.forget();
    if (scene.frames.length) this.showing.setFrame(this.player.frame);
    this.showing.slab = readSlab(this.traits.get("slab") as Json) ?? scene.slab;
    this.readSelected();
    this.readHand();
    this.dress();
    if (withUpdate) this.update();
  }

  private update(): void {
    const bytes = this.traits.bytes("update");
    if (!bytes || !this.showing) return;
    this.showing.change(readUpdate(bytes, this.showing.layers));
    this.layersChanged();
  }

  private layersChanged(): void {
    if (!this.showing) return;
    this.drawing.picture?.update(this.showing.layers, this.theme.dark);
    this.refresh();
    this.pointing.refresh();
  }

  /** Hands what is shown to the picture, and refreshes everything that says something about it. */
  private refresh(): void {
    const { showing, drawing } = this;
    if (!showing) return;
    showing.states.forEach((states, k) => drawing.picture?.mark(k, states));
    this.panels.refresh(showing, this.theme.dark);
    this.toolbar.refresh();
    this.labelsHidden(this.hiddenLabels);
    drawing.ask(true);
  }

  labelsHidden(count: number): void {
    this.hiddenLabels = count;
    this.panels.note(this.showing?.layers ?? [], this.labelled ? count : 0);
  }

  private dress(): void {
    const theme = currentTheme(this.root);
    this.theme = theme;
    for (const name of ["background", "ink", "accent"] as const) this.root.style.setProperty(`--eqv-${name}`, css(theme[name]));
    this.root.style.setProperty("--eqv-veil", `rgba(${theme.background.join(", ")}, 0.72)`);
    this.root.style.colorScheme = theme.dark ? "dark" : "light";
    this.drawing.picture?.dress(theme);
    this.layersChanged();
  }

  private resize(): void {
    const height = Number(this.traits.get("height"));
    this.drawing.canvases.stage.style.height = `${height >= 60 ? height : 420}px`;
    this.drawing.ask(true);
  }

  // --- what changes

  private showFrame(frame: number, tell: boolean): void {
    this.player.show(frame);
    this.showing?.setFrame(this.player.frame);
    if (tell) this.traits.set("frame", this.player.frame);
    this.layersChanged();
  }

  private restate(): void {
    this.showing?.restate();
    this.refresh();
  }

  private applySlab(slab: SlabState | null): void {
    if (this.showing) this.showing.slab = slab;
    this.restate();
  }

  private setSlab(slab: SlabState): void {
    this.applySlab(slab);
    this.traits.set("slab", slab);
  }

  private setIsolation(radius: number): void {
    if (this.showing?.isolation) this.showing.isolation = { ...this.showing.isolation, radius };
    this.restate();
  }

  private readSelected(): void {
    const rows = this.traits.get("selected");
    const count = this.showing?.atoms?.style.length ?? 0;
    this.showing?.selection.restart(Array.isArray(rows) ? (rows as number[]) : [], count);
    this.restate();
  }

  private selected(): void {
    const rows = this.showing?.selection.rows ?? [];
    this.traits.set("selected", rows);
    this.speaking.live.textContent = rows.length === 1 ? `atom ${rows[0]} selected` : `${rows.length} atoms selected`;
    this.restate();
  }

  private readHand(): void {
    this.hand = this.traits.get("hand") === true;
    this.toolbar.refresh();
  }

  private tell(words: string): void {
    this.speaking.tell(words);
    this.toolbar.refresh();
  }

  // --- controls

  dragging(): boolean {
    return this.pointer.busy;
  }

  get isolated(): boolean {
    return Boolean(this.showing?.isolation);
  }

  get sliced(): boolean {
    return this.showing?.slab != null && this.showing.slab.start !== null;
  }

  get fullScreen(): boolean {
    return document.fullscreenElement === this.root;
  }

  get helping(): boolean {
    return this.help.shown;
  }

  push(dx: number, dy: number): void {
    this.looking.push(dx, dy, this.hand);
  }

  pan(dx: number, dy: number): void {
    this.looking.pan(dx, dy);
  }

  zoom(factor: number): void {
    this.looking.zoom(factor, 0, 0);
  }

  reset(): void {
    this.looking.reset();
  }

  toggleHand(): void {
    this.hand = !this.hand;
    this.traits.set("hand", this.hand);
    this.tell(this.hand ? "Dragging turns the scene" : "Dragging moves the camera");
  }

  toggleBox(): void {
    this.boxing = !this.boxing;
    this.root.classList.toggle("eqv-boxing", this.boxing);
    this.tell(this.boxing ? "Drag a box to select; B again to orbit" : "Dragging orbits");
  }

  toggleIsolate(): void {
    const { showing } = this;
    if (!showing) return;
    if (showing.isolation) {
      showing.isolation = null;
      this.looking.comeBack();
    } else if (showing.isolate(this.pointing.atom)) this.looking.approach(...showing.isolatedSphere());
    else return this.tell("Select an atom first, then isolate");
    this.restate();
  }

  toggleSlab(): void {
    if (!this.showing) return;
    this.showing.toggleSlab();
    this.traits.set("slab", this.showing.slab);
    this.refresh();
  }

  get labelled(): boolean {
    return this.labelsWanted && this.hasLabels;
  }

  private get hasLabels(): boolean {
    return (this.showing?.layers ?? []).some(({ kind }) => kind === "labels");
  }

  toggleLabels(): void {
    if (!this.hasLabels) return this.tell("This scene has no labels");
    this.labelsWanted = !this.labelsWanted;
    this.toolbar.refresh();
    this.drawing.paintOver();
    this.labelsHidden(this.hiddenLabels);
  }

  toggleFullScreen(): void {
    const change = this.fullScreen ? document.exitFullscreen() : this.root.requestFullscreen();
    change.catch(this.speaking.fail);
  }

  toggleHelp(): void {
    this.help.toggle();
    this.toolbar.refresh();
  }

  download(): void {
    this.drawing.photo(0).then((blob) => saveFile(blob, "equiviz.png")).catch(this.speaking.fail);
  }

  togglePlay(): void {
    this.player.toggle();
  }

  step(by: number): void {
    this.player.step(by);
  }

  nextAtom(by: number): void {
    this.pointing.next(by);
  }

  selectHovered(more: boolean): void {
    this.pointing.selectHovered(more);
  }

  clear(): void {
    if (this.help.shown) this.toggleHelp();
    else if (this.boxing) this.toggleBox();
    else if (this.showing?.selection.set([])) this.selected();
  }

  undo(): void {
    if (this.showing?.selection.undo()) this.selected();
  }

  redo(): void {
    if (this.showing?.selection.redo()) this.selected();
  }

  stop(): void {
    this.player.pause();
    for (const stop of this.stops) stop();
    this.speaking.stop();
    this.pointing.stop();
    this.looking.leave();
    this.traits.stop();
    this.drawing.stop();
    this.showing = null;
    this.root.replaceChildren();
  }
}
