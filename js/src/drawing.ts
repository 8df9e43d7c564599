// When and how a view is drawn: on demand, coarse while it moves, fine when it stands still, not while nobody sees it.

import { problemOf } from "./banner";
import { frameOf } from "./camera";
import { Canvases } from "./canvases";
import { keyOf } from "./legend";
import type { Looking } from "./looking";
import { paintOverlay, type Overlay } from "./overlay";
import { type Effort, Pace } from "./pace";
import { Picture } from "./picture";
import type { Pointing } from "./pointing";
import { photograph } from "./screenshot";
import type { Drawable, SharedRenderer } from "./shared_renderer";
import type { Showing } from "./showing";
import type { Theme } from "./theme";
import type { Traits } from "./traits";

const SETTLING = 220; // milliseconds after the last motion until the fine picture is drawn
const PHOTO: Effort = { sharpness: 2, points: 5_000_000, atoms: Infinity };

/** What a drawing needs of its view. */
export interface Sitter {
  readonly root: HTMLElement;
  readonly looking: Looking;
  readonly pointing: Pointing;
  readonly showing: Showing | null;
  readonly theme: Theme;
  readonly labelled: boolean;
  dragging(): boolean;
  labelsHidden(count: number): void;
  guard(action: () => void): void;
}

export class Drawing implements Drawable {
  readonly canvases = new Canvases();
  picture: Picture | null = null;
  seen = true;
  private dirty = false;
  private moving = false;
  private rested = true; // since the last motion, a picture that stands still was drawn
  private drawn = 0;
  private hiddenLabels = 0;
  private pace: Pace | null = null;
  private settling: ReturnType<typeof setTimeout> | 0 = 0;

  constructor(private readonly sitter: Sitter, private readonly renderer: SharedRenderer) {}

  /** Raises NoWebGL where nothing can be drawn. */
  begin(): void {
    this.renderer.join(this);
    this.pace = new Pace(this.renderer.software);
  }

  /** Draws another scene from now on. */
  load(showing: Showing): void {
    this.picture?.dispose();
    this.picture = new Picture(showing.scene.layers, this.sitter.theme.dark);
  }

  /** Whether what was asked for has been drawn. */
  get done(): boolean {
    return !this.dirty || !this.seen;
  }

  look(seen: boolean): void {
    this.seen = seen;
    if (seen && this.dirty) this.renderer.ask(this);
  }

  ask(moving: boolean): void {
    if (moving) this.moving = true;
    this.dirty = true;
    this.sitter.root.dataset.still = "false";
    this.renderer.ask(this);
  }

  draw(): void {
    this.sitter.guard(() => {
      const { canvases, pace, moving } = this;
      const { showing, root } = this.sitter;
      if (!this.picture || !showing || !pace || !canvases.width || !canvases.height) return;
      const now = performance.now();
      canvases.fit();
      const effort = moving ? pace.moving(this.rested) : pace.still(canvases.devicePixels, showing.rows);
      if (!this.drawInto(canvases.picture.width, canvases.picture.height, effort, canvases.paint)) return;
      const cost = moving && this.renderer.software ? this.renderer.finish() - now : null;
      if (moving && !this.rested) pace.tick(now, cost); // the first one may have to compile shaders, too
      this.rested = !moving;
      this.dirty = false;
      this.paintOver();
      root.dataset.drawn = String(++this.drawn);
      root.dataset.ready = "true";
      root.dataset.still = String(!moving);
      clearTimeout(this.settling || undefined);
      if (moving) this.settle();
    });
  }

  private settle(): void {
    this.settling = setTimeout(() => {
      if (this.sitter.dragging()) return this.settle();
      this.moving = false;
      this.ask(false);
    }, SETTLING);
  }

  private drawInto(width: number, height: number, effort: Effort, target: CanvasRenderingContext2D): boolean {
    const { picture, canvases } = this;
    const { showing, looking } = this.sitter;
    if (!picture || !showing) return false;
    const most = this.renderer.largest;
    const sharpness = Math.min(effort.sharpness, most / width, most / height);
    const rows = Math.max(1, Math.round(height * sharpness));
    const tall = canvases.height || 500;
    looking.shape(canvases.width ? canvases.width / tall : width / height);
    picture.setTurn(looking.turn, looking.pivot);
    picture.prepare(looking.camera, width / height, tall, showing.bounds, looking.pivot, effort);
    return this.renderer.draw(picture, Math.max(1, Math.round(width * sharpness)), rows, target);
  }

  private overlay(): Overlay {
    const { looking, pointing, showing, theme, labelled } = this.sitter;
    return {
      width: this.canvases.width, height: this.canvases.height, theme, frame: frameOf(looking.camera), sight: pointing.sight(),
      layers: showing?.layers ?? [], states: showing?.states ?? [], labelled, picker: pointing.picker,
    };
  }

  /** Paints labels, axes and what is pointed at, over the picture as it is. */
  paintOver(): void {
    const { pointing, theme, root } = this.sitter;
    if (!this.sitter.showing || !this.canvases.width) return;
    const paint = this.canvases.clearedOverlay();
    const hidden = paintOverlay(paint, this.overlay());
    pointing.paint(paint, theme);
    root.classList.toggle("eqv-pointing", pointing.hit !== null);
    if (hidden !== this.hiddenLabels) this.sitter.labelsHidden(hidden);
    this.hiddenLabels = hidden;
  }

  /** A PNG of the view, `width` pixels wide; without a width, twice as wide as on the screen. */
  async photo(width: number): Promise<Blob> {
    const { canvases } = this;
    const { showing, theme } = this.sitter;
    if (!showing) throw new Error("There is no scene to take a picture of.");
    const size = { width: canvases.width || 800, height: canvases.height || 500 };
    const over = (paint: CanvasRenderingContext2D) => paintOverlay(paint, { ...this.overlay(), ...size }, showing.scene.title, keyOf(showing.layers));
    const draw = (wide: number, tall: number, target: CanvasRenderingContext2D) => this.drawInto(wide, tall, PHOTO, target);
    const blob = await photograph({ ...size, theme, draw, paintOver: (paint) => void over(paint) }, width || 2 * size.width);
    this.ask(false);
    return blob;
  }

  stop(): void {
    clearTimeout(this.settling || undefined);
    this.renderer.leave(this);
    this.picture?.dispose();
    this.picture = null;
  }
}

/** Answers Python's message {type: "screenshot", id, width} with a PNG, or with why there is none. */
export function answerScreenshot(content: unknown, drawing: Drawing, traits: Traits, fail: (error: unknown) => void): void {
  const message = content as { type?: unknown; id?: unknown; width?: unknown } | null;
  if (message?.type !== "screenshot") return;
  const answer = { type: "screenshot", id: message.id };
  drawing.photo(Number(message.width) || 0)
    .then((blob) => blob.arrayBuffer())
    .then((bytes) => traits.send(answer, [bytes]))
    .catch((error: unknown) => {
      fail(error);
      traits.send({ ...answer, problem: problemOf(error).split("\n")[0] }, []);
    });
}
