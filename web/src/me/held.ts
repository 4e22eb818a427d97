// What is held about the person.

import { h } from "../views/elements.ts";
import { date, type Key, number } from "../words/words.ts";
import type { Reference, Subject } from "./server.ts";

export function held(subject: Subject, references: readonly Reference[]): HTMLElement {
  const list = h("ul", { class: "list" }, ...references.map(reference));
  const { enrolled } = subject;
  return h(
    "section",
    { attributes: { id: "held" } },
    h("h2", { say: "held.title" }),
    h(
      "dl",
      { class: "held" },
      ...fact("held.label", h("bdi", { text: subject.label })),
      ...(subject.name === "" ? [] : fact("held.name", h("bdi", { text: subject.name }))),
      ...(enrolled === null
        ? []
        : fact(
            "held.enrolled",
            h(
              "span",
              figure(() => date(enrolled)),
            ),
          )),
      ...fact("held.galleries", h("bdi", { text: subject.galleries.join(", ") })),
      ...fact(
        "held.references",
        h(
          "span",
          figure(() => number(references.length)),
        ),
      ),
    ),
    list,
    h("p", { class: "note", say: "held.no-picture" }),
  );
}

function reference(one: Reference): HTMLElement {
  const said = h("span", { say: "held.reference", with: { gallery: one.gallery, date: () => date(one.enrolled) } });
  return h("li", {}, said, one.locked ? h("span", { class: "note", say: "held.locked" }) : null);
}

function fact(key: Key, value: Node): Node[] {
  return [h("dt", { say: key }), h("dd", {}, value)];
}

const figure = (value: () => string) => ({ say: "figure", with: { figure: value } }) as const;
