// The frame of all views: one at a time, its heading focused; language and time left above.

import {
  currentLanguage,
  type Key,
  LANGUAGES,
  type Language,
  say,
  speak,
  text,
  unsay,
  type Values,
} from "../words/words.ts";
import { h } from "./elements.ts";

const SOON = [60, 20]; // seconds left at which it is said aloud

export class Page {
  readonly #main = h("main", { attributes: { id: "view" } });
  readonly #polite = h("p", { class: "aloud", attributes: { role: "status" } });
  readonly #assertive = h("p", { class: "aloud", attributes: { role: "alert" } });
  readonly #left = h("p", { class: "left" });
  #closes: number | null = null;
  #told = new Set<number>();
  #over: (() => void) | null = null;
  #leave: (() => void) | null = null;

  constructor() {
    const select = h("select", { attributes: { id: "language" } });
    for (const [tag, name] of Object.entries(LANGUAGES)) {
      select.append(h("option", { text: name, attributes: { value: tag, lang: tag } }));
    }
    select.value = currentLanguage();
    select.addEventListener("change", () => {
      speak(select.value as Language);
      this.#title();
    });
    const label = h("label", { say: "page.language", attributes: { for: "language" } });
    const head = h(
      "header",
      {},
      h("p", { class: "name", say: "page.title" }),
      this.#left,
      h("div", { class: "choose" }, label, select),
    );
    document.body.append(head, this.#main, this.#polite, this.#assertive);
    speak(currentLanguage());
    setInterval(() => this.#tick(), 1000);
  }

  /** Shows a view in place of the one before. */
  show(name: string, content: readonly (Node | null)[], leave: (() => void) | null = null): void {
    this.#leave?.();
    this.#leave = leave;
    document.body.dataset.view = name;
    this.hush();
    this.#main.replaceChildren(...content.filter((node) => node !== null));
    this.#title();
    const heading = this.#main.querySelector("h1");
    heading?.focus({ preventScroll: true });
    scrollTo(0, 0);
  }

  /** Says a text to whoever does not see: politely, or at once. */
  tell(key: Key, values: Values = {}, at: "polite" | "once" = "polite"): void {
    say(at === "once" ? this.#assertive : this.#polite, key, values);
  }

  hush(): void {
    unsay(this.#polite);
    unsay(this.#assertive);
  }

  /** When the session ends; then `over` is called, once. */
  closes(at: Date, over: () => void): void {
    if (at.getTime() > (this.#closes ?? 0)) this.#told.clear(); // it was used, and lasts longer
    this.#closes = at.getTime();
    this.#over = over;
    this.#tick();
  }

  /** The session has ended: no time is counted any more. */
  settled(): void {
    this.#closes = null;
    this.#over = null;
    unsay(this.#left);
  }

  #tick(): void {
    if (this.#closes === null) return;
    const seconds = Math.max(0, Math.round((this.#closes - Date.now()) / 1000));
    const time = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
    say(this.#left, "page.left", { time });
    for (const soon of SOON) {
      if (seconds > soon || this.#told.has(soon) || seconds === 0) continue;
      this.#told.add(soon);
      this.tell("page.left-soon", { seconds: String(soon) });
    }
    if (seconds === 0) {
      const over = this.#over;
      this.settled();
      over?.();
    }
  }

  #title(): void {
    const heading = this.#main.querySelector("h1")?.textContent ?? "";
    document.title = heading === "" ? text("page.title") : `${heading} · ${text("page.title")}`;
  }
}
