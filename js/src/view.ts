// One view: puts the parts together, and is what keys, buttons and gestures act on.

import { Banner, problemOf } from "./banner";
import { frameOf } from "./camera";
import { Canvases } from "./canvases";
import type { Controls } from "./commands";
import { element } from "./elements";
import { legendElement, keyOf } from "./legend";
import { Looking } from "./looking";
import { listenToKeys } from "./keyboard";
import { type Effort, Pace } from "./pace";
import { type Json } from "./packet";
import { MOST_BONDS, MOST_GLYPHS, Picture } from "./picture";
import { Player } from "./player";
import { Pointer } from "./pointer";
import { Pointing } from "./pointing";
import { paintOverlay, type Overlay } from "./overlay";
import { readScene, readSlab, readUpdate, rowsOf } from "./scene";
import { photograph, saveFile } from "./screenshot";
import type { SharedRenderer } from "./shared_renderer";
import { Showing } from "./showing";
import { IsolationPanel, SlabPanel } from "./slab_panel";
import { css, currentTheme, type Theme, watchTheme } from "./theme";
import { helpElement, Toolbar } from "./toolbar";
import { type Model, Traits } from "./traits";
import { MOST_LABELS } from "./labels";
import styles from "./view.css";

const SETTLING = 220; // milliseconds after the last motion until the fine picture is drawn

export class View implements Controls {
  seen = true;
  hand = false;
  boxing = false;
  labelled = true;
  private readonly canvases = new Canvases();
  private readonly traits: Traits;
  private readonly looking: Looking;
  private readonly pointing: Pointing;
  private readonly toolbar: Toolbar;
  private readonly banner = new Banner(() => this.say(""));
  private readonly player: Player;
  private readonly slabPanel: SlabPanel;
  private readonly isolationPanel: IsolationPanel;
  private readonly title = element("div", "eqv-title");
  private readonly hint = element("div", "eqv-hint");
  private readonly live = element("div", "eqv-live", "", { "aria-live": "polite", role: "status" });
  private readonly notes = element("div", "eqv-note", "", { hidden: true });
  private legend: HTMLElement = element("div");
  private help: HTMLElement | null = null;
  private showing: Showing | null = null;
  private picture: Picture | null = null;
  private theme: Theme;
  private pace: Pace | null = null;
  private moving = false;
  private dragging = () => false;
  private settling: ReturnType<typeof setTimeout> | 0 = 0;
  private hinting: ReturnType<typeof setTimeout> | 0 = 0;
  private dirty = false;
  private drawn = 0;
  private hiddenLabels = 0;
  private pending = new Set<string>();
  private ownProblem = "";
  private readonly stops: (() => void)[] = [];

  constructor(private readonly root: HTMLElement, model: Model, private readonly renderer: SharedRenderer) {
    const guard = (action: () => void) => this.guard(action);
    this.traits = new Traits(model, (error) => this.fail(error));
    this.looking = new Looking(this.traits, () => this.ask(true));
    this.theme = currentTheme(root);
    this.player = new Player((frame) => this.showFrame(frame, true), () => !this.dirty || !this.seen, guard);
    this.slabPanel = new SlabPanel((slab) => this.setSlab(slab), guard);
    this.isolationPanel = new IsolationPanel((radius) => this.setIsolation(radius), guard);
    this.pointing = new Pointing({
      traits: this.traits, looking: this.looking, live: this.live, canvases: this.canvases,
      showing: () => this.showing, selected: () => this.selected(), repaint: () => this.paintOver(),
    });
    this.toolbar = new Toolbar(this, guard);
    this.build(guard);
    this.listen();
    this.guard(() => {
      this.renderer.join(this);
      this.pace = new Pace(this.renderer.software);
      this.load();
      this.banner.show(String(this.traits.get("problem") ?? ""));
    });
  }

  private build(guard: (action: () => void) => void): void {
    const { root, canvases } = this;
    root.dataset.lmSuppressShortcuts = "true"; // JupyterLab's own keys would answer too
    root.setAttribute("role", "group");
    canvases.stage.append(this.title, this.legend, this.toolbar.bar, this.pointing.tooltip.box, this.hint);
    root.append(element("style", "", styles), this.banner.box, canvases.stage, this.slabPanel.row, this.isolationPanel.row, this.player.row, this.notes, this.live);
    listenToKeys(root, this, guard);
    const pointer = new Pointer(canvases.picture, {
      drag: (dx, dy) => this.push(dx, dy),
      pan: (dx, dy) => this.looking.pan(dx, dy),
      zoom: (factor, [x, y]) => this.looking.zoom(factor, x, y),
      hover: (spot) => pointer.busy || this.pointing.hover(spot),
      click: (spot, more) => this.pointing.click(spot, more),
      doubleClick: (spot) => this.pointing.centre(spot),
      box: (from, to, done, more) => this.pointing.box(from, to, done, more),
      boxing: () => this.boxing,
      refusedZoom: () => this.tell("Click the picture, then scroll to zoom"),
    }, guard);
    this.dragging = () => pointer.busy;
  }

  private listen(): void {
    const { traits } = this;
    for (const name of ["packet", "update"]) traits.watch(name, () => this.later(name));
    for (const name of ["camera", "turn"]) traits.watch(name, () => this.looking.moved());
    traits.watch("linked", () => this.looking.join());
    traits.watch("selected", () => this.later("selected"));
    traits.watch("slab", () => this.later("slab"));
    traits.watch("frame", () => this.later("frame"));
    traits.watch("hand", () => this.readHand());
    traits.watch("height", () => this.resize());
    traits.watch("problem", () => this.banner.show(String(traits.get("problem") ?? "")));
    traits.message((content) => this.receive(content));
    this.stops.push(watchTheme(() => this.guard(() => this.dress())));
    const sizes = new ResizeObserver(() => this.guard(() => this.ask(true)));
    sizes.observe(this.canvases.stage);
    const sight = new IntersectionObserver((entries) => this.look(entries[entries.length - 1].isIntersecting), { rootMargin: "150px" });
    sight.observe(this.canvases.stage);
    const screen = () => this.guard(() => this.fullScreenChanged());
    this.root.addEventListener("fullscreenchange", screen);
    this.stops.push(() => sizes.disconnect(), () => sight.disconnect());
  }

  private look(seen: boolean): void {
    this.seen = seen;
    if (seen && this.dirty) this.renderer.ask(this);
  }

  // Traits that arrive in one message are all there when the first of them is announced: the packet must be read first.
  private later(name: string): void {
    if (!this.pending.size) queueMicrotask(() => this.guard(() => this.catchUp()));
    this.pending.add(name);
  }

  private catchUp(): void {
    const pending = this.pending;
    this.pending = new Set();
    if (pending.has("packet")) this.load(pending.has("update"));
    else if (pending.has("update")) this.update();
    if (pending.has("packet") || !this.showing) return;
    if (pending.has("frame")) this.showFrame(Number(this.traits.get("frame")) || 0, false);
    if (pending.has("slab")) this.applySlab(readSlab(this.traits.get("slab") as Json));
    if (pending.has("selected")) this.readSelected();
  }

  private load(withUpdate = true): void {
    const bytes = this.traits.bytes("packet");
    if (!bytes) return;
    const scene = readScene(bytes);
    this.picture?.dispose();
    this.picture = new Picture(scene.layers, this.theme.dark);
    this.showing = new Showing(scene);
    if (this.ownProblem && this.traits.get("problem") === this.ownProblem) this.say("");
    this.root.setAttribute("aria-label", scene.title || "3D view");
    this.canvases.picture.setAttribute("aria-label", scene.words || scene.title || "3D scene");
    this.title.textContent = scene.title;
    this.looking.load(scene.camera, scene.layers, this.showing.bounds);
    this.player.load(scene.frames, Number(this.traits.get("frame")) || 0);
    this.pointing.forget();
    if (scene.frames.length) this.showing.setFrame(this.player.frame);
    if (withUpdate) this.update();
    this.showing.slab = readSlab(this.traits.get("slab") as Json) ?? scene.slab;
    this.readSelected();
    this.readHand();
    this.resize();
    this.dress();
    this.refresh();
  }

  private update(): void {
    const bytes = this.traits.bytes("update");
    if (!bytes || !this.showing) return;
    this.showing.change(readUpdate(bytes, this.showing.layers));
    this.layersChanged();
  }

  private layersChanged(): void {
    const { showing, picture } = this;
    if (!showing || !picture) return;
    picture.update(showing.layers, this.theme.dark);
    this.refresh();
    this.pointing.refresh();
  }

  /** Hands what is shown to the picture, and refreshes everything that says something about it. */
  private refresh(): void {
    const { showing, picture } = this;
    if (!showing || !picture) return;
    showing.states.forEach((states, k) => picture.mark(k, states));
    const legend = legendElement(keyOf(showing.layers), this.theme.dark);
    this.legend.replaceWith(legend);
    this.legend = legend;
    const { lengthUnit } = showing.scene;
    this.slabPanel.show(showing.slab, showing.bounds, lengthUnit);
    this.isolationPanel.show(showing.isolation?.radius ?? null, 2 * showing.bounds.radius, lengthUnit);
    this.toolbar.refresh();
    this.writeNotes();
    this.ask(true);
  }

  private writeNotes(): void {
    const notes: string[] = [];
    for (const layer of this.showing?.layers ?? []) {
      const rows = rowsOf(layer);
      if (layer.kind === "bonds" && rows > MOST_BONDS) notes.push(`${rows} bonds are not drawn: more than ${MOST_BONDS} would freeze the page.`);
      if (layer.kind === "glyphs" && rows > MOST_GLYPHS) notes.push(`${rows} glyphs are not drawn: more than ${MOST_GLYPHS} would freeze the page.`);
    }
    if (this.labelled && this.hiddenLabels) notes.push(`${this.hiddenLabels} labels are not drawn: more than ${MOST_LABELS} at once cannot be read. Slice, isolate or zoom in.`);
    this.notes.textContent = notes.join(" ");
    this.notes.hidden = !notes.length;
  }

  private dress(): void {
    this.theme = currentTheme(this.root);
    for (const name of ["background", "ink", "accent"] as const) this.root.style.setProperty(`--eqv-${name}`, css(this.theme[name]));
    this.root.style.setProperty("--eqv-veil", `rgba(${this.theme.background.join(", ")}, 0.72)`);
    this.root.style.colorScheme = this.theme.dark ? "dark" : "light";
    this.picture?.dress(this.theme);
    this.layersChanged();
  }

  private resize(): void {
    const height = Number(this.traits.get("height"));
    this.canvases.stage.style.height = `${height >= 60 ? height : 420}px`;
    this.ask(true);
  }

  // --- drawing

  private ask(moving: boolean): void {
    if (moving) this.moving = true;
    this.dirty = true;
    this.root.dataset.still = "false";
    this.renderer.ask(this);
  }

  draw(): void {
    this.guard(() => {
      if (!this.picture || !this.showing || !this.pace || !this.canvases.width || !this.canvases.height) return;
      const now = performance.now();
      const { moving } = this;
      this.canvases.fit();
      const { picture } = this.canvases;
      const effort = moving ? this.pace.moving : this.pace.still(this.canvases.devicePixels, this.showing.rows);
      if (!this.drawInto(picture.width, picture.height, effort, this.canvases.paint)) return;
      if (moving) this.pace.tick(now, this.renderer.software ? this.renderer.finish() - now : null);
      this.dirty = false;
      this.paintOver();
      this.root.dataset.drawn = String(++this.drawn);
      this.root.dataset.ready = "true";
      this.root.dataset.still = String(!moving);
      clearTimeout(this.settling || undefined);
      if (moving) this.settle();
    });
  }

  private settle(): void {
    this.settling = setTimeout(() => {
      if (this.dragging()) return this.settle();
      this.moving = false;
      this.ask(false);
    }, SETTLING);
  }

  private drawInto(width: number, height: number, effort: Effort, target: CanvasRenderingContext2D): boolean {
    const { picture, showing, looking } = this;
    if (!picture || !showing) return false;
    const most = this.renderer.largest;
    const sharpness = Math.min(effort.sharpness, most / width, most / height);
    const rows = Math.max(1, Math.round(height * sharpness));
    looking.shape(this.canvases.width / this.canvases.height);
    picture.setTurn(looking.turn, looking.pivot);
    picture.prepare(looking.camera, width / height, this.canvases.height, showing.bounds, looking.pivot, effort.points);
    return this.renderer.draw(picture, Math.max(1, Math.round(width * sharpness)), rows, target);
  }

  private overlay(): Overlay {
    const { looking, canvases } = this;
    const sight = this.pointing.sight();
    return {
      width: canvases.width, height: canvases.height, theme: this.theme, frame: frameOf(looking.camera), sight,
      layers: this.showing?.layers ?? [], states: this.showing?.states ?? [], labelled: this.labelled, picker: this.pointing.picker,
    };
  }

  private paintOver(): void {
    if (!this.showing || !this.canvases.width) return;
    const paint = this.canvases.clearedOverlay();
    const hidden = paintOverlay(paint, this.overlay());
    this.pointing.paint(paint, this.theme);
    this.root.classList.toggle("eqv-pointing", this.pointing.hit !== null);
    if (hidden === this.hiddenLabels) return;
    this.hiddenLabels = hidden;
    this.writeNotes();
  }

  private async photo(width: number): Promise<Blob> {
    const { canvases, showing } = this;
    const size = { width: canvases.width || 800, height: canvases.height || 500 };
    const still: Effort = { sharpness: 2, points: 5_000_000 };
    const blob = await photograph({
      ...size, theme: this.theme,
      draw: (wide, tall, target) => this.drawInto(wide, tall, still, target),
      paintOver: (paint) => paintOverlay(paint, { ...this.overlay(), ...size }, showing?.scene.title, showing ? keyOf(showing.layers) : undefined),
    }, width);
    this.ask(false);
    return blob;
  }

  private receive(content: unknown): void {
    const message = content as { type?: unknown; id?: unknown; width?: unknown } | null;
    if (message?.type !== "screenshot") return;
    const answer = { type: "screenshot", id: message.id };
    this.photo(Number(message.width) || this.canvases.width * 2)
      .then((blob) => blob.arrayBuffer())
      .then((bytes) => this.traits.send(answer, [bytes]))
      .catch((error: unknown) => {
        this.fail(error);
        this.traits.send({ ...answer, problem: problemOf(error).split("\n")[0] }, []);
      });
  }

  // --- what changes

  private showFrame(frame: number, tell: boolean): void {
    this.player.show(frame);
    this.showing?.setFrame(this.player.frame);
    if (tell) this.traits.set("frame", this.player.frame);
    this.layersChanged();
  }

  private applySlab(slab: ReturnType<typeof readSlab>): void {
    if (!this.showing) return;
    this.showing.slab = slab;
    this.showing.restate();
    this.refresh();
  }

  private setSlab(slab: ReturnType<typeof readSlab>): void {
    this.applySlab(slab);
    this.traits.set("slab", slab);
  }

  private setIsolation(radius: number): void {
    if (!this.showing?.isolation) return;
    this.showing.isolation = { ...this.showing.isolation, radius };
    this.showing.restate();
    this.refresh();
  }

  private readSelected(): void {
    const rows = this.traits.get("selected");
    const count = this.showing?.atoms?.style.length ?? 0;
    this.showing?.selection.restart(Array.isArray(rows) ? (rows as number[]) : [], count);
    this.showing?.restate();
    this.refresh();
  }

  private selected(): void {
    if (!this.showing) return;
    const { rows } = this.showing.selection;
    this.showing.restate();
    this.traits.set("selected", rows);
    this.live.textContent = rows.length === 1 ? `atom ${rows[0]} selected` : `${rows.length} atoms selected`;
    this.refresh();
  }

  private readHand(): void {
    this.hand = this.traits.get("hand") === true;
    this.toolbar.refresh();
  }

  // --- controls

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
    return this.help !== null;
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
    if (this.boxing) this.tell("Drag a box to select; B again to orbit");
    else this.toolbar.refresh();
  }

  toggleIsolate(): void {
    const { showing } = this;
    if (!showing) return;
    if (showing.isolation) {
      showing.isolation = null;
      this.looking.comeBack();
    } else if (showing.isolate(this.pointing.atom)) this.looking.approach(...showing.isolatedSphere());
    else return this.tell("Select an atom first, then isolate");
    showing.restate();
    this.refresh();
  }

  toggleSlab(): void {
    if (!this.showing) return;
    this.showing.toggleSlab();
    this.traits.set("slab", this.showing.slab);
    this.refresh();
  }

  toggleLabels(): void {
    this.labelled = !this.labelled;
    this.toolbar.refresh();
    this.paintOver();
    this.writeNotes();
  }

  toggleFullScreen(): void {
    const change = this.fullScreen ? document.exitFullscreen() : this.root.requestFullscreen();
    change.catch((error: unknown) => this.fail(error));
  }

  private fullScreenChanged(): void {
    this.toolbar.refresh();
    this.ask(true);
  }

  toggleHelp(): void {
    if (this.help) this.closeHelp();
    else {
      this.help = helpElement(() => this.guard(() => this.closeHelp()));
      this.canvases.stage.append(this.help);
      this.help.querySelector("button")?.focus({ preventScroll: true });
    }
    this.toolbar.refresh();
  }

  private closeHelp(): void {
    this.help?.remove();
    this.help = null;
    this.canvases.picture.focus({ preventScroll: true });
    this.toolbar.refresh();
  }

  download(): void {
    this.photo(Math.max(1200, 2 * this.canvases.width)).then((blob) => saveFile(blob, "equiviz.png")).catch((error: unknown) => this.fail(error));
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
    if (this.help) return this.closeHelp();
    if (this.boxing) return this.toggleBox();
    if (this.showing?.selection.set([])) this.selected();
  }

  undo(): void {
    if (this.showing?.selection.undo()) this.selected();
  }

  redo(): void {
    if (this.showing?.selection.redo()) this.selected();
  }

  // --- saying things

  private tell(words: string): void {
    this.hint.textContent = words;
    this.live.textContent = words;
    this.hint.classList.add("eqv-on");
    clearTimeout(this.hinting || undefined);
    this.hinting = setTimeout(() => this.hint.classList.remove("eqv-on"), 2200);
    this.toolbar.refresh();
  }

  private guard(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.fail(error);
    }
  }

  private fail(error: unknown): void {
    this.ownProblem = problemOf(error);
    console.error(error);
    this.say(this.ownProblem);
  }

  private say(problem: string): void {
    this.banner.show(problem);
    this.traits.set("problem", problem);
  }

  stop(): void {
    this.player.pause();
    for (const timer of [this.settling, this.hinting]) clearTimeout(timer || undefined);
    for (const stop of this.stops) stop();
    this.pointing.stop();
    this.looking.leave();
    this.traits.stop();
    this.renderer.leave(this);
    this.picture?.dispose();
    this.picture = null;
    this.showing = null;
    this.root.replaceChildren();
  }
}
