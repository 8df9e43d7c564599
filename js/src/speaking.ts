// What a view says: problems in the banner, hints over the picture, words for screen readers.

import { Banner, problemOf } from "./banner";
import { element } from "./elements";
import type { Traits } from "./traits";

const HINT_STAYS = 2200; // milliseconds

export class Speaking {
  readonly hint = element("div", "eqv-hint");
  readonly live = element("div", "eqv-live", "", { "aria-live": "polite", role: "status" });
  readonly banner = new Banner(() => this.say(""));
  private timer: ReturnType<typeof setTimeout> | 0 = 0;
  private own = ""; // the last problem of this page

  constructor(private readonly traits: () => Traits) {}

  /** A line over the picture, for a moment. */
  tell(words: string): void {
    this.hint.textContent = words;
    this.live.textContent = words;
    this.hint.classList.add("eqv-on");
    clearTimeout(this.timer || undefined);
    this.timer = setTimeout(() => this.hint.classList.remove("eqv-on"), HINT_STAYS);
  }

  /** Runs `action`; what it throws is shown, never swallowed. */
  readonly guard = (action: () => void): void => {
    try {
      action();
    } catch (error) {
      this.fail(error);
    }
  };

  readonly fail = (error: unknown): void => {
    this.own = problemOf(error);
    console.error(error);
    this.say(this.own);
  };

  /** The problem that Python or another view has set. */
  show(): void {
    this.banner.show(String(this.traits().get("problem") ?? ""));
  }

  /** Takes back a problem that this page had with an older scene. */
  forgive(): void {
    if (this.own && this.traits().get("problem") === this.own) this.say("");
  }

  private say(problem: string): void {
    this.banner.show(problem);
    this.traits().set("problem", problem);
  }

  stop(): void {
    clearTimeout(this.timer || undefined);
  }
}
