// What all shaders share: the light, the fog towards the background, and the uniforms that a view sets once per picture.

import { Color, GLSL3, type IUniform, RawShaderMaterial, type Side, FrontSide, Vector2 } from "three";

/** Uniforms of one view, shared by all its materials. */
export interface Stage {
  fogColour: IUniform<Color>;
  fogRange: IUniform<Vector2>; // distance from the eye where the fog begins and where it is full
  pixel: IUniform<number>; // length units per pixel of the picture
  outline: IUniform<number>; // width of outlines in length units
  accent: IUniform<Color>; // outline of what is selected
  ink: IUniform<Color>; // outline of what the pointer is on, cell edges
  [name: string]: IUniform;
}

export function newStage(): Stage {
  return {
    fogColour: { value: new Color() },
    fogRange: { value: new Vector2(0, 1) },
    pixel: { value: 1 },
    outline: { value: 1 },
    accent: { value: new Color() },
    ink: { value: new Color() },
  };
}

export const VERTEX_HEAD = `
precision highp float;
precision highp int;
uniform mat4 modelViewMatrix;
uniform mat4 projectionMatrix;
uniform mat3 normalMatrix;
uniform float pixel;
uniform float outline;
const vec4 NOWHERE = vec4(2.0, 2.0, 2.0, 1.0);
`;

export const FRAGMENT_HEAD = `
precision highp float;
uniform vec3 fogColour;
uniform vec2 fogRange;
uniform vec3 accent;
uniform vec3 ink;
out vec4 pictureColour;

vec3 fogged(vec3 colour, float distanceFromEye) {
  float share = clamp((distanceFromEye - fogRange.x) / (fogRange.y - fogRange.x), 0.0, 1.0);
  return mix(colour, fogColour, 0.52 * share);
}

vec3 lit(vec3 colour, vec3 normal, float distanceFromEye) {
  const vec3 LIGHT = vec3(-0.4082, 0.5443, 0.7328);
  const vec3 HALFWAY = vec3(-0.2193, 0.2924, 0.9308);
  float wrapped = 0.5 + 0.5 * dot(normal, LIGHT);
  float brightness = 0.36 + 0.70 * wrapped * wrapped + 0.06 * normal.y;
  float rim = mix(0.66, 1.0, smoothstep(0.0, 0.55, normal.z));
  float mirrored = max(dot(normal, HALFWAY), 0.0);
  mirrored *= mirrored; mirrored *= mirrored; mirrored *= mirrored; mirrored *= mirrored; // to the 16th: pow is slow in software
  float gloss = 0.20 * mirrored * mirrored * mirrored;
  float sheen = 0.13 * wrapped * wrapped * (1.0 - dot(colour, vec3(0.3, 0.6, 0.1))); // dark colours keep their form
  return fogged((colour * brightness + sheen) * rim + gloss, distanceFromEye);
}
`;

/** A material of GLSL ES 3.0 whose uniforms are the stage's and `own`. */
export function material(stage: Stage, own: Record<string, IUniform>, vertexShader: string, fragmentShader: string, side: Side = FrontSide): RawShaderMaterial {
  return new RawShaderMaterial({
    uniforms: { ...stage, ...own },
    vertexShader: VERTEX_HEAD + vertexShader,
    fragmentShader: FRAGMENT_HEAD + fragmentShader,
    glslVersion: GLSL3,
    side,
    toneMapped: false,
  });
}
