// Words of the contract, as people read them: of a kind that the page does not know yet, the word itself.

import { h } from "../views/elements.ts";
import { dateAndTime, has, listed, number, relative, say, text } from "../words/words.ts";

export type Group =
  | "kind"
  | "reason"
  | "state"
  | "decision"
  | "code"
  | "why"
  | "concern"
  | "voice"
  | "verdict"
  | "doubt"
  | "purpose"
  | "intent"
  | "assurance";

/** A word in the language of the page. */
export function worded(group: Group, word: string): string {
  const key = `${group}.${word}`;
  return has(key) ? text(key) : word;
}

export function wordOf(group: Group, word: string): HTMLElement {
  return said(() => worded(group, word));
}

export function wordsOf(group: Group, words: readonly string[]): HTMLElement {
  return said(() => listed(words.map((word) => worded(group, word))));
}

/** What a function makes of the language of the page. */
export function said(figure: () => string): HTMLElement {
  return h("span", { say: "figure", with: { figure } });
}

/** How far a time is, with the time itself for whoever points at it. */
export function timeOf(iso: string): HTMLElement {
  const element = h("time", { say: "figure", with: { figure: () => relative(iso) }, attributes: { datetime: iso } });
  say(element, "figure", { figure: () => dateAndTime(iso) }, "title");
  return element;
}

/** A rate as people read it: 1 in 10,000. */
export const oneIn = (rate: number): string => text("rate.one-in", { number: number(Math.round(1 / rate)) });
