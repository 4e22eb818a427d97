// How it ended, or what can help to try again; and the way back.

import type { Capture, Outcome } from "../server/capture.ts";
import { has, number, say } from "../words/words.ts";
import { button, h, heading } from "./elements.ts";
import { type Icon, icon } from "./icons.ts";
import type { Page } from "./page.ts";

const LEAVES_AFTER = 15; // seconds
const DRAWINGS: Readonly<Record<Outcome, Icon>> = {
  passed: "done",
  refused: "open",
  inconclusive: "open",
  declined: "done",
  off: "open",
  expired: "kept",
};

/** Reasons as advice, the urgent first as the server gives them. */
export function advice(reasons: readonly string[]): HTMLElement | null {
  if (reasons.length === 0) return null;
  const items = reasons.map((name) => {
    const key = `reason.${name}`;
    return has(key) ? h("li", { say: key }) : h("li", { say: "reason.other", with: { name } });
  });
  return h("section", { class: "reasons" }, h("h2", { say: "reasons.title" }), h("ul", {}, ...items));
}

export function againView(capture: Capture, acts: { again(): void; without: Node }): Node[] {
  const helps = advice(capture.reasons);
  return [
    heading("again.title"),
    h("p", { class: "lead", say: "again.text", with: { tries: () => number(capture.tries_left) } }),
    ...(helps === null ? [] : [helps]),
    h("div", { class: "choices" }, button("again.button", acts.again, "main"), acts.without),
  ];
}

export class Result {
  readonly content: Node[];
  #seconds = LEAVES_AFTER;
  #timer = 0;

  constructor(page: Page, capture: Capture) {
    const outcome = capture.outcome ?? "expired";
    const helps = outcome === "passed" || outcome === "declined" || outcome === "off" ? null : advice(capture.reasons);
    this.content = [
      h("div", { class: `outcome ${outcome}` }, icon(DRAWINGS[outcome]), heading(`result.${outcome}.title`)),
      h("p", { class: "lead", say: `result.${outcome}.text` }),
      ...(helps === null ? [] : [helps]),
      ...this.#way(page, capture),
    ];
  }

  leave(): void {
    clearInterval(this.#timer);
  }

  /** The way back: by a link, and after a while by itself, which the person can stop. */
  #way(page: Page, capture: Capture): Node[] {
    const link = wayBack(capture);
    if (link === null) return [h("p", { say: "result.close" })];
    const left = h("p", { class: "leaving" });
    const tick = () => say(left, "result.leaving", { seconds: () => number(this.#seconds) });
    const stay = button("result.stay", () => {
      this.leave();
      say(left, "result.staying");
      page.tell("result.staying");
      link.focus();
      stay.remove();
    });
    tick();
    page.tell("result.leaving", { seconds: String(this.#seconds) });
    this.#timer = window.setInterval(() => {
      this.#seconds -= 1;
      tick();
      if (this.#seconds > 0) return;
      this.leave();
      location.assign(link.href);
    }, 1000);
    return [h("div", { class: "buttons" }, link, stay), left];
  }
}

/** The link back to who asks, or null where there is none. */
export function wayBack(capture: Capture): HTMLAnchorElement | null {
  const address = safe(capture.return_url);
  if (address === null) return null;
  return h("a", {
    class: "main",
    say: "result.return",
    with: { who: capture.asked_by },
    attributes: { href: address },
  });
}

/** An address that a browser may be sent to: no script, no file. */
function safe(address: string | null): string | null {
  if (address === null) return null;
  try {
    const { protocol, href } = new URL(address, location.origin);
    return protocol === "https:" || protocol === "http:" ? href : null;
  } catch {
    return null;
  }
}
