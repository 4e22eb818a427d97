// The texts of the page, by language; what is shown changes with the language at once.

import type captureTexts from "../languages/capture/en.json";
import type myTexts from "../languages/me/en.json";
import type reviewTexts from "../languages/review/en.json";
import en from "../languages/shared/en.json";
import zhHans from "../languages/shared/zh-Hans.json";
import { chosen } from "./choosing.ts";

export type Key = keyof typeof en | keyof typeof captureTexts | keyof typeof myTexts | keyof typeof reviewTexts;
export type Language = "en" | "zh-Hans";
export type Value = string | (() => string);
export type Values = Readonly<Record<string, Value>>;

const TABLES: Readonly<Record<Language, Record<string, string>>> = { en: { ...en }, "zh-Hans": { ...zhHans } };

/** Languages in their own words. */
export const LANGUAGES: Readonly<Record<Language, string>> = { en: "English", "zh-Hans": "简体中文" };

let language: Language = chosen(navigator.languages, Object.keys(TABLES) as Language[]);
const said = new WeakMap<Node, Map<string, { key: Key; values: Values }>>();

/** Learns the texts of a page, which has its own and those that all pages share. First of all. */
export function learn(texts: Readonly<Record<Language, Readonly<Record<string, string>>>>): void {
  for (const [tag, own] of Object.entries(texts)) Object.assign(TABLES[tag as Language], own);
}

export function currentLanguage(): Language {
  return language;
}

export function has(key: string): key is Key {
  return Object.hasOwn(TABLES.en, key);
}

/** A text in the language of the page. */
export function text(key: Key, values: Values = {}): string {
  const said = TABLES[language][key];
  if (said === undefined) throw new RangeError(`this page has no text ${key}`);
  return said.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = values[name];
    return value === undefined ? whole : typeof value === "string" ? value : value();
  });
}

/** Says a text in an element, or in an attribute of it, and again whenever the language changes. */
export function say(element: Element, key: Key, values: Values = {}, attribute = ""): void {
  const texts = said.get(element) ?? new Map();
  texts.set(attribute, { key, values });
  said.set(element, texts);
  element.toggleAttribute("data-said", true);
  put(element, attribute, text(key, values));
}

/** Says nothing any more. */
export function unsay(element: Element): void {
  said.get(element)?.delete("");
  element.textContent = "";
}

/** Changes the language of all that was said. */
export function speak(wanted: Language): void {
  language = wanted;
  document.documentElement.lang = wanted;
  document.documentElement.dir = "ltr"; // both languages so far; the style sheets know no left and right
  for (const element of document.querySelectorAll("[data-said]")) {
    for (const [attribute, { key, values }] of said.get(element) ?? []) put(element, attribute, text(key, values));
  }
}

export function number(value: number): string {
  return new Intl.NumberFormat(language).format(value);
}

/** Some words after one another. */
export function listed(words: readonly string[]): string {
  // By texts of our own: Intl.ListFormat puts nothing between them in Chinese.
  return words.length === 0 ? "" : words.reduce((before, next) => text("list.next", { before, next }));
}

/** A figure that was measured, to three digits that count. */
export function measured(value: number): string {
  return new Intl.NumberFormat(language, { maximumSignificantDigits: 3 }).format(value);
}

/**
 * How far a time is from now, in the largest unit that it fills: in 3 days, 20 minutes ago. Below three days in hours: what
 * is left of "1 day" may be two.
 */
export function relative(iso: string, now = Date.now()): string {
  const seconds = (new Date(iso).getTime() - now) / 1000;
  const format = new Intl.RelativeTimeFormat(language, { numeric: "always" });
  for (const [unit, length, least] of UNITS)
    if (Math.abs(seconds) >= least * length) return format.format(Math.trunc(seconds / length), unit);
  return format.format(Math.trunc(seconds), "second");
}

/** Units in seconds, and from how many of them on they are taken. */
const UNITS = [
  ["day", 86_400, 3],
  ["hour", 3600, 1],
  ["minute", 60, 1],
] as const;

/** The time of a day, to the minute. */
export function timeOfDay(iso: string): string {
  return new Intl.DateTimeFormat(language, { timeStyle: "short" }).format(new Date(iso));
}

/** A time as people write it, to the minute. */
export function dateAndTime(iso: string): string {
  return new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" }).format(new Date(iso));
}

export function date(iso: string): string {
  return new Intl.DateTimeFormat(language, { dateStyle: "long" }).format(new Date(iso));
}

export function bytes(value: number): string {
  const unit = value < 1e6 ? "kilobyte" : "megabyte";
  const format = { style: "unit", unit, maximumFractionDigits: value < 1e6 ? 0 : 1 } as const;
  return new Intl.NumberFormat(language, format).format(value / (value < 1e6 ? 1e3 : 1e6));
}

/** The name of a currency, or "" where the browser knows none. */
export function currencyName(code: string): string {
  try {
    const name = new Intl.DisplayNames([language], { type: "currency" }).of(code) ?? "";
    return name === code ? "" : name;
  } catch {
    return "";
  }
}

/** The name of a language, in itself. */
export function languageName(tag: string): string {
  try {
    return new Intl.DisplayNames([tag], { type: "language" }).of(tag) ?? tag;
  } catch {
    return tag;
  }
}

function put(element: Element, attribute: string, value: string): void {
  if (attribute === "") element.textContent = value;
  else element.setAttribute(attribute, value);
}
