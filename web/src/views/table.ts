// Tables that narrow windows lay out as blocks: their roles are said, and each cell has the title of its column.

import type { Key } from "../words/words.ts";
import { h } from "./elements.ts";

/** The body of a table, which `tableOf` puts under its titles. */
export const bodyOf = (): HTMLElement => h("tbody", { attributes: { role: "rowgroup" } });

export function tableOf(caption: Key, titles: readonly Key[], body: HTMLElement): HTMLElement {
  const heads = titles.map((key) => h("th", { say: key, attributes: { role: "columnheader", scope: "col" } }));
  return h(
    "table",
    { attributes: { role: "table" } },
    h("caption", { class: "aloud", say: caption }),
    h("thead", { attributes: { role: "rowgroup" } }, h("tr", { attributes: { role: "row" } }, ...heads)),
    body,
  );
}

export function row(kind: string, ...cells: readonly Node[]): HTMLElement {
  return h("tr", { class: kind, attributes: { role: "row" } }, ...cells);
}

/** A cell, with the title of its column for windows that are too narrow for columns. */
export function cell(title: Key, ...children: readonly (Node | null)[]): HTMLElement {
  const name = h("span", { class: "column", say: title, attributes: { "aria-hidden": "true" } });
  return h("td", { attributes: { role: "cell" } }, name, ...children);
}
