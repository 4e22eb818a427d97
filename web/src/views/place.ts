// Before the steps: the camera runs, and one thing at a time is said until the face is well placed.

import type { Advice } from "../guiding/guidance.ts";
import { type Key, say } from "../words/words.ts";
import { button, h, heading } from "./elements.ts";
import type { Page } from "./page.ts";
import type { Stage } from "./stage.ts";

export class Place {
  readonly content: Node[];
  readonly #page: Page;
  readonly #advice = h("p", { class: "advice", say: "place.starting" });
  readonly #begin: HTMLButtonElement;
  #said: Advice | null = null;

  constructor(page: Page, stage: Stage, acts: { begin(): void; stop(): void }) {
    this.#page = page;
    // Never disabled, so that the keyboard finds it; pressed too early, it says what is missing.
    this.#begin = button("place.begin", () => (this.#said === "good" ? acts.begin() : this.#notYet()), "main");
    this.#begin.setAttribute("aria-disabled", "true");
    this.content = [
      heading("place.title"),
      h("p", { class: "lead", say: "place.text" }),
      h("div", { class: "stage" }, stage.canvas, this.#advice),
      h("div", { class: "buttons" }, this.#begin, button("stop", acts.stop)),
      h("ul", { class: "hints" }, h("li", { say: "place.hints" }), h("li", { say: "place.flashing" })),
    ];
  }

  loading(): void {
    if (this.#said === null) say(this.#advice, "place.loading");
  }

  advise(advice: Advice): void {
    if (advice === this.#said) return;
    this.#said = advice;
    const key: Key = `advice.${advice}`;
    say(this.#advice, key);
    this.#advice.dataset.good = String(advice === "good");
    this.#begin.setAttribute("aria-disabled", String(advice !== "good"));
    this.#page.tell(key);
  }

  #notYet(): void {
    const key: Key = this.#said === null ? "place.loading" : `advice.${this.#said}`;
    this.#page.tell(key, {}, "once");
  }
}
