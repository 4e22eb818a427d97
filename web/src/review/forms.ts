// What is done to a review, each confirmed in a form beneath the buttons: a vote, stepping aside, a report.

import { RequestError } from "../server/exchange.ts";
import { complaint, type Doing } from "../views/doing.ts";
import { button, h } from "../views/elements.ts";
import { type Choice, choiceOf } from "../views/picking.ts";
import { type Key, say } from "../words/words.ts";
import { codesOf, needsALook } from "./deciding.ts";
import { type Concern, type Decision, type Review, recuse, report, vote } from "./server.ts";

/** Characters of what somebody writes. */
export const WORDS_MAX = 2000;
const CONCERNS: readonly Concern[] = ["harm", "minor", "death"];

/** A place for one form at a time. */
export class Forms {
  readonly content = h("div", { class: "panel", attributes: { id: "form" } });
  readonly #doing: Doing;
  readonly #review: Review;
  readonly #done: (said: Key) => void;
  #from: HTMLElement | null = null;

  /** @param done is called when something was done, with what to say of it. */
  constructor(doing: Doing, review: Review, done: (said: Key) => void) {
    this.#doing = doing;
    this.#review = review;
    this.#done = done;
  }

  get isOpen(): boolean {
    return this.content.childElementCount > 0;
  }

  close(): void {
    this.content.replaceChildren();
    this.#from?.focus();
  }

  /** @param from has the focus when the form is left. */
  decide(decision: Decision, from: HTMLElement): void {
    const codes = codesOf(decision).map((code) => [code, `code.${code}` as Key] as const);
    const code = choiceOf("code", "vote.why", codes);
    const act = async (failed: HTMLElement) => {
      const chosen = code.chosen();
      if (chosen === null) {
        say(failed, "vote.why-missing");
        return;
      }
      try {
        await vote(this.#review.id, decision, chosen);
      } catch (error) {
        if (!(error instanceof RequestError && error.status === 422)) throw error;
        say(failed, "vote.unfit");
        return;
      }
      this.#done("vote.done");
    };
    const title = h("h3", { say: `decision.${decision}` });
    const look = needsALook(decision) ? h("p", { class: "note", say: "vote.needs-look" }) : null;
    this.#show(from, code, [title, code.content, look, h("p", { say: "vote.final" })], "vote.give", act);
  }

  recuse(from: HTMLElement): void {
    const act = async () => {
      await recuse(this.#review.id);
      this.#done("recuse.done");
    };
    const text = h("p", { say: "recuse.text", attributes: { tabindex: "-1" } });
    this.#show(from, text, [h("h3", { say: "act.recuse" }), text], "recuse.do", act);
  }

  report(from: HTMLElement): void {
    const what = choiceOf(
      "concern",
      "report.what",
      CONCERNS.map((concern) => [concern, `concern.${concern}`] as const),
    );
    const words = h("textarea", { attributes: { id: "concern-words", rows: "4", maxlength: String(WORDS_MAX) } });
    const act = async (failed: HTMLElement) => {
      const chosen = what.chosen();
      if (chosen === null) {
        say(failed, "report.missing");
        return;
      }
      await report(this.#review.id, chosen, words.value.trim());
      this.#done("report.done");
    };
    const label = h("label", { say: "report.words", attributes: { for: words.id } });
    const title = h("h3", { say: "act.report" });
    this.#show(from, what, [title, h("p", { say: "report.text" }), what.content, label, words], "report.send", act);
  }

  #show(
    from: HTMLElement,
    first: Pick<Choice<string>, "focus">,
    content: readonly (Node | null)[],
    key: Key,
    act: (failed: HTMLElement) => Promise<void>,
  ): void {
    const failed = complaint();
    this.#from = from;
    const buttons = h(
      "div",
      { class: "buttons" },
      button(key, () => void this.#doing.do(failed, () => act(failed)), "main"),
      button("act.leave", () => this.close()),
    );
    this.content.replaceChildren(...content.filter((node) => node !== null), failed, buttons);
    first.focus();
  }
}
