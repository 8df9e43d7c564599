// How much drawing a moving picture may cost: more where pictures come quickly, less where they come slowly.

export interface Effort { sharpness: number; points: number } // pixels per screen pixel (one way), points of glyph meshes

const MOVING: Effort[] = [
  { sharpness: 0.5, points: 100_000 }, { sharpness: 0.75, points: 180_000 }, { sharpness: 1, points: 300_000 },
  { sharpness: 1, points: 600_000 }, { sharpness: 1.5, points: 1_500_000 }, { sharpness: 2, points: 3_000_000 },
];
const SLOW = 60; // milliseconds from picture to picture
const QUICK = 24;
const PATIENCE = 4; // pictures before a change

export class Pace {
  private level: number;
  private last = 0;
  private slow = 0;
  private quick = 0;

  constructor(private readonly software: boolean) {
    this.level = software ? 2 : 4;
  }

  get moving(): Effort {
    return MOVING[this.level];
  }

  /** For a picture that stands still: two by two pixels for each of the screen's, which smooths all edges. */
  still(devicePixels: number): Effort {
    return { sharpness: devicePixels > 1.5 ? 1.5 : 2, points: this.software ? 1_200_000 : 5_000_000 };
  }

  /** Notes that a moving picture was drawn at `now`. */
  tick(now: number): void {
    const interval = now - this.last;
    this.last = now;
    if (interval > 400) return; // not one motion
    this.slow = interval > SLOW ? this.slow + 1 : 0;
    this.quick = interval < QUICK ? this.quick + 1 : 0;
    if (this.slow >= PATIENCE) this.change(-1);
    if (this.quick >= 3 * PATIENCE) this.change(1);
  }

  private change(by: number): void {
    this.level = Math.min(MOVING.length - 1, Math.max(0, this.level + by));
    this.slow = 0;
    this.quick = 0;
  }
}
