// The forms by which a person speaks in a review, each once: to those who decide, and against what they decided.

import { complaint, type Doing } from "../views/doing.ts";
import { button, h } from "../views/elements.ts";
import { number, say } from "../words/words.ts";
import type { Saying } from "./server.ts";

/** Characters that the service takes, as domain/review.py has it. */
const LONGEST = 2000;

/**
 * @param name of the form, unlike any other on the page.
 * @param send sends what was written.
 */
export function speaking(saying: Saying, name: string, doing: Doing, send: (text: string) => Promise<void>): Node[] {
  const panel = h("div", { class: "panel" });
  const open = button(`reviews.${saying}.open`, () => {
    panel.replaceChildren(...form(saying, name, doing, send, close));
    open.hidden = true;
    panel.querySelector("textarea")?.focus();
  });
  const close = () => {
    panel.replaceChildren();
    open.hidden = false;
    open.focus();
  };
  return [h("p", { say: `reviews.${saying}.text` }), open, panel];
}

function form(
  saying: Saying,
  name: string,
  doing: Doing,
  send: (text: string) => Promise<void>,
  close: () => void,
): Node[] {
  const failed = complaint();
  const left = h("p", { class: "note", attributes: { id: `${name}-left` } });
  const words = h("textarea", {
    attributes: { rows: "5", maxlength: String(LONGEST), id: `${name}-words`, "aria-describedby": left.id },
  });
  words.required = true;
  const count = () => say(left, "reviews.left", { left: () => number(LONGEST - words.value.length) });
  words.addEventListener("input", count);
  count();
  const sent = async () => {
    if (words.value.trim() === "") {
      say(failed, "reviews.words-missing");
      words.focus();
      return;
    }
    await send(words.value);
  };
  return [
    h("label", { say: "appeals.words", attributes: { for: words.id } }),
    words,
    left,
    failed,
    h(
      "div",
      { class: "buttons" },
      button(`reviews.${saying}.send`, () => void doing.do(failed, sent), "main"),
      button("appeals.cancel", close),
    ),
  ];
}
