// Atoms as impostors: a triangle about each, and the sphere found in the fragment shader. Exact at every zoom.

import { BufferGeometry, Mesh, type RawShaderMaterial } from "three";
import type { Painter } from "./painter";
import { RowTexture, TEXEL } from "./row_texture";
import { paintValues, rgb } from "./scales";
import type { AtomsLayer } from "./scene";
import { material, type Stage } from "./shading";

const STRIDES = [1, 2, 3, 5, 7, 11, 13, 17, 23, 31, 47, 67, 97]; // primes fall in step with few lattices

const VERTEX = `
precision highp sampler2D;
uniform sampler2D centres; // and radius
uniform sampler2D looks; // colour, and state
uniform int stride; // every so many rows are drawn
out vec2 place;
flat out vec3 base;
flat out float around;
flat out float radius;
flat out vec2 depths;
flat out float eyeDistance;
${TEXEL}

void main() {
  int row = stride * (gl_VertexID / 3);
  vec4 look = texelFetch(looks, texel(row), 0);
  int state = int(look.a * 255.0 + 0.5);
  if ((state & 1) == 0) { gl_Position = NOWHERE; return; }
  vec4 centre = texelFetch(centres, texel(row), 0);
  vec2 corners[3] = vec2[3](vec2(0.0, 2.0), vec2(-1.7320508, -1.0), vec2(1.7320508, -1.0)); // about the unit circle
  vec2 corner = corners[gl_VertexID % 3];
  around = (state & 2) == 2 ? outline : 0.0;
  radius = centre.w;
  vec4 middle = modelViewMatrix * vec4(centre.xyz, 1.0);
  float reach = radius + around + pixel;
  place = corner * reach / radius;
  base = look.rgb;
  eyeDistance = -middle.z;
  vec4 clip = projectionMatrix * middle;
  depths = vec2(clip.z, projectionMatrix[2][2] * radius);
  middle.xy += corner * reach;
  gl_Position = projectionMatrix * middle;
}
`;

const FRAGMENT = `
in vec2 place;
flat in vec3 base;
flat in float around;
flat in float radius;
flat in vec2 depths;
flat in float eyeDistance;

void main() {
  float square = dot(place, place);
  if (square <= 1.0) {
    float up = sqrt(1.0 - square);
    pictureColour = vec4(lit(base, vec3(place, up), eyeDistance - up * radius), 1.0);
    gl_FragDepth = 0.5 + 0.5 * (depths.x + depths.y * up);
  } else {
    if ((sqrt(square) - 1.0) * radius > around) discard;
    pictureColour = vec4(accent, 1.0);
    gl_FragDepth = 0.5 + 0.5 * depths.x;
  }
}
`;

export class Spheres implements Painter<AtomsLayer> {
  readonly object: Mesh<BufferGeometry, RawShaderMaterial>;
  readonly looks: RowTexture<Uint8Array>; // colour and state per atom, as drawn
  private readonly centres: RowTexture<Float32Array>;
  private readonly stride = { value: 1 };
  private readonly rows: number;
  private last: AtomsLayer | null = null;

  constructor(layer: AtomsLayer, stage: Stage, dark: boolean) {
    const rows = (this.rows = layer.style.length);
    this.centres = new RowTexture(rows, "float");
    this.looks = new RowTexture(rows, "byte");
    const geometry = new BufferGeometry();
    geometry.setDrawRange(0, 3 * rows);
    const own = { centres: { value: this.centres.texture }, looks: { value: this.looks.texture }, stride: this.stride };
    this.object = new Mesh(geometry, material(stage, own, VERTEX, FRAGMENT));
    this.object.frustumCulled = false;
    this.mark(new Uint8Array(rows).fill(1));
    this.update(layer, dark);
  }

  update(layer: AtomsLayer, dark: boolean): void {
    if (layer.positions !== this.last?.positions) this.place(layer);
    if (layer.values && layer.scale) paintValues(layer.values, layer.scale, dark, this.looks.data);
    else paintStyles(layer, this.looks.data);
    this.looks.changed();
    this.last = layer;
  }

  /** Draws about `most` rows, spread over all of them: enough to see where one is going. */
  thin(most: number): void {
    this.stride.value = strideFor(this.rows, most);
    this.object.geometry.setDrawRange(0, 3 * Math.ceil(this.rows / this.stride.value));
  }

  private place(layer: AtomsLayer): void {
    const { data } = this.centres;
    for (let k = 0; k < layer.style.length; k++) {
      data[4 * k] = layer.positions[3 * k];
      data[4 * k + 1] = layer.positions[3 * k + 1];
      data[4 * k + 2] = layer.positions[3 * k + 2];
      data[4 * k + 3] = layer.styles[layer.style[k]].radius;
    }
    this.centres.changed();
  }

  mark(states: Uint8Array): void {
    for (let k = 0; k < states.length; k++) this.looks.data[4 * k + 3] = states[k];
    this.looks.changed();
  }

  dispose(): void {
    this.object.geometry.dispose();
    this.object.material.dispose();
    for (const { texture } of [this.centres, this.looks]) texture.dispose();
  }
}

/** Such that every so many of the rows are about `most`. */
export function strideFor(rows: number, most: number): number {
  return STRIDES.find((stride) => rows / stride <= most) ?? STRIDES[STRIDES.length - 1];
}

/** The radius of each atom. */
export function radii(layer: AtomsLayer): Float32Array {
  return Float32Array.from(layer.style, (style) => layer.styles[style].radius);
}

function paintStyles(layer: AtomsLayer, target: Uint8Array): void {
  const paints = layer.styles.map((style) => rgb(style.colour));
  layer.style.forEach((style, k) => target.set(paints[style], 4 * k));
}
