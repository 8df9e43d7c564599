// Which atoms are selected, and the way back to what was selected before.

const LONGEST_HISTORY = 100;

export type Rows = readonly number[]; // sorted, each once

export function sortedRows(rows: Iterable<number>): Rows {
  return [...new Set(rows)].sort((a, b) => a - b);
}

export class Selection {
  rows: Rows = [];
  private past: Rows[] = [];
  private future: Rows[] = [];

  /** Selects these rows instead. True where that changed anything. */
  set(rows: Iterable<number>): boolean {
    const next = sortedRows(rows);
    if (same(next, this.rows)) return false;
    this.past.push(this.rows);
    if (this.past.length > LONGEST_HISTORY) this.past.shift();
    this.future = [];
    this.rows = next;
    return true;
  }

  add(rows: Iterable<number>): boolean {
    return this.set([...this.rows, ...rows]);
  }

  toggle(row: number): boolean {
    return this.set(this.rows.includes(row) ? this.rows.filter((other) => other !== row) : [...this.rows, row]);
  }

  undo(): boolean {
    return this.step(this.past, this.future);
  }

  redo(): boolean {
    return this.step(this.future, this.past);
  }

  private step(from: Rows[], to: Rows[]): boolean {
    const rows = from.pop();
    if (!rows) return false;
    to.push(this.rows);
    this.rows = rows;
    return true;
  }

  /** Leaves rows out that do not exist, and forgets the history: for another scene. */
  restart(rows: Iterable<number>, count: number): void {
    this.rows = sortedRows(rows).filter((row) => Number.isInteger(row) && row >= 0 && row < count);
    this.past = [];
    this.future = [];
  }
}

function same(a: Rows, b: Rows): boolean {
  return a.length === b.length && a.every((row, k) => row === b[k]);
}
