// The container of PACKET.md: a header in JSON and arrays behind it. Strict: what is not exactly right is refused.

export type Numbers = Float32Array | Int16Array | Uint16Array | Uint32Array | Uint8Array;
export type Kind = "<f4" | "<i2" | "<u2" | "<u4" | "|u1";

export class PacketError extends Error {
  override name = "PacketError";
}

const MAGIC = 0x5a565145; // "EQVZ", little-endian
const VERSION = 1;
const LARGEST_HEADER = 256 * 1024 * 1024;

const READERS: Record<Kind, { bytes: number; view: (buffer: ArrayBuffer, at: number, count: number) => Numbers }> = {
  "<f4": { bytes: 4, view: (buffer, at, count) => new Float32Array(buffer, at, count) },
  "<i2": { bytes: 2, view: (buffer, at, count) => new Int16Array(buffer, at, count) },
  "<u2": { bytes: 2, view: (buffer, at, count) => new Uint16Array(buffer, at, count) },
  "<u4": { bytes: 4, view: (buffer, at, count) => new Uint32Array(buffer, at, count) },
  "|u1": { bytes: 1, view: (buffer, at, count) => new Uint8Array(buffer, at, count) },
};

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type Bytes = ArrayBuffer | ArrayBufferView;

/** An opened container: its header, and its arrays by their descriptions. */
export class Packet {
  constructor(
    readonly header: { [key: string]: Json },
    private readonly buffer: ArrayBuffer,
    private readonly start: number,
  ) {}

  /** The array that `description` stands for. `columns` is the expected second dimension; 0 for a plain list. */
  array(description: Json | undefined, kinds: Kind[], columns: number, where: string): Numbers {
    const { dtype, shape, offset } = arrayDescription(description, where);
    if (!kinds.includes(dtype)) throw new PacketError(`${where}: expected ${kinds.join(" or ")}, got ${dtype}.`);
    const fits = columns === 0 ? shape.length === 1 : shape.length === 2 && shape[1] === columns;
    if (!fits) throw new PacketError(`${where}: expected the shape [rows${columns ? `, ${columns}` : ""}], got [${shape.join(", ")}].`);
    const count = shape.reduce((product, size) => product * size, 1);
    const reader = READERS[dtype];
    if (this.start + offset + count * reader.bytes > this.buffer.byteLength) {
      throw new PacketError(`${where}: the array reaches beyond the end of the packet; it was cut short or damaged.`);
    }
    return reader.view(this.buffer, this.start + offset, count);
  }
}

function arrayDescription(value: Json | undefined, where: string): { dtype: Kind; shape: number[]; offset: number } {
  if (!isObject(value)) throw new PacketError(`${where}: expected an array, got ${JSON.stringify(value) ?? "nothing"}.`);
  const { dtype, shape, offset } = value;
  if (typeof dtype !== "string" || !Object.prototype.hasOwnProperty.call(READERS, dtype)) {
    throw new PacketError(`${where}: the kind ${JSON.stringify(dtype)} is not one of ${Object.keys(READERS).join(" ")}.`);
  }
  const sizes = Array.isArray(shape) ? shape : [];
  if (!sizes.length || sizes.length > 2 || !sizes.every(isCount)) throw new PacketError(`${where}: bad shape ${JSON.stringify(shape)}.`);
  if (!isCount(offset) || offset % 8) throw new PacketError(`${where}: the offset ${JSON.stringify(offset)} is not a multiple of 8.`);
  return { dtype: dtype as Kind, shape: sizes as number[], offset };
}

/** Opens a container. Raises PacketError, which says what is wrong. */
export function openPacket(bytes: Bytes): Packet {
  const buffer = alignedBuffer(bytes);
  if (buffer.byteLength < 12) throw new PacketError(`A packet has at least 12 bytes; got ${buffer.byteLength}.`);
  const view = new DataView(buffer);
  if (view.getUint32(0, true) !== MAGIC) throw new PacketError("These bytes are no scene: they do not begin with EQVZ.");
  const version = view.getUint32(4, true);
  if (version !== VERSION) throw new PacketError(`The packet has version ${version}; this page reads version ${VERSION}. Restart the kernel and reload the page.`);
  const length = view.getUint32(8, true);
  if (length > LARGEST_HEADER || 12 + length > buffer.byteLength) throw new PacketError("The header reaches beyond the end of the packet.");
  if ((12 + length) % 8) throw new PacketError("The header does not end at a multiple of 8 bytes.");
  return new Packet(parseHeader(new Uint8Array(buffer, 12, length)), buffer, 12 + length);
}

function parseHeader(bytes: Uint8Array): { [key: string]: Json } {
  let header: Json;
  try {
    header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)) as Json;
  } catch (error) {
    throw new PacketError(`The header of the packet is not JSON: ${(error as Error).message}`);
  }
  if (!isObject(header)) throw new PacketError("The header of the packet is not a JSON object.");
  return header;
}

// Typed arrays must start at multiples of their size, and a DataView may lie anywhere in a larger message.
function alignedBuffer(bytes: Bytes): ArrayBuffer {
  if (new Uint8Array(new Uint16Array([1]).buffer)[0] !== 1) throw new PacketError("This machine is big-endian; the view reads little-endian numbers only.");
  if (bytes instanceof ArrayBuffer) return bytes;
  const { buffer, byteOffset, byteLength } = bytes;
  if (buffer instanceof ArrayBuffer && byteOffset === 0 && byteLength === buffer.byteLength) return buffer;
  const copy = new Uint8Array(byteLength);
  copy.set(new Uint8Array(buffer, byteOffset, byteLength));
  return copy.buffer;
}

export function isObject(value: unknown): value is { [key: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
