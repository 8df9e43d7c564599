// A scene as the page knows it: typed layers, read from the header of a packet and checked once, here.

import { colour, count, type Fields, fields, list, number, positive, text, texts, type Triple, triple } from "./header";
import { type Bytes, type Json, openPacket, type Packet, PacketError } from "./packet";
import { readScale, type Scale } from "./scales";

export const LARGEST_DEGREE = 12;

export interface Style { label: string; colour: string; radius: number }
export interface AtomsLayer {
  kind: "atoms"; positions: Float32Array; style: Uint8Array | Uint16Array; styles: Style[];
  values: Float32Array | null; scale: Scale | null; hover: string[];
}
export interface BondsLayer { kind: "bonds"; pairs: Uint32Array; of: number; radius: number; colour: string }
export interface CellLayer { kind: "cell"; origin: Triple; vectors: [Triple, Triple, Triple] }
export interface ArrowsLayer {
  kind: "arrows"; origins: Float32Array; vectors: Float32Array; magnify: number; values: Float32Array; scale: Scale;
  width: number; axial: boolean; of: number | null;
}
export interface GlyphsLayer {
  kind: "glyphs"; origins: Float32Array; coefficients: Int16Array; amplitudes: Float32Array; lmax: number; size: number;
  scale: Scale; of: number | null; name: string;
}
export interface LabelsLayer { kind: "labels"; positions: Float32Array; texts: string[]; of: number | null }
export type Layer = AtomsLayer | BondsLayer | CellLayer | ArrowsLayer | GlyphsLayer | LabelsLayer;

export interface CameraState { direction: Triple; up: Triple; centre: Triple; height: number }
export interface SlabState { axis: "x" | "y" | "z"; thickness: number; start: number | null }
export type Change = { layer: number; arrays: Partial<Record<ArrayName, Float32Array | Int16Array>>; scale: Scale | null };
export interface Frame { label: string; changes: Change[] }
export interface Scene {
  title: string; words: string; lengthUnit: string; camera: CameraState | null; slab: SlabState | null;
  layers: Layer[]; frames: Frame[];
}

const ARRAY_NAMES = ["positions", "values", "vectors", "origins", "coefficients", "amplitudes"] as const;
export type ArrayName = (typeof ARRAY_NAMES)[number];

/** The scene in a packet. Raises PacketError. */
export function readScene(bytes: Bytes): Scene {
  const packet = openPacket(bytes);
  const scene = fields(packet.header.scene, "scene");
  const layers: Layer[] = [];
  for (const [k, layer] of list(scene.layers, "layers").entries()) layers.push(readLayer(packet, fields(layer, `layer ${k}`), layers, `layer ${k}`));
  return {
    title: text(scene.title, "title"),
    words: text(scene.words, "words"),
    lengthUnit: text(scene.length_unit, "length_unit"),
    camera: readCamera(scene.camera),
    slab: readSlab(scene.slab),
    layers,
    frames: list(scene.frames, "frames").map((frame, k) => readFrame(packet, fields(frame, `frame ${k}`), layers, `frame ${k}`)),
  };
}

/** The changes in an update packet, for a scene with these layers. Raises PacketError. */
export function readUpdate(bytes: Bytes, layers: Layer[]): Change[] {
  const packet = openPacket(bytes);
  return readChanges(packet, packet.header.updates, layers, "update");
}

export function readCamera(value: Json | undefined): CameraState | null {
  if (value === null || value === undefined) return null;
  const camera = fields(value, "camera");
  return {
    direction: direction(camera.direction, "camera.direction"),
    up: direction(camera.up, "camera.up"),
    centre: triple(camera.centre, "camera.centre"),
    height: positive(camera.height, "camera.height"),
  };
}

export function readSlab(value: Json | undefined): SlabState | null {
  if (value === null || value === undefined) return null;
  const slab = fields(value, "slab");
  if (slab.axis !== "x" && slab.axis !== "y" && slab.axis !== "z") throw new PacketError(`slab.axis: expected x, y or z, got ${JSON.stringify(slab.axis)}.`);
  const start = slab.start === null || slab.start === undefined ? null : number(slab.start, "slab.start");
  return { axis: slab.axis, thickness: positive(slab.thickness, "slab.thickness"), start };
}

function direction(value: Json | undefined, where: string): Triple {
  const vector = triple(value, where);
  if (!(Math.hypot(...vector) > 0)) throw new PacketError(`${where}: expected a direction, got a vector of no length.`);
  return vector;
}

type Reader = (packet: Packet, layer: Fields, before: Layer[], where: string) => Layer;

const READERS: Record<Layer["kind"], Reader> = {
  atoms: readAtoms,
  bonds: readBonds,
  cell: (_packet, layer, _before, where) => {
    const vectors = list(layer.vectors, `${where}.vectors`).map((vector) => triple(vector, `${where}.vectors`));
    if (vectors.length !== 3) throw new PacketError(`${where}.vectors: expected three vectors, got ${vectors.length}.`);
    return { kind: "cell", origin: triple(layer.origin, `${where}.origin`), vectors: vectors as [Triple, Triple, Triple] };
  },
  arrows: readArrows,
  glyphs: readGlyphs,
  labels: (packet, layer, before, where) => {
    const positions = packet.array(layer.positions, ["<f4"], 3, `${where}.positions`) as Float32Array;
    const rows = positions.length / 3;
    return { kind: "labels", positions, texts: texts(layer.texts, rows, `${where}.texts`), of: owner(layer.of, rows, before, where) };
  },
};

function readLayer(packet: Packet, layer: Fields, before: Layer[], where: string): Layer {
  const kind = text(layer.kind, `${where}.kind`);
  if (!Object.prototype.hasOwnProperty.call(READERS, kind)) throw new PacketError(`${where}: unknown kind ${JSON.stringify(kind)}.`);
  return READERS[kind as Layer["kind"]](packet, layer, before, where);
}

function readAtoms(packet: Packet, layer: Fields, _before: Layer[], where: string): AtomsLayer {
  const positions = packet.array(layer.positions, ["<f4"], 3, `${where}.positions`) as Float32Array;
  const rows = positions.length / 3;
  const styles = list(layer.styles, `${where}.styles`).map((entry, k) => readStyle(fields(entry, `${where}.styles`), `${where}.styles[${k}]`));
  const style = packet.array(layer.style, ["|u1", "<u2"], 0, `${where}.style`) as Uint8Array | Uint16Array;
  sameRows(style.length, rows, `${where}.style`);
  if (style.some((entry) => entry >= styles.length)) throw new PacketError(`${where}.style: a row names a style beyond the ${styles.length} that there are.`);
  const values = optionalValues(packet, layer.values, rows, `${where}.values`);
  const scale = layer.scale === null || layer.scale === undefined ? null : readScale(layer.scale, `${where}.scale`);
  if (values && !scale) throw new PacketError(`${where}: there are values without a scale.`);
  const hover = list(layer.hover, `${where}.hover`).length ? texts(layer.hover, rows, `${where}.hover`) : [];
  return { kind: "atoms", positions, style, styles, values, scale, hover };
}

function readStyle(style: Fields, where: string): Style {
  return { label: text(style.label, `${where}.label`), colour: colour(style.colour, `${where}.colour`), radius: positive(style.radius, `${where}.radius`) };
}

function readBonds(packet: Packet, layer: Fields, before: Layer[], where: string): BondsLayer {
  const pairs = packet.array(layer.pairs, ["<u4"], 2, `${where}.pairs`) as Uint32Array;
  const of = count(layer.of, before.length - 1, `${where}.of`);
  const atoms = before[of];
  if (atoms.kind !== "atoms") throw new PacketError(`${where}.of: layer ${of} holds ${atoms.kind}, not atoms.`);
  if (pairs.some((atom) => atom >= atoms.positions.length / 3)) throw new PacketError(`${where}.pairs: a bond names an atom that layer ${of} does not have.`);
  const painted = text(layer.colour, `${where}.colour`);
  return { kind: "bonds", pairs, of, radius: positive(layer.radius, `${where}.radius`), colour: painted && colour(painted, `${where}.colour`) };
}

function readArrows(packet: Packet, layer: Fields, before: Layer[], where: string): ArrowsLayer {
  const origins = packet.array(layer.origins, ["<f4"], 3, `${where}.origins`) as Float32Array;
  const vectors = packet.array(layer.vectors, ["<f4"], 3, `${where}.vectors`) as Float32Array;
  const rows = origins.length / 3;
  sameRows(vectors.length / 3, rows, `${where}.vectors`);
  const values = packet.array(layer.values, ["<f4"], 0, `${where}.values`) as Float32Array;
  sameRows(values.length, rows, `${where}.values`);
  return {
    kind: "arrows", origins, vectors, values,
    magnify: number(layer.magnify, `${where}.magnify`),
    scale: readScale(layer.scale, `${where}.scale`),
    width: positive(layer.width, `${where}.width`),
    axial: layer.axial === true,
    of: owner(layer.of, rows, before, where),
  };
}

function readGlyphs(packet: Packet, layer: Fields, before: Layer[], where: string): GlyphsLayer {
  const lmax = count(layer.lmax, LARGEST_DEGREE, `${where}.lmax`);
  const origins = packet.array(layer.origins, ["<f4"], 3, `${where}.origins`) as Float32Array;
  const rows = origins.length / 3;
  const coefficients = packet.array(layer.coefficients, ["<i2"], (lmax + 1) ** 2, `${where}.coefficients`) as Int16Array;
  sameRows(coefficients.length / (lmax + 1) ** 2, rows, `${where}.coefficients`);
  const amplitudes = packet.array(layer.amplitudes, ["<f4"], 0, `${where}.amplitudes`) as Float32Array;
  sameRows(amplitudes.length, rows, `${where}.amplitudes`);
  return {
    kind: "glyphs", origins, coefficients, amplitudes, lmax,
    size: positive(layer.size, `${where}.size`),
    scale: readScale(layer.scale, `${where}.scale`),
    of: owner(layer.of, rows, before, where),
    name: text(layer.name ?? "", `${where}.name`),
  };
}

// Row k of a layer with an owner belongs to atom k: there must be as many.
function owner(value: Json | undefined, rows: number, before: Layer[], where: string): number | null {
  if (value === null || value === undefined) return null;
  const of = count(value, before.length - 1, `${where}.of`);
  const atoms = before[of];
  if (atoms.kind !== "atoms") throw new PacketError(`${where}.of: layer ${of} holds ${atoms.kind}, not atoms.`);
  sameRows(rows, atoms.positions.length / 3, `${where}.of`);
  return of;
}

function optionalValues(packet: Packet, value: Json | undefined, rows: number, where: string): Float32Array | null {
  if (value === null || value === undefined) return null;
  const values = packet.array(value, ["<f4"], 0, where) as Float32Array;
  sameRows(values.length, rows, where);
  return values;
}

function sameRows(got: number, expected: number, where: string): void {
  if (got !== expected) throw new PacketError(`${where}: expected ${expected} rows, got ${got}.`);
}

function readFrame(packet: Packet, frame: Fields, layers: Layer[], where: string): Frame {
  return { label: text(frame.label, `${where}.label`), changes: readChanges(packet, frame.updates, layers, where) };
}

function readChanges(packet: Packet, value: Json | undefined, layers: Layer[], where: string): Change[] {
  return list(value, `${where}.updates`).map((entry) => readChange(packet, fields(entry, where), layers, where));
}

function readChange(packet: Packet, entry: Fields, layers: Layer[], where: string): Change {
  const index = count(entry.layer, layers.length - 1, `${where}.layer`);
  const layer = layers[index] as unknown as Record<string, unknown>;
  const change: Change = { layer: index, arrays: {}, scale: null };
  for (const name of ARRAY_NAMES) {
    if (entry[name] === null || entry[name] === undefined) continue;
    if (!(name in layer)) throw new PacketError(`${where}: layer ${index} (${String(layer.kind)}) has no ${name}.`);
    change.arrays[name] = changedArray(packet, entry[name], name, layers[index], `${where}.${name}`);
  }
  if (entry.scale !== null && entry.scale !== undefined) change.scale = readScale(entry.scale, `${where}.scale`);
  return change;
}

function changedArray(packet: Packet, value: Json, name: ArrayName, layer: Layer, where: string): Float32Array | Int16Array {
  const rows = rowsOf(layer);
  const columns = name === "coefficients" && layer.kind === "glyphs" ? (layer.lmax + 1) ** 2 : name === "values" || name === "amplitudes" ? 0 : 3;
  const array = packet.array(value, [name === "coefficients" ? "<i2" : "<f4"], columns, where) as Float32Array | Int16Array;
  sameRows(array.length / (columns || 1), rows, where);
  return array;
}

/** How many things a layer draws: atoms, bonds, arrows ... */
export function rowsOf(layer: Layer): number {
  if (layer.kind === "cell") return 1;
  if (layer.kind === "bonds") return layer.pairs.length / 2;
  return ("origins" in layer ? layer.origins : layer.positions).length / 3;
}

/** The layers with `changes` made; layers that stay the same stay the same object. */
export function changedLayers(layers: Layer[], changes: Change[]): Layer[] {
  const result = [...layers];
  for (const { layer, arrays, scale } of changes) {
    result[layer] = { ...result[layer], ...arrays, ...(scale ? { scale } : {}) } as Layer;
  }
  return result;
}
