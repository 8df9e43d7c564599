// Colour scales: from a value to a colour, on a light or a dark page, and as a lookup texture.

import { DataTexture, LinearFilter, RGBAFormat, UnsignedByteType } from "three";
import { colour, fields, list, number, text } from "./header";
import { type Json, PacketError } from "./packet";

export type Stops = [place: number, colour: string][];
export interface Scale {
  heading: string; title: string; unit: string; low: number; high: number; kind: "sequential" | "diverging";
  colours: Stops; coloursOnDark: Stops;
}
export type Rgb = [number, number, number]; // 0..255

export const UNKNOWN: Rgb = [140, 140, 140];
const STEPS = 256;

export function readScale(value: Json, where: string): Scale {
  const scale = fields(value, where);
  const low = number(scale.low, `${where}.low`);
  const high = number(scale.high, `${where}.high`);
  const colours = readStops(scale.colours, `${where}.colours`);
  return {
    heading: text(scale.heading, `${where}.heading`), title: text(scale.title, `${where}.title`), unit: text(scale.unit, `${where}.unit`),
    low, high, kind: scale.kind === "diverging" ? "diverging" : "sequential",
    colours, coloursOnDark: scale.colours_on_dark ? readStops(scale.colours_on_dark, `${where}.colours_on_dark`) : colours,
  };
}

function readStops(value: Json | undefined, where: string): Stops {
  const stops = list(value, where).map((entry): [number, string] => {
    const [place, paint] = list(entry, where);
    return [number(place, where), colour(paint, where)];
  });
  if (!stops.length) throw new PacketError(`${where}: expected at least one colour.`);
  if (stops.some(([place], k) => k > 0 && place < stops[k - 1][0])) throw new PacketError(`${where}: the places must not fall.`);
  return stops;
}

export function rgb(hex: string): Rgb {
  return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16)) as Rgb;
}

/** The colour at `place` in 0..1, linear between stops. */
export function colourAt(stops: Stops, place: number): Rgb {
  let k = 1;
  while (k < stops.length - 1 && place > stops[k][0]) k++;
  const [p0, c0] = stops[Math.max(0, Math.min(k - 1, stops.length - 1))];
  const [p1, c1] = stops[Math.min(k, stops.length - 1)];
  const share = p1 > p0 ? Math.min(1, Math.max(0, (place - p0) / (p1 - p0))) : place >= p1 ? 1 : 0;
  const [a, b] = [rgb(c0), rgb(c1)];
  return [0, 1, 2].map((i) => a[i] + (b[i] - a[i]) * share) as Rgb;
}

/** 256 colours as RGBA bytes, from low to high. */
export function lookupTable(scale: Scale, dark: boolean): Uint8Array {
  const stops = dark ? scale.coloursOnDark : scale.colours;
  const table = new Uint8Array(4 * STEPS);
  for (let k = 0; k < STEPS; k++) table.set([...colourAt(stops, k / (STEPS - 1)).map(Math.round), 255], 4 * k);
  return table;
}

/** Where `value` lies on the scale, 0..1; NaN stays NaN. */
export function placeOf(scale: Scale, value: number): number {
  const place = scale.high > scale.low ? (value - scale.low) / (scale.high - scale.low) : 0.5;
  return place < 0 ? 0 : place > 1 ? 1 : place;
}

/** Writes the colours of `values` into `target` (4 bytes each; the fourth is left alone). */
export function paintValues(values: Float32Array, scale: Scale, dark: boolean, target: Uint8Array): void {
  const table = lookupTable(scale, dark);
  for (let k = 0; k < values.length; k++) {
    const place = placeOf(scale, values[k]);
    if (place === place) {
      const from = 4 * Math.round(place * (STEPS - 1));
      target[4 * k] = table[from];
      target[4 * k + 1] = table[from + 1];
      target[4 * k + 2] = table[from + 2];
    } else target.set(UNKNOWN, 4 * k);
  }
}

export function lookupTexture(): DataTexture {
  const texture = new DataTexture(new Uint8Array(4 * STEPS), STEPS, 1, RGBAFormat, UnsignedByteType);
  texture.magFilter = LinearFilter;
  texture.minFilter = LinearFilter;
  return texture;
}
