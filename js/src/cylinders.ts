// Bonds as impostors: a rectangle each, and the cylinder found in the fragment shader; half in the colour of each atom.
//
// In the picture's plane let a be the projected axis, s the place along it and u in -1..1 the place across, in radii. The
// axis rises towards the reader by cosine = axis.z and runs along a by sine. The point of the surface above (s, u) has
// height h = radius * sqrt(1 - u^2) over the axis in the direction (-cosine a, sine z), so it belongs to the place
// t = (s + h cosine) / sine of the axis, and stands at z = t cosine + h sine.

import { BufferGeometry, Mesh, type RawShaderMaterial } from "three";
import { RowTexture, TEXEL } from "./row_texture";
import { rgb } from "./scales";
import type { BondsLayer } from "./scene";
import { material, type Stage } from "./shading";

const VERTEX = `
precision highp sampler2D;
uniform sampler2D ends; // two texels per bond
uniform sampler2D looks; // two texels per bond: colours; the first one's alpha is the state
uniform float radius;
out vec2 place; // s and u
flat out vec3 firstColour;
flat out vec3 secondColour;
flat out vec4 axis; // and length
flat out vec3 start;
flat out vec2 depthOf; // of z: clip depth = x + y z
${TEXEL}

void main() {
  int row = gl_VertexID / 6;
  int vertex = gl_VertexID - 6 * row;
  vec4 look = texelFetch(looks, texel(2 * row), 0);
  vec4 first = modelViewMatrix * vec4(texelFetch(ends, texel(2 * row), 0).xyz, 1.0);
  vec4 second = modelViewMatrix * vec4(texelFetch(ends, texel(2 * row + 1), 0).xyz, 1.0);
  vec3 run = second.xyz - first.xyz;
  float size = length(run);
  vec3 along = run / size;
  float sine = length(along.xy);
  if (look.a < 0.5 / 255.0 || !(size > 0.0) || sine < 0.001) { gl_Position = NOWHERE; return; }
  vec2 a = along.xy / sine;
  float overhang = radius * abs(along.z);
  bool far = vertex == 1 || vertex == 2 || vertex == 4;
  bool left = vertex == 2 || vertex == 4 || vertex == 5;
  place = vec2(far ? size * sine + overhang : -overhang, left ? 1.0 : -1.0);
  firstColour = look.rgb;
  secondColour = texelFetch(looks, texel(2 * row + 1), 0).rgb;
  axis = vec4(along, size);
  start = first.xyz;
  depthOf = vec2(projectionMatrix[3][2], projectionMatrix[2][2]);
  vec4 point = first;
  point.xy += a * place.x + vec2(-a.y, a.x) * place.y * radius;
  gl_Position = projectionMatrix * point;
}
`;

const FRAGMENT = `
uniform float radius;
in vec2 place;
flat in vec3 firstColour;
flat in vec3 secondColour;
flat in vec4 axis;
flat in vec3 start;
flat in vec2 depthOf;

void main() {
  float sine = length(axis.xy);
  vec2 a = axis.xy / sine;
  float up = sqrt(max(0.0, 1.0 - place.y * place.y));
  float along = (place.x + radius * up * axis.z) / sine;
  if (along < 0.0 || along > axis.w) discard;
  vec3 normal = vec3(place.y * vec2(-a.y, a.x) - up * axis.z * a, up * sine);
  float z = start.z + along * axis.z + radius * up * sine;
  pictureColour = vec4(lit(2.0 * along < axis.w ? firstColour : secondColour, normal, -z), 1.0);
  gl_FragDepth = 0.5 + 0.5 * (depthOf.x + depthOf.y * z);
}
`;

/** What bonds need from the atoms they join: positions, and colours as RGBA bytes. */
export interface Joined { positions: Float32Array; colours: Uint8Array }

export class Cylinders {
  readonly object: Mesh<BufferGeometry, RawShaderMaterial>;
  private readonly ends: RowTexture<Float32Array>;
  private readonly looks: RowTexture<Uint8Array>;

  constructor(layer: BondsLayer, atoms: Joined, stage: Stage) {
    const rows = layer.pairs.length / 2;
    this.ends = new RowTexture(2 * rows, "float");
    this.looks = new RowTexture(2 * rows, "byte");
    const geometry = new BufferGeometry();
    geometry.setDrawRange(0, 6 * rows);
    const own = { ends: { value: this.ends.texture }, looks: { value: this.looks.texture }, radius: { value: layer.radius } };
    this.object = new Mesh(geometry, material(stage, own, VERTEX, FRAGMENT));
    this.object.frustumCulled = false;
    this.mark(new Uint8Array(rows).fill(1));
    this.join(layer, atoms);
  }

  join(layer: BondsLayer, atoms: Joined): void {
    const own = layer.colour ? rgb(layer.colour) : null;
    layer.pairs.forEach((atom, k) => {
      this.ends.data.set(atoms.positions.subarray(3 * atom, 3 * atom + 3), 4 * k);
      this.looks.data.set(own ?? atoms.colours.subarray(4 * atom, 4 * atom + 3), 4 * k);
    });
    this.ends.changed();
    this.looks.changed();
  }

  mark(states: Uint8Array): void {
    for (let k = 0; k < states.length; k++) this.looks.data[8 * k + 3] = states[k];
    this.looks.changed();
  }

  dispose(): void {
    this.object.geometry.dispose();
    this.object.material.dispose();
    for (const { texture } of [this.ends, this.looks]) texture.dispose();
  }
}
