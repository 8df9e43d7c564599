// The shader of glyphs: f(n) = sum_lm c_lm Y_lm(n) is evaluated at each point of a sphere mesh, on the graphics processor.

import { harmonicsProgram } from "./harmonics";

export const ROWS_PER_LINE = 1024; // of the texture of origins
export const TEXELS_PER_LINE = 4096; // at most, of the texture of coefficients

/** Four coefficients stand in one texel. */
export function texelsPerRow(lmax: number): number {
  return Math.ceil((lmax + 1) ** 2 / 4);
}

export function rowsPerLine(lmax: number): number {
  return Math.floor(TEXELS_PER_LINE / texelsPerRow(lmax));
}

export function glyphVertex(lmax: number): string {
  const texels = texelsPerRow(lmax);
  const lines = rowsPerLine(lmax);
  const fetches = Array.from({ length: texels }, (_, k) => `vec4 k${k} = vec4(texelFetch(coefficients, first + ivec2(${k}, 0), 0));`);
  const coefficient = (index: number) => `k${index >> 2}.${"xyzw"[index & 3]}`;
  return `
precision highp isampler2D;
precision highp sampler2D;
uniform isampler2D coefficients;
uniform sampler2D places; // origin and amplitude
uniform float size;
uniform float grown;
in vec3 direction;
in float row;
out float value;
out vec3 normal;
out float eyeDistance;

void main() {
  int glyph = int(row + 0.5);
  vec4 place = texelFetch(places, ivec2(glyph % ${ROWS_PER_LINE}, glyph / ${ROWS_PER_LINE}), 0);
  ivec2 first = ivec2((glyph % ${lines}) * ${texels}, glyph / ${lines});
  ${fetches.join("\n  ")}
  float X = direction.z, Y = direction.x, Z = direction.y;
  ${harmonicsProgram(lmax, coefficient).split("\n").join("\n  ")}
  float unit = place.w / 32767.0;
  vec3 gradient = vec3(gY, gZ, gX);
  vec3 along = gradient - dot(gradient, direction) * direction;
  vec3 outward = sign(f) * (f * direction - along);
  float length2 = dot(outward, outward);
  normal = normalMatrix * (length2 > 0.0 ? outward * inversesqrt(length2) : direction);
  value = f * unit;
  vec4 point = modelViewMatrix * vec4(place.xyz + size * abs(value) * direction, 1.0);
  point.xyz += grown * outline * normalize(normal);
  point.z -= grown * 2.0 * outline;
  eyeDistance = -point.z;
  gl_Position = projectionMatrix * point;
}
`;
}

export const GLYPH_FRAGMENT = `
precision highp sampler2D;
uniform sampler2D table;
uniform vec2 range;
in float value;
in vec3 normal;
in float eyeDistance;
void main() {
  float place = clamp((value - range.x) / (range.y - range.x), 0.0, 1.0);
  vec3 base = texture(table, vec2((place * 255.0 + 0.5) / 256.0, 0.5)).rgb;
  pictureColour = vec4(lit(base, normalize(normal), eyeDistance), 1.0);
}
`;

export const GLYPH_OUTLINE_FRAGMENT = `
in float value;
in vec3 normal;
in float eyeDistance;
void main() { pictureColour = vec4(accent, 1.0); }
`;
