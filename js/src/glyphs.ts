// Functions on the sphere as surfaces about points. Coefficients lie in a texture; turning the field changes one matrix.

import {
  BackSide, type BufferGeometry, DataTexture, FloatType, FrontSide, Group, InstancedBufferAttribute, InstancedBufferGeometry, Mesh,
  RGBAFormat, RGBAIntegerFormat, ShortType, Vector2,
} from "three";
import { GLYPH_FRAGMENT, GLYPH_OUTLINE_FRAGMENT, glyphVertex, ROWS_PER_LINE, rowsPerLine, texelsPerRow } from "./glyph_shader";
import { type Painter, SELECTED, SHOWN } from "./painter";
import { exact } from "./row_texture";
import { lookupTable, lookupTexture } from "./scales";
import type { GlyphsLayer } from "./scene";
import { material, type Stage } from "./shading";
import { sphereMesh } from "./sphere_mesh";

const FEWEST_CUTS = 2;
const MOST_CUTS = 40;
const PIXELS_PER_EDGE = 3.5;

export class Glyphs implements Painter<GlyphsLayer> {
  readonly object = new Group();
  private readonly surfaces: Mesh;
  private readonly outlines: Mesh;
  private readonly table = lookupTexture();
  private readonly range = { value: new Vector2() };
  private coefficients: DataTexture;
  private places: DataTexture;
  private readonly rows: number;
  private readonly lmax: number;
  private readonly shown: InstancedBufferAttribute;
  private readonly picked: InstancedBufferAttribute;
  private counts = { shown: 0, picked: 0 };
  private readonly geometries = new Map<string, InstancedBufferGeometry>();
  private radius = 0; // a typical one, in length units
  private last: GlyphsLayer | null = null;

  constructor(layer: GlyphsLayer, stage: Stage, dark: boolean) {
    this.rows = layer.amplitudes.length;
    this.lmax = layer.lmax;
    this.shown = new InstancedBufferAttribute(new Float32Array(this.rows), 1);
    this.picked = new InstancedBufferAttribute(new Float32Array(this.rows), 1);
    this.coefficients = coefficientTexture(this.rows, layer.lmax);
    this.places = placeTexture(this.rows);
    const own = {
      coefficients: { value: this.coefficients }, places: { value: this.places }, size: { value: layer.size },
      table: { value: this.table }, range: this.range,
    };
    const vertex = glyphVertex(layer.lmax);
    this.surfaces = new Mesh(undefined, material(stage, { ...own, grown: { value: 0 } }, vertex, GLYPH_FRAGMENT, FrontSide));
    this.outlines = new Mesh(undefined, material(stage, { ...own, grown: { value: 1 } }, vertex, GLYPH_OUTLINE_FRAGMENT, BackSide));
    for (const mesh of [this.surfaces, this.outlines]) mesh.frustumCulled = false;
    this.object.add(this.outlines, this.surfaces);
    this.mark(new Uint8Array(this.rows).fill(SHOWN));
    this.update(layer, dark);
    this.refine(20, 1e6);
  }

  update(layer: GlyphsLayer, dark: boolean): void {
    if (layer.coefficients !== this.last?.coefficients) packCoefficients(layer, this.coefficients);
    if (layer.origins !== this.last?.origins || layer.amplitudes !== this.last.amplitudes) packPlaces(layer, this.places);
    (this.table.image.data as Uint8Array).set(lookupTable(layer.scale, dark));
    this.table.needsUpdate = true;
    this.range.value.set(layer.scale.low, layer.scale.high > layer.scale.low ? layer.scale.high : layer.scale.low + 1);
    const bounds = glyphRadii(layer).filter((radius) => radius > 0).sort();
    this.radius = bounds.length ? bounds[bounds.length >> 1] : 0;
    this.last = layer;
  }

  mark(states: Uint8Array): void {
    this.counts = { shown: 0, picked: 0 };
    const [shown, picked] = [this.shown.array, this.picked.array];
    for (let k = 0; k < states.length; k++) {
      if (!(states[k] & SHOWN)) continue;
      shown[this.counts.shown++] = k;
      if (states[k] & SELECTED) picked[this.counts.picked++] = k;
    }
    this.shown.needsUpdate = true;
    this.picked.needsUpdate = true;
  }

  /** Chooses the mesh: fine enough for glyphs of this size on the screen, and at most `budget` points in all. */
  refine(pixelsPerUnit: number, budget: number): void {
    const cuts = meshCuts(this.radius * pixelsPerUnit, this.lmax, this.counts.shown, budget);
    this.surfaces.geometry = this.geometry("shown", cuts, this.shown, this.counts.shown);
    this.outlines.geometry = this.geometry("picked", cuts, this.picked, this.counts.picked);
    this.outlines.visible = this.counts.picked > 0;
  }

  private geometry(name: string, cuts: number, rows: InstancedBufferAttribute, count: number): BufferGeometry {
    const key = `${name} ${cuts}`;
    let geometry = this.geometries.get(key);
    if (!geometry) {
      const mesh = sphereMesh(cuts);
      geometry = new InstancedBufferGeometry();
      geometry.setAttribute("direction", mesh.directions).setAttribute("row", rows).setIndex(mesh.index);
      this.geometries.set(key, geometry);
    }
    geometry.instanceCount = count;
    return geometry;
  }

  dispose(): void {
    for (const geometry of this.geometries.values()) geometry.dispose();
    for (const mesh of [this.surfaces, this.outlines]) for (const one of [mesh.material].flat()) one.dispose();
    for (const texture of [this.coefficients, this.places, this.table]) texture.dispose();
  }
}

/** Into how many pieces the edges of the icosahedron are cut. */
export function meshCuts(pixels: number, lmax: number, glyphs: number, budget: number): number {
  const wanted = Math.max((1.1 * pixels) / PIXELS_PER_EDGE, Math.min(1.5 * lmax, 0.45 * pixels));
  const affordable = Math.sqrt(Math.max(0, budget / Math.max(1, glyphs) - 2) / 10);
  return Math.round(Math.min(MOST_CUTS, Math.max(FEWEST_CUTS, Math.min(wanted, affordable))));
}

/** No point of glyph k is further from its origin than this: |sum_m c_lm Y_lm| <= |c_l|. */
export function glyphRadii(layer: GlyphsLayer): Float32Array {
  const numbers = (layer.lmax + 1) ** 2;
  const result = new Float32Array(layer.amplitudes.length);
  for (let k = 0; k < result.length; k++) {
    let bound = 0;
    for (let l = 0; l <= layer.lmax; l++) {
      let square = 0;
      for (let i = l * l; i < (l + 1) ** 2; i++) square += layer.coefficients[k * numbers + i] ** 2;
      bound += Math.sqrt(square);
    }
    result[k] = Math.abs((layer.size * layer.amplitudes[k] * bound) / 32767) || 0;
  }
  return result;
}

function coefficientTexture(rows: number, lmax: number): DataTexture {
  const width = rowsPerLine(lmax) * texelsPerRow(lmax);
  const height = Math.max(1, Math.ceil(rows / rowsPerLine(lmax)));
  const texture = new DataTexture(new Int16Array(4 * width * height), width, height, RGBAIntegerFormat, ShortType);
  texture.internalFormat = "RGBA16I";
  return exact(texture);
}

function placeTexture(rows: number): DataTexture {
  const height = Math.max(1, Math.ceil(rows / ROWS_PER_LINE));
  return exact(new DataTexture(new Float32Array(4 * ROWS_PER_LINE * height), ROWS_PER_LINE, height, RGBAFormat, FloatType));
}

function packCoefficients(layer: GlyphsLayer, texture: DataTexture): void {
  const numbers = (layer.lmax + 1) ** 2;
  const texels = texelsPerRow(layer.lmax);
  const lines = rowsPerLine(layer.lmax);
  const target = texture.image.data as Int16Array;
  const width = texture.image.width;
  for (let k = 0; k < layer.amplitudes.length; k++) {
    const at = 4 * (Math.floor(k / lines) * width + (k % lines) * texels);
    target.set(layer.coefficients.subarray(k * numbers, (k + 1) * numbers), at);
  }
  texture.needsUpdate = true;
}

function packPlaces(layer: GlyphsLayer, texture: DataTexture): void {
  const target = texture.image.data as Float32Array;
  for (let k = 0; k < layer.amplitudes.length; k++) {
    target.set(layer.origins.subarray(3 * k, 3 * k + 3), 4 * k);
    target[4 * k + 3] = layer.amplitudes[k];
  }
  texture.needsUpdate = true;
}
