// How much drawing a moving picture may cost: more where pictures come quickly, less where they come slowly.

/** Pixels per screen pixel (one way), points of glyph meshes, and the most atoms that are drawn. */
export interface Effort { sharpness: number; points: number; atoms: number }

const ALL = Infinity;
const MOVING: Effort[] = [
  { sharpness: 0.5, points: 60_000, atoms: 15_000 }, { sharpness: 0.75, points: 120_000, atoms: 25_000 },
  { sharpness: 1, points: 250_000, atoms: 50_000 }, { sharpness: 1, points: 600_000, atoms: 120_000 },
  { sharpness: 1.5, points: 1_500_000, atoms: ALL }, { sharpness: 2, points: 3_000_000, atoms: ALL },
];
const SLOW = 60; // milliseconds per picture
const QUICK = 22;
const MANY = 40_000; // things whose fine picture takes a software renderer seconds

export class Pace {
  private level: number;
  private last = 0;
  private slow = 0;
  private quick = 0;

  constructor(private readonly software: boolean) {
    this.level = software ? 2 : 4;
  }

  /** For a picture that moves; the first one after a rest, perhaps the only one, is whole, and as sharp as the screen. */
  moving(rested: boolean): Effort {
    const effort = MOVING[this.level];
    return rested ? { ...effort, sharpness: Math.max(1, effort.sharpness), atoms: ALL } : effort;
  }

  /** For a picture that stands still: two by two pixels for each of the screen's, which smooths all edges. */
  still(devicePixels: number, rows: number): Effort {
    const most = this.software && rows > MANY ? 1 : 2;
    return { sharpness: Math.min(most, devicePixels > 1.5 ? 1.5 : 2), points: this.software ? 450_000 : 5_000_000, atoms: ALL };
  }

  /** Notes that a moving picture was drawn at `now`; `cost` is what it took, where that can be measured. */
  tick(now: number, cost: number | null): void {
    const spent = cost ?? now - this.last;
    this.last = now;
    if (cost === null && spent > 400) return; // not one motion
    this.slow = spent > 3 * SLOW ? 2 : spent > SLOW ? this.slow + 1 : 0;
    this.quick = spent < QUICK ? this.quick + 1 : 0;
    if (this.slow >= 2) this.change(-1);
    if (this.quick >= 10) this.change(1);
  }

  private change(by: number): void {
    this.level = Math.min(MOVING.length - 1, Math.max(0, this.level + by));
    this.slow = 0;
    this.quick = 0;
  }
}
