// The steps of a try: each with words, a drawing and a bar of time; and the colours of a step of light.

import type { Advice } from "../guiding/guidance.ts";
import type { Standing, Step } from "../guiding/steps.ts";
import type { Attempt } from "../taking/attempt.ts";
import { has, type Key, say } from "../words/words.ts";
import { button, h, heading } from "./elements.ts";
import { icon, isIcon } from "./icons.ts";
import type { Page } from "./page.ts";
import type { Stage } from "./stage.ts";

const COLOURS: Readonly<Record<string, string>> = {
  red: "#ff0000",
  green: "#00ff00",
  blue: "#0000ff",
  black: "#000000",
  white: "#ffffff",
};
const HINTS: ReadonlySet<Advice> = new Set(["no-face", "one-face"]);

export class Steps {
  readonly content: Node[];
  readonly #page: Page;
  readonly #drawing = h("span", { class: "drawing" });
  readonly #words = h("p", { class: "words", say: "steps.next" });
  readonly #fill = h("span", { class: "fill" });
  readonly #done = h("span", { class: "fill" });
  readonly #hint = h("p", { class: "hint" });
  readonly #light = h("div", { class: "light" }, h("p", { say: "step.light" }));
  #attempt: Attempt | null = null;
  #standing: Standing = "begun";
  #running = true;

  constructor(page: Page, stage: Stage, stop: () => void) {
    this.#page = page;
    document.body.dataset.step = "";
    this.#light.hidden = true;
    const bars = h("div", { class: "bars", attributes: { "aria-hidden": "true" } });
    bars.append(h("span", { class: "bar time" }, this.#fill), h("span", { class: "bar done" }, this.#done));
    this.content = [
      heading("steps.title"),
      h("div", { class: "asked" }, this.#drawing, this.#words),
      h("div", { class: "stage" }, stage.canvas, this.#hint),
      bars,
      h("div", { class: "buttons" }, button("stop", stop)),
      this.#light,
    ];
  }

  /** Follows the time of a try until it is left. */
  follow(attempt: Attempt): void {
    this.#attempt = attempt;
    this.#tick();
  }

  leave(): void {
    this.#running = false;
  }

  asked(step: Step): void {
    this.#standing = "begun";
    this.#say(keyOf(step, "step"));
    this.#drawing.replaceChildren(...(isIcon(step.kind) ? [icon(step.kind)] : []));
    this.#light.hidden = step.kind !== "light";
    document.body.dataset.step = step.kind;
  }

  standing(step: Step, standing: Standing, done: number): void {
    this.#done.style.setProperty("--share", done.toFixed(3));
    if (standing === this.#standing) return;
    this.#standing = standing;
    if (standing === "back") this.#say(keyOf(step, "back"));
    else if (standing === "done") {
      this.#say("steps.seen");
      if (navigator.userActivation?.hasBeenActive) navigator.vibrate?.(40);
    }
  }

  advise(advice: Advice): void {
    const wanted = HINTS.has(advice);
    if (wanted) say(this.#hint, `advice.${advice}`);
    this.#hint.toggleAttribute("data-shown", wanted);
  }

  #say(key: Key): void {
    say(this.#words, key);
    this.#page.tell(key, {}, "once");
  }

  #tick(): void {
    const attempt = this.#attempt;
    if (!this.#running || attempt === null) return;
    const { step } = attempt;
    this.#fill.style.setProperty("--share", (attempt.left / step.seconds).toFixed(3));
    if (step.kind === "light") {
      const colour = COLOURS[step.colours[attempt.colour] ?? ""] ?? "#ffffff";
      this.#light.style.backgroundColor = colour;
    }
    requestAnimationFrame(() => this.#tick());
  }
}

function keyOf(step: Step, part: "step" | "back"): Key {
  const key = `${part}.${step.kind}`;
  return has(key) ? key : "steps.next";
}
