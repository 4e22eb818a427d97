// A switch: on or off, as it is with the server, and not before.

import { say } from "../words/words.ts";
import { h } from "./elements.ts";

export class Toggle {
  readonly content: HTMLButtonElement;
  readonly #state = h("span", { class: "state" });

  /** @param name the identifier of what says what it switches. */
  constructor(name: string, act: () => void) {
    const attributes = { type: "button", role: "switch", "aria-labelledby": name };
    const track = h("span", { class: "track", attributes: { "aria-hidden": "true" } });
    this.content = h("button", { class: "switch", attributes, click: act }, track, this.#state);
  }

  show(on: boolean): void {
    this.content.setAttribute("aria-checked", String(on));
    say(this.#state, on ? "switch.on" : "switch.off");
  }
}
