// Numbers per row in a texture, read by the row's number. Software renderers draw each instance as a call of its own
// (20 microseconds), so what is small and many is drawn as one plain list of triangles that look their row up.

import { ClampToEdgeWrapping, DataTexture, FloatType, NearestFilter, RGBAFormat, UnsignedByteType } from "three";

const WIDTH = 2048;

/** GLSL: where texel `i` lies. */
export const TEXEL = `ivec2 texel(int i) { return ivec2(i % ${WIDTH}, i / ${WIDTH}); }`;

export class RowTexture<A extends Float32Array | Uint8Array> {
  readonly texture: DataTexture;
  readonly data: A; // four numbers per texel

  constructor(texels: number, kind: "float" | "byte") {
    const height = Math.max(1, Math.ceil(texels / WIDTH));
    const size = 4 * WIDTH * height;
    this.data = (kind === "float" ? new Float32Array(size) : new Uint8Array(size)) as A;
    this.texture = exact(new DataTexture(this.data as Float32Array<ArrayBuffer>, WIDTH, height, RGBAFormat, kind === "float" ? FloatType : UnsignedByteType));
  }

  changed(): void {
    this.texture.needsUpdate = true;
  }
}

/** A texture that is read texel by texel. */
export function exact(texture: DataTexture): DataTexture {
  texture.magFilter = NearestFilter;
  texture.minFilter = NearestFilter;
  texture.wrapS = texture.wrapT = ClampToEdgeWrapping;
  texture.unpackAlignment = 1;
  return texture;
}
