// Problems, in one line that cannot be missed; the traceback is behind "details".

import { element } from "./elements";

export class Banner {
  readonly box = element("div", "eqv-banner", "", { role: "alert", hidden: true });

  constructor(private readonly dismissed: () => void) {}

  show(problem: string): void {
    this.box.hidden = !problem;
    this.box.replaceChildren();
    if (!problem) return;
    const end = problem.indexOf("\n");
    const close = element("button", "eqv-close", "×", { type: "button", "aria-label": "Dismiss this message", title: "Dismiss" });
    close.addEventListener("click", () => this.dismissed());
    this.box.append(element("span", "eqv-problem", end < 0 ? problem : problem.slice(0, end)), close);
    if (end < 0) return;
    const details = element("details");
    details.append(element("summary", "", "details"), element("pre", "", problem.slice(end + 1)));
    this.box.append(details);
  }
}

/** An error as the banner shows it: what happened, then where. */
export function problemOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const first = error.message.split("\n")[0] || error.name;
  return error.stack ? `${first}\n${error.stack}` : first;
}
