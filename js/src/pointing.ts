// What the reader points at and selects: hover, click, box, and the keys for them.

import { frameOf, project } from "./camera";
import type { Canvases } from "./canvases";
import type { Triple } from "./header";
import { atomOf, hitLines, Tooltip } from "./hover";
import { type Sight, structureRay } from "./labels";
import type { Looking } from "./looking";
import { SHOWN } from "./painter";
import { type Hit, Picker } from "./pick";
import type { Spot } from "./pointer";
import type { Layer } from "./scene";
import type { Showing } from "./showing";
import { css, type Theme } from "./theme";
import type { Traits } from "./traits";
import { add, apply, minus, times } from "./vector";

const TOLERANCE = 4; // pixels beside an arrow that still count
const SPEAKING = 250; // milliseconds until what is pointed at is said aloud

export interface Around {
  traits: Traits; looking: Looking; live: HTMLElement; canvases: Canvases;
  showing(): Showing | null;
  selected(): void;
  repaint(): void;
}

export class Pointing {
  readonly picker = new Picker();
  readonly tooltip = new Tooltip();
  hit: Hit | null = null;
  private spot: Spot | null = null;
  private rectangle: [Spot, Spot] | null = null;
  private waiting = 0;
  private speaking: ReturnType<typeof setTimeout> | 0 = 0;

  constructor(private readonly around: Around) {}

  /** The atom that is pointed at. */
  get atom(): number | null {
    const { showing } = this;
    const atom = this.hit && showing ? atomOf(showing.layers, this.hit) : null;
    return atom && atom.layer === showing?.atomsLayer ? atom.row : null;
  }

  private get showing(): Showing | null {
    return this.around.showing();
  }

  sight(): Sight {
    const { looking, canvases } = this.around;
    const { camera, turn, pivot } = looking;
    const depth = 4 * (this.showing?.bounds.radius ?? 1) + Math.hypot(...minus(camera.centre, this.showing?.bounds.centre ?? camera.centre));
    return {
      camera, frame: frameOf(camera), aspect: canvases.width / canvases.height, turn, pivot, depth,
      place: (point) => add(pivot, apply(turn, minus(point, pivot))),
    };
  }

  /** Looks under the pointer before the next picture: once, however often it moves. */
  hover(spot: Spot | null): void {
    this.spot = spot;
    if (!spot) return this.point(null, null);
    this.waiting ||= requestAnimationFrame(() => {
      this.waiting = 0;
      if (this.spot) this.point(this.find(this.spot), this.spot);
    });
  }

  private find([x, y]: Spot): Hit | null {
    const { showing } = this;
    if (!showing) return null;
    const { camera } = this.around.looking;
    const tolerance = (TOLERANCE * camera.height) / (this.around.canvases.height || 1);
    return this.picker.pick(showing.layers, showing.states, structureRay(this.sight(), x, y), tolerance);
  }

  private point(hit: Hit | null, spot: Spot | null): void {
    const changed = hit?.layer !== this.hit?.layer || hit?.row !== this.hit?.row;
    this.hit = hit;
    if (!hit || !spot) this.tooltip.hide();
    else this.explain(hit, spot);
    if (!changed) return;
    this.around.traits.set("hovered", this.atom);
    this.around.repaint();
  }

  private explain(hit: Hit, spot: Spot): void {
    const { showing } = this;
    if (!showing) return;
    const { width, height } = this.around.canvases;
    const lines = hitLines(showing.scene, showing.layers, hit, this.towards(hit, spot));
    this.tooltip.show(lines, width / 2 + spot[0] * height, height / 2 - spot[1] * height, width, height);
    clearTimeout(this.speaking || undefined);
    this.speaking = setTimeout(() => (this.around.live.textContent = lines.join(", ")), SPEAKING);
  }

  // From the origin of a glyph to where its surface was hit.
  private towards(hit: Hit, [x, y]: Spot): Triple {
    const ray = structureRay(this.sight(), x, y);
    return minus(add(ray.origin, times(ray.direction, hit.distance)), centreOf(this.showing!.layers[hit.layer], hit.row));
  }

  click(spot: Spot, more: boolean): void {
    const hit = this.find(spot);
    this.point(hit, spot);
    this.select(this.atom, more);
  }

  private select(atom: number | null, more: boolean): void {
    const selection = this.showing?.selection;
    if (!selection) return;
    const changed = atom === null ? !more && selection.set([]) : more ? selection.toggle(atom) : selection.set([atom]);
    if (changed) this.around.selected();
  }

  selectHovered(more: boolean): void {
    if (!this.hit) this.point(this.find([0, 0]), [0, 0]);
    if (this.atom !== null) this.select(this.atom, more);
  }

  /** Puts what is there into the middle of the picture. */
  centre(spot: Spot): void {
    const { looking } = this.around;
    const hit = this.find(spot);
    if (hit) looking.set({ ...looking.camera, centre: this.sight().place(centreOf(this.showing!.layers[hit.layer], hit.row)) });
  }

  /** Points at the next atom that is shown: for readers without a mouse. */
  next(by: number): void {
    const { showing } = this;
    const row = showing?.nextAtom(this.atom, by) ?? null;
    if (!showing || row === null) return;
    const sight = this.sight();
    const [x, y] = project(sight.camera, sight.frame, sight.place(centreOf(showing.layers[showing.atomsLayer], row)));
    this.point({ layer: showing.atomsLayer, row, distance: 0 }, [x, y]);
  }

  box(from: Spot, to: Spot, done: boolean, more: boolean): void {
    this.rectangle = done ? null : [from, to];
    this.around.repaint();
    const { showing } = this;
    if (!done || !showing) return;
    const rows = this.rowsWithin(from, to);
    if (more ? showing.selection.add(rows) : showing.selection.set(rows)) this.around.selected();
  }

  private rowsWithin(from: Spot, to: Spot): number[] {
    const showing = this.showing!;
    const { atoms } = showing;
    if (!atoms) return [];
    const sight = this.sight();
    const rows: number[] = [];
    const states = showing.states[showing.atomsLayer];
    for (let row = 0; row < states.length; row++) {
      if (!(states[row] & SHOWN)) continue;
      const [x, y] = project(sight.camera, sight.frame, sight.place(centreOf(atoms, row)));
      if ((x - from[0]) * (x - to[0]) <= 0 && (y - from[1]) * (y - to[1]) <= 0) rows.push(row);
    }
    return rows;
  }

  /** Paints the ring about what is pointed at, and the box that is being drawn; in CSS pixels. */
  paint(paint: CanvasRenderingContext2D, theme: Theme): void {
    const { width, height } = this.around.canvases;
    const place = ([x, y]: Spot): Spot => [width / 2 + x * height, height / 2 - y * height];
    if (this.hit && this.showing) this.paintRing(paint, this.hit, place, height, theme);
    if (!this.rectangle) return;
    const [[x0, y0], [x1, y1]] = [place(this.rectangle[0]), place(this.rectangle[1])];
    paint.fillStyle = paint.strokeStyle = css(theme.accent);
    paint.lineWidth = 1.5;
    paint.strokeRect(x0, y0, x1 - x0, y1 - y0);
    paint.globalAlpha = 0.12;
    paint.fillRect(x0, y0, x1 - x0, y1 - y0);
    paint.globalAlpha = 1;
  }

  private paintRing(paint: CanvasRenderingContext2D, hit: Hit, place: (spot: Spot) => Spot, height: number, theme: Theme): void {
    const layer = this.showing!.layers[hit.layer];
    const sight = this.sight();
    const [x, y] = project(sight.camera, sight.frame, sight.place(centreOf(layer, hit.row)));
    const [left, top] = place([x, y]);
    const radius = ((this.picker.radiiOf(layer)[hit.row] ?? 0) * height) / sight.camera.height;
    for (const [wide, colour] of [[4, theme.background], [2, theme.ink]] as const) {
      paint.beginPath();
      paint.arc(left, top, Math.max(6, radius + 2), 0, 2 * Math.PI);
      paint.lineWidth = wide;
      paint.strokeStyle = css(colour);
      paint.stroke();
    }
  }

  /** What is pointed at has other values now. */
  refresh(): void {
    if (this.hit && this.spot) this.point(this.find(this.spot), this.spot);
  }

  forget(): void {
    this.hit = null;
    this.rectangle = null;
    this.tooltip.hide();
  }

  stop(): void {
    cancelAnimationFrame(this.waiting);
    clearTimeout(this.speaking || undefined);
  }
}

function centreOf(layer: Layer, row: number): Triple {
  const points = "origins" in layer ? layer.origins : "positions" in layer ? layer.positions : null;
  return points ? [points[3 * row], points[3 * row + 1], points[3 * row + 2]] : [0, 0, 0];
}
