// Every action by one key. Letters do nothing while somebody types, nor with Ctrl, Alt or Meta, and can be switched off.

import { h } from "../views/elements.ts";
import type { Key } from "../words/words.ts";

export interface Action {
  /** As KeyboardEvent.key has it. */
  readonly key: string;
  readonly says: Key;
  act(): void;
}

const HELP: Action["key"] = "?";
const LEAVE: Action["key"] = "Escape";
/** What the browser does by itself. */
const OPENS = ["Enter", "keys.enter"] as const;
/** Where it is kept that the letters are off: on this device, since that is whose keyboard it is. */
const OFF = "facekeep-review-keys-off";

export class Keyboard {
  /** The list of keys, which is shown and hidden by one. */
  readonly help = h("section", { class: "keys", attributes: { id: "keys" } });
  readonly #list = h("dl", { class: "held" });
  #actions: readonly Action[] = [];
  #back: (() => void) | null = null;
  #from: Element | null = null;

  constructor() {
    const off = h("input", { attributes: { type: "checkbox", id: "keys-off" } });
    off.checked = localStorage.getItem(OFF) !== null;
    off.addEventListener("change", () => {
      if (off.checked) localStorage.setItem(OFF, "");
      else localStorage.removeItem(OFF);
    });
    this.help.append(
      h("h2", { say: "keys.title", attributes: { tabindex: "-1" } }),
      this.#list,
      h("div", { class: "pick" }, off, h("label", { say: "keys.off", attributes: { for: off.id } })),
    );
    this.help.hidden = true;
    document.addEventListener("keydown", (event) => this.#pressed(event));
  }

  /**
   * What the keys do from now on.
   *
   * @param back leaves what is open; null where there is nothing to leave.
   */
  set(actions: readonly Action[], back: (() => void) | null = null): void {
    this.#actions = actions;
    this.#back = back;
    this.#list.replaceChildren(
      ...[
        ...actions.map(({ key, says }) => [key, says] as const),
        OPENS,
        ["Esc", "keys.back"],
        [HELP, "keys.help"],
      ].flatMap(([key, says]) => [h("dt", {}, h("kbd", { text: key })), h("dd", { say: says as Key })]),
    );
  }

  toggle(): void {
    if (this.help.hidden) {
      this.#from = document.activeElement;
      this.help.hidden = false;
      this.help.querySelector("h2")?.focus();
    } else {
      this.help.hidden = true;
      if (this.#from instanceof HTMLElement) this.#from.focus();
    }
  }

  #pressed(event: KeyboardEvent): void {
    const { key } = event;
    if (event.defaultPrevented || event.isComposing || event.ctrlKey || event.altKey || event.metaKey) return;
    if (isTyping(event.target)) return;
    if (key === LEAVE) {
      if (!this.help.hidden) this.toggle();
      else this.#back?.();
      return;
    }
    if (localStorage.getItem(OFF) !== null) return;
    const action = key === HELP ? () => this.toggle() : this.#actions.find((one) => one.key === key)?.act;
    if (action === undefined) return;
    event.preventDefault();
    action();
  }
}

/** Whether a key writes something there, or chooses. */
function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target instanceof HTMLInputElement) return target.type !== "radio" && target.type !== "checkbox";
  return target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement || target.isContentEditable;
}
