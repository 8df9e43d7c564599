// Atoms as impostors: a quad each, and the sphere found in the fragment shader. Exact at every zoom, 4 vertices per atom.

import { BufferAttribute, InstancedBufferGeometry, Mesh, type RawShaderMaterial } from "three";
import { fill, type Painter } from "./painter";
import { paintValues, rgb } from "./scales";
import type { AtomsLayer } from "./scene";
import { material, type Stage } from "./shading";

const VERTEX = `
in vec2 corner;
in vec3 centre;
in float radius;
in vec4 colour;
in float state;
out vec2 place;
out vec3 base;
out float around;
flat out float radiusHere;
flat out vec2 depths;
flat out float eyeDistance;

void main() {
  if (mod(state, 2.0) < 0.5) { gl_Position = NOWHERE; return; }
  around = state > 1.5 ? outline : 0.0;
  vec4 middle = modelViewMatrix * vec4(centre, 1.0);
  float reach = radius + around + pixel;
  place = corner * reach / radius;
  base = colour.rgb;
  radiusHere = radius;
  eyeDistance = -middle.z;
  vec4 clip = projectionMatrix * middle;
  depths = vec2(clip.z, projectionMatrix[2][2] * radius);
  middle.xy += corner * reach;
  gl_Position = projectionMatrix * middle;
}
`;

const FRAGMENT = `
in vec2 place;
in vec3 base;
in float around;
flat in float radiusHere;
flat in vec2 depths;
flat in float eyeDistance;

void main() {
  float square = dot(place, place);
  if (square <= 1.0) {
    float up = sqrt(1.0 - square);
    pictureColour = vec4(lit(base, vec3(place, up), eyeDistance - up * radiusHere), 1.0);
    gl_FragDepth = 0.5 + 0.5 * (depths.x + depths.y * up);
  } else {
    if ((sqrt(square) - 1.0) * radiusHere > around) discard;
    pictureColour = vec4(accent, 1.0);
    gl_FragDepth = 0.5 + 0.5 * depths.x;
  }
}
`;

export class Spheres implements Painter<AtomsLayer> {
  readonly object: Mesh<InstancedBufferGeometry, RawShaderMaterial>;
  readonly colours: Uint8Array; // RGBA per atom, as drawn
  private readonly geometry = new InstancedBufferGeometry();

  constructor(layer: AtomsLayer, stage: Stage, dark: boolean) {
    const rows = layer.style.length;
    this.colours = new Uint8Array(4 * rows).fill(255);
    this.geometry.setAttribute("corner", new BufferAttribute(new Float32Array([-1, -1, 1, -1, 1, 1, -1, 1]), 2));
    this.geometry.setIndex([0, 1, 2, 0, 2, 3]);
    this.geometry.instanceCount = rows;
    fill(this.geometry, "radius", radii(layer), 1);
    this.mark(new Uint8Array(rows).fill(1));
    this.object = new Mesh(this.geometry, material(stage, {}, VERTEX, FRAGMENT));
    this.object.frustumCulled = false;
    this.update(layer, dark);
  }

  update(layer: AtomsLayer, dark: boolean): void {
    fill(this.geometry, "centre", layer.positions, 3);
    if (layer.values && layer.scale) paintValues(layer.values, layer.scale, dark, this.colours);
    else paintStyles(layer, this.colours);
    fill(this.geometry, "colour", this.colours, 4, true);
  }

  mark(states: Uint8Array): void {
    fill(this.geometry, "state", states, 1);
  }

  dispose(): void {
    this.geometry.dispose();
    this.object.material.dispose();
  }
}

/** The radius of each atom. */
export function radii(layer: AtomsLayer): Float32Array {
  return Float32Array.from(layer.style, (style) => layer.styles[style].radius);
}

function paintStyles(layer: AtomsLayer, target: Uint8Array): void {
  const paints = layer.styles.map((style) => rgb(style.colour));
  layer.style.forEach((style, k) => target.set(paints[style], 4 * k));
}
