// Writes packets for the tests, from PACKET.md alone.

type Data = { dtype: string; values: number[]; shape: number[] };

export const array = (dtype: string, shape: number[], values: number[]): Data => ({ dtype, shape, values });

const WRITERS: Record<string, (values: number[]) => ArrayBufferView> = {
  "<f4": (values) => Float32Array.from(values),
  "<i2": (values) => Int16Array.from(values),
  "<u2": (values) => Uint16Array.from(values),
  "<u4": (values) => Uint32Array.from(values),
  "|u1": (values) => Uint8Array.from(values),
  "<f8": (values) => Float64Array.from(values),
};

/** The bytes of a packet whose header is `header`, with every `array(...)` in it packed. */
export function packet(header: unknown): ArrayBuffer {
  const chunks: Uint8Array[] = [];
  let length = 0;
  const text = JSON.stringify(header, (_key, value: unknown) => {
    const data = value as Data | null;
    if (!data || typeof data !== "object" || !("values" in data && "dtype" in data && "shape" in data)) return value;
    const raw = WRITERS[data.dtype](data.values);
    const padded = new Uint8Array(Math.ceil(raw.byteLength / 8) * 8);
    padded.set(new Uint8Array(raw.buffer, raw.byteOffset, raw.byteLength));
    chunks.push(padded);
    length += padded.length;
    return { dtype: data.dtype, shape: data.shape, offset: length - padded.length };
  });
  const bytes = new TextEncoder().encode(text);
  const size = Math.ceil((12 + bytes.length) / 8) * 8;
  const result = new Uint8Array(size + length).fill(32, 0, size);
  const view = new DataView(result.buffer);
  result.set([0x45, 0x51, 0x56, 0x5a]);
  view.setUint32(4, 1, true);
  view.setUint32(8, size - 12, true);
  result.set(bytes, 12);
  let at = size;
  for (const chunk of chunks) {
    result.set(chunk, at);
    at += chunk.length;
  }
  return result.buffer;
}

export const SCALE = {
  heading: "mobility (σ²)", title: "mobility", unit: "σ²", low: 0, high: 2, kind: "sequential",
  colours: [[0, "#000000"], [0.5, "#804020"], [1, "#FFFFFF"]], colours_on_dark: [[0, "#101010"], [1, "#FFFFFF"]],
};
export const STYLES = [{ label: "O", colour: "#D64541", radius: 0.6 }, { label: "H", colour: "#EEEEEE", radius: 0.3 }];

export function atoms(positions: number[][], extra: Record<string, unknown> = {}): Record<string, unknown> {
  const rows = positions.length;
  return {
    kind: "atoms", positions: array("<f4", [rows, 3], positions.flat()), style: array("|u1", [rows], positions.map((_, k) => k % 2)),
    styles: STYLES, values: null, scale: null, hover: [], ...extra,
  };
}

export function glyphs(origins: number[][], lmax: number, coefficients: number[][], extra: Record<string, unknown> = {}): Record<string, unknown> {
  const amplitudes = coefficients.map((row) => Math.max(...row.map(Math.abs)));
  const whole = coefficients.map((row, k) => row.map((value) => Math.round((32767 * value) / amplitudes[k])));
  return {
    kind: "glyphs", origins: array("<f4", [origins.length, 3], origins.flat()), coefficients: array("<i2", [origins.length, (lmax + 1) ** 2], whole.flat()),
    amplitudes: array("<f4", [origins.length], amplitudes), lmax, size: 1, scale: SCALE, of: null, name: "", ...extra,
  };
}

export function sceneOf(layers: unknown[], extra: Record<string, unknown> = {}): { scene: Record<string, unknown> } {
  return { scene: { title: "t", words: "w", length_unit: "Å", camera: null, slab: null, layers, frames: [], ...extra } };
}
