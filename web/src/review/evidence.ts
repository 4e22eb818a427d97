// What is known without any face: what each voice found, the curves, the comparison, and what the person says.

import { h } from "../views/elements.ts";
import { bodyOf, cell, row, tableOf } from "../views/table.ts";
import { measured } from "../words/words.ts";
import { curvesOf } from "./curves.ts";
import type { Evidence, Finding } from "./server.ts";
import { oneIn, said, wordOf, wordsOf } from "./wording.ts";

export function evidenceOf(evidence: Evidence): HTMLElement {
  const { pad, curves, comparison, statement, appeal } = evidence;
  return h(
    "section",
    { attributes: { id: "evidence" } },
    h("h2", { say: "evidence.title" }),
    h("p", { class: "note", say: "evidence.text" }),
    captured(evidence),
    ...(pad === null ? [h("p", { say: "evidence.no-pad" })] : findings(pad.findings)),
    ...(curves.length === 0 ? [] : [h("h3", { say: "curves.title" }), ...curvesOf(curves)]),
    comparison === null ? null : compared(comparison),
    ...words("evidence.statement", statement),
    ...words("evidence.appeal", appeal),
  );
}

/** What the capture was for. */
function captured({ intent, purpose, assurance }: Evidence): HTMLElement | null {
  const facts = Object.entries({ intent, purpose, assurance }).flatMap(([name, value]) =>
    value === null ? [] : [{ name: name as "intent" | "purpose" | "assurance", value }],
  );
  if (facts.length === 0) return null;
  const parts = facts.flatMap(({ name, value }) => [
    h("dt", { say: `evidence.${name}` }),
    h("dd", {}, wordOf(name, value)),
  ]);
  return h("dl", { class: "held" }, ...parts);
}

function findings(all: readonly Finding[]): Node[] {
  const body = bodyOf();
  for (const { voice, verdict, reasons, figures } of all) {
    const verdictSaid = h("strong", { class: `verdict ${verdict}` }, wordOf("verdict", verdict));
    body.append(
      row(
        "row",
        cell("evidence.voice", wordOf("voice", voice)),
        cell(
          "evidence.verdict",
          verdictSaid,
          reasons.length === 0 ? null : h("p", { class: "note" }, wordsOf("doubt", reasons)),
        ),
        cell("evidence.figures", figuresOf(figures)),
      ),
    );
  }
  return [
    h("h3", { say: "evidence.findings" }),
    tableOf("evidence.findings", ["evidence.voice", "evidence.verdict", "evidence.figures"], body),
  ];
}

/** Figures by the names that docs/reference/pad.md explains. */
function figuresOf(figures: Finding["figures"]): HTMLElement | null {
  const pairs = Object.entries(figures);
  if (pairs.length === 0) return null;
  const parts = pairs.flatMap(([name, value]) => [
    h("dt", {}, h("code", { text: name, attributes: { translate: "no" } })),
    h(
      "dd",
      {},
      said(() => measured(value)),
    ),
  ]);
  return h("dl", { class: "figures" }, ...parts);
}

function compared({ fmr, holds_at }: NonNullable<Evidence["comparison"]>): HTMLElement {
  const held = holds_at === null ? "evidence.holds-not" : "evidence.holds";
  return h(
    "div",
    {},
    h("h3", { say: "evidence.comparison" }),
    h("p", { say: "evidence.asked", with: { rate: () => oneIn(fmr) } }),
    h("p", { say: held, with: { rate: () => (holds_at === null ? "" : oneIn(holds_at)) } }),
    h("p", { class: "note", say: "evidence.rate" }),
  );
}

/** What the person wrote, in whatever language and direction. */
function words(title: "evidence.statement" | "evidence.appeal", written: string): Node[] {
  if (written === "") return [];
  return [h("h3", { say: title }), h("p", { class: "quoted", text: written, attributes: { dir: "auto" } })];
}
