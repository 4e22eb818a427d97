// Making elements, their texts said in the language of the page. No markup is ever parsed from a text.

import { type Key, say, type Values } from "../words/words.ts";

export interface Properties {
  readonly class?: string;
  readonly say?: Key;
  readonly with?: Values;
  /** The key of its accessible name. */
  readonly label?: Key;
  readonly text?: string;
  readonly click?: () => void;
  readonly attributes?: Readonly<Record<string, string>>;
}

export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  properties: Properties = {},
  ...children: readonly (Node | null)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  if (properties.class !== undefined) element.className = properties.class;
  for (const [name, value] of Object.entries(properties.attributes ?? {})) element.setAttribute(name, value);
  if (properties.text !== undefined) element.textContent = properties.text;
  if (properties.say !== undefined) say(element, properties.say, properties.with);
  if (properties.label !== undefined) say(element, properties.label, properties.with, "aria-label");
  if (properties.click !== undefined) element.addEventListener("click", properties.click);
  element.append(...children.filter((child) => child !== null));
  return element;
}

export function button(
  key: Key,
  click: () => void,
  kind: "main" | "plain" = "plain",
  values?: Values,
): HTMLButtonElement {
  const properties = { say: key, click, class: kind, attributes: { type: "button" } };
  return h("button", values === undefined ? properties : { ...properties, with: values });
}

/** A heading that a new view is begun with, and that takes the focus. */
export function heading(key: Key, values?: Values): HTMLHeadingElement {
  const attributes = { tabindex: "-1" };
  return h("h1", values === undefined ? { say: key, attributes } : { say: key, with: values, attributes });
}

const DRAWING = "http://www.w3.org/2000/svg";

/** A part of a drawing. */
export function drawn<K extends keyof SVGElementTagNameMap>(
  tag: K,
  attributes: Readonly<Record<string, string>> = {},
  ...children: readonly Node[]
): SVGElementTagNameMap[K] {
  const element = document.createElementNS(DRAWING, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}
