// Reading single fields of a header: each returns what it promises, or says where and what is wrong.

import { isObject, type Json, PacketError } from "./packet";

export type Fields = { [key: string]: Json };
export type Triple = [number, number, number];

export function fields(value: Json | undefined, where: string): Fields {
  if (!isObject(value)) throw new PacketError(`${where}: expected an object, got ${shown(value)}.`);
  return value;
}

export function list(value: Json | undefined, where: string): Json[] {
  if (!Array.isArray(value)) throw new PacketError(`${where}: expected a list, got ${shown(value)}.`);
  return value;
}

export function text(value: Json | undefined, where: string): string {
  if (typeof value !== "string") throw new PacketError(`${where}: expected a string, got ${shown(value)}.`);
  return value;
}

export function texts(value: Json | undefined, rows: number, where: string): string[] {
  const strings = list(value, where);
  if (strings.length !== rows) throw new PacketError(`${where}: expected ${rows} texts, got ${strings.length}.`);
  return strings.map((string) => text(string, where));
}

export function number(value: Json | undefined, where: string): number {
  if (typeof value !== "number" || !Number.isFinite(value)) throw new PacketError(`${where}: expected a number, got ${shown(value)}.`);
  return value;
}

export function positive(value: Json | undefined, where: string): number {
  const size = number(value, where);
  if (size <= 0) throw new PacketError(`${where}: expected a positive number, got ${size}.`);
  return size;
}

export function count(value: Json | undefined, most: number, where: string): number {
  const whole = number(value, where);
  if (!Number.isInteger(whole) || whole < 0 || whole > most) throw new PacketError(`${where}: expected a whole number from 0 to ${most}, got ${whole}.`);
  return whole;
}

export function triple(value: Json | undefined, where: string): Triple {
  const numbers = list(value, where).map((entry) => number(entry, where));
  if (numbers.length !== 3) throw new PacketError(`${where}: expected three numbers, got ${numbers.length}.`);
  return numbers as Triple;
}

export function colour(value: Json | undefined, where: string): string {
  if (typeof value !== "string" || !/^#[0-9a-fA-F]{6}$/.test(value)) throw new PacketError(`${where}: expected a colour as #RRGGBB, got ${shown(value)}.`);
  return value;
}

function shown(value: Json | undefined): string {
  return (JSON.stringify(value) ?? "nothing").slice(0, 80);
}
