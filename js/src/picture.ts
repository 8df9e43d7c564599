// A scene in three.js: one painter per layer, all under one group that `turn` moves.

import { Group, OrthographicCamera, Scene as ThreeScene } from "three";
import { Arrows } from "./arrows";
import type { Bounds } from "./bounds";
import { frameOf } from "./camera";
import { Cylinders } from "./cylinders";
import { Glyphs } from "./glyphs";
import type { Effort } from "./pace";
import type { Triple } from "./header";
import type { ArrowsLayer, AtomsLayer, BondsLayer, CameraState, GlyphsLayer, Layer } from "./scene";
import { Segments } from "./segments";
import { newStage, type Stage } from "./shading";
import { Spheres } from "./spheres";
import type { Theme } from "./theme";
import { add, apply, dot, IDENTITY, type Matrix, minus, times } from "./vector";

export const MOST_BONDS = 50_000;
export const MOST_GLYPHS = 30_000;
const OUTLINE_PIXELS = 2.6;

type Part =
  | { kind: "atoms"; painter: Spheres } | { kind: "bonds"; painter: Cylinders } | { kind: "arrows"; painter: Arrows }
  | { kind: "glyphs"; painter: Glyphs } | { kind: "cell"; painter: Segments } | { kind: "nothing" };

export class Picture {
  readonly scene = new ThreeScene();
  readonly camera = new OrthographicCamera();
  private readonly stage: Stage = newStage();
  private readonly group = new Group();
  private readonly parts: Part[];
  private turn: Matrix = IDENTITY;

  constructor(private layers: Layer[], private dark: boolean) {
    this.group.matrixAutoUpdate = false;
    this.scene.add(this.group);
    this.parts = [];
    for (const layer of layers) this.parts.push(this.part(layer));
    this.parts.forEach((part, order) => {
      if (part.kind === "nothing") return;
      part.painter.object.renderOrder = order;
      this.group.add(part.painter.object);
    });
  }

  private part(layer: Layer): Part {
    const { stage, dark } = this;
    if (layer.kind === "atoms") return { kind: "atoms", painter: new Spheres(layer, stage, dark) };
    if (layer.kind === "arrows") return { kind: "arrows", painter: new Arrows(layer, stage, dark) };
    if (layer.kind === "cell") return { kind: "cell", painter: new Segments(layer, stage) };
    if (layer.kind === "glyphs" && layer.amplitudes.length <= MOST_GLYPHS) return { kind: "glyphs", painter: new Glyphs(layer, stage, dark) };
    if (layer.kind === "bonds" && layer.pairs.length <= 2 * MOST_BONDS) return { kind: "bonds", painter: new Cylinders(layer, this.joined(layer), stage) };
    return { kind: "nothing" };
  }

  private joined(layer: BondsLayer): { positions: Float32Array; colours: Uint8Array } {
    const atoms = this.parts[layer.of] as Extract<Part, { kind: "atoms" }>;
    return { positions: (this.layers[layer.of] as AtomsLayer).positions, colours: atoms.painter.looks.data };
  }

  /** Draws these layers from now on; only what changed is uploaded. */
  update(layers: Layer[], dark = this.dark): void {
    const before = this.layers;
    const repaint = dark !== this.dark;
    [this.layers, this.dark] = [layers, dark];
    this.parts.forEach((part, k) => {
      const changed = repaint || layers[k] !== before[k];
      if (part.kind === "atoms" && changed) part.painter.update(layers[k] as AtomsLayer, dark);
      if (part.kind === "arrows" && changed) part.painter.update(layers[k] as ArrowsLayer, dark);
      if (part.kind === "glyphs" && changed) part.painter.update(layers[k] as GlyphsLayer, dark);
      if (part.kind !== "bonds") return;
      const bonds = layers[k] as BondsLayer;
      if (repaint || layers[bonds.of] !== before[bonds.of]) part.painter.join(bonds, this.joined(bonds));
    });
  }

  mark(layer: number, states: Uint8Array): void {
    const part = this.parts[layer];
    if (part.kind !== "nothing" && part.kind !== "cell") part.painter.mark(states);
  }

  /** Colours of the page. */
  dress(theme: Theme): void {
    this.stage.fogColour.value.setRGB(...share(theme.background));
    this.stage.ink.value.setRGB(...share(theme.ink));
    this.stage.accent.value.setRGB(...share(theme.accent));
  }

  /** Turns everything about `pivot`. */
  setTurn(turn: Matrix, pivot: Triple): void {
    const shift = minus(pivot, apply(turn, pivot));
    this.turn = turn;
    this.group.matrix.set(turn[0], turn[1], turn[2], shift[0], turn[3], turn[4], turn[5], shift[1], turn[6], turn[7], turn[8], shift[2], 0, 0, 0, 1);
    this.group.matrixWorldNeedsUpdate = true;
  }

  /** Places the three.js camera, and chooses how much is drawn, for a view that is `cssPixels` high. */
  prepare(state: CameraState, aspect: number, cssPixels: number, bounds: Bounds, pivot: Triple, effort: Pick<Effort, "points" | "atoms">): void {
    const { up, direction } = frameOf(state);
    const middle = add(pivot, apply(this.turn, minus(bounds.centre, pivot)));
    const forward = dot(minus(middle, state.centre), direction);
    const reach = 1.05 * bounds.radius + Math.max(0, 0.02 * state.height);
    const eye = add(state.centre, times(direction, forward + reach));
    this.camera.position.set(...eye);
    this.camera.up.set(...up);
    this.camera.lookAt(...minus(eye, direction));
    this.camera.top = state.height / 2;
    this.camera.bottom = -this.camera.top;
    this.camera.right = this.camera.top * aspect;
    this.camera.left = -this.camera.right;
    this.camera.near = 0;
    this.camera.far = 2 * reach;
    this.camera.updateProjectionMatrix();
    this.stage.pixel.value = state.height / cssPixels;
    this.stage.outline.value = (OUTLINE_PIXELS * state.height) / cssPixels;
    this.stage.fogRange.value.set(0.55 * reach, 2.05 * reach);
    const share = effort.points / Math.max(1, this.parts.filter((part) => part.kind === "glyphs").length);
    for (const part of this.parts) {
      if (part.kind === "glyphs") part.painter.refine(cssPixels / state.height, share);
      if (part.kind === "atoms") part.painter.thin(effort.atoms);
    }
  }

  dispose(): void {
    for (const part of this.parts) if (part.kind !== "nothing") part.painter.dispose();
  }
}

function share(colour: Triple): Triple {
  return times(colour, 1 / 255);
}
