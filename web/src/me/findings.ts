// What checking a file came to, in words: that it is right and what it proves, or what is wrong and where.

import type { Entry, Fault, Report } from "../ledger/verifying.ts";
import { h } from "../views/elements.ts";
import { icon } from "../views/icons.ts";
import { dateAndTime, has, type Key, number } from "../words/words.ts";

export function findings(report: Report): HTMLElement {
  const right = report.faults.length === 0;
  const title = h("h2", { say: right ? "findings.right" : "findings.wrong" });
  const head = h("div", { class: right ? "outcome passed" : "outcome" }, icon(right ? "done" : "open"), title);
  if (!right) return h("div", { class: "findings" }, head, h("ul", {}, ...report.faults.map(fault)));
  const sums = { leaves: () => number(report.size), time: () => dateAndTime(report.time) };
  const entries = [...report.opened].sort(([one], [other]) => other - one);
  return h(
    "div",
    { class: "findings" },
    head,
    h("p", { say: "findings.sums", with: sums }),
    h("p", { class: "note" }, h("bdi", { text: report.origin })),
    h("h3", { say: "findings.entries", with: { entries: () => number(entries.length) } }),
    h("ol", { class: "entries" }, ...entries.map(([leaf, entry]) => h("li", {}, ...entryOf(leaf, entry)))),
  );
}

/** An entry: what was done in words, and all that it says as it is written. */
export function entryOf(leaf: number, entry: Entry): Node[] {
  const { kind = "", time = "", ...facts } = entry;
  const key = `entry.${kind}`;
  const said = has(key) ? h("strong", { say: key }) : h("strong", { say: "entry.other", with: { kind } });
  const when = Number.isNaN(Date.parse(time)) ? time : () => dateAndTime(time);
  return [
    h(
      "p",
      {},
      said,
      document.createTextNode(" · "),
      h("span", { say: "entry.where", with: { time: when, leaf: () => number(leaf) } }),
    ),
    h("dl", { class: "written" }, ...Object.entries(facts).flatMap(([name, text]) => writtenFact(name, text))),
  ];
}

function writtenFact(name: string, text: string): Node[] {
  return [h("dt", {}, h("code", { text: name })), h("dd", {}, h("code", { text }))];
}

function fault({ kind, first, end, log }: Fault): HTMLElement {
  const key: Key = `finding.${kind}`;
  const said = h("span", { say: key });
  if (first === null || end === null) return h("li", {}, said);
  const leaves = { first: () => number(first), last: () => number(end - 1), log };
  const where: Key = log === "" ? "finding.where" : "finding.where.log";
  return h("li", {}, said, document.createTextNode(" "), h("span", { class: "note", say: where, with: leaves }));
}
