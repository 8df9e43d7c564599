// The traits of the widget as this page reads and writes them: values checked, writing not more often than the wire likes.

export interface Model {
  get(name: string): unknown;
  set(name: string, value: unknown): void;
  on(event: string, callback: (...values: never[]) => void): void;
  off(event: string, callback?: ((...values: never[]) => void) | null): void;
  save_changes(): void;
  send?(content: unknown, callbacks?: unknown, buffers?: ArrayBuffer[]): void;
}

const PAUSE = 50; // milliseconds between two messages to Python

export class Traits {
  private timer: ReturnType<typeof setTimeout> | 0 = 0;
  private last = 0;
  private writing = 0;
  private readonly listening: [string, (...values: never[]) => void][] = [];

  constructor(private readonly model: Model, private readonly failed: (error: unknown) => void) {}

  get(name: string): unknown {
    return this.model.get(name);
  }

  bytes(name: string): ArrayBuffer | ArrayBufferView | null {
    const value = this.model.get(name);
    const bytes = value instanceof ArrayBuffer || ArrayBuffer.isView(value) ? value : null;
    return bytes && bytes.byteLength ? bytes : null;
  }

  /** Sets a trait here at once, and tells Python soon. */
  set(name: string, value: unknown): void {
    if (JSON.stringify(this.model.get(name)) === JSON.stringify(value)) return;
    this.writing++;
    try {
      this.model.set(name, value);
    } finally {
      this.writing--;
    }
    this.save();
  }

  private save(): void {
    if (this.timer) return;
    const wait = Math.max(0, this.last + PAUSE - Date.now());
    this.timer = setTimeout(() => {
      this.timer = 0;
      this.last = Date.now();
      this.guarded(() => this.model.save_changes());
    }, wait);
  }

  /** Calls `changed` when someone else changes the trait. */
  watch(name: string, changed: () => void): void {
    this.listen(`change:${name}`, () => {
      if (!this.writing) this.guarded(changed);
    });
  }

  message(received: (content: unknown) => void): void {
    this.listen("msg:custom", (content: unknown) => this.guarded(() => received(content)));
  }

  send(content: unknown, buffers: ArrayBuffer[]): void {
    this.model.send?.(content, undefined, buffers);
  }

  private listen(event: string, callback: (...values: never[]) => void): void {
    this.model.on(event, callback);
    this.listening.push([event, callback]);
  }

  private guarded(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.failed(error);
    }
  }

  stop(): void {
    for (const [event, callback] of this.listening) this.model.off(event, callback);
    if (this.timer) {
      clearTimeout(this.timer);
      this.guarded(() => this.model.save_changes());
    }
  }
}
