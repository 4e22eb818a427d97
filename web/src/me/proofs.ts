// Proofs of single entries: the person's own part of the ledger, fetched once and checked in the browser.

import { utf8 } from "../ledger/coding.ts";
import { LedgerKey, UnsupportedError } from "../ledger/heads.ts";
import { type Report, verify } from "../ledger/verifying.ts";
import { h } from "../views/elements.ts";
import { dateAndTime, number } from "../words/words.ts";
import { entryOf, findings } from "./findings.ts";
import { ledgerKey, type Person } from "./server.ts";

export class Proofs {
  readonly #person: Person;
  #report: Report | null = null;

  constructor(person: Person) {
    this.#person = person;
  }

  /** What the proof of an entry came to, in words. */
  async of(leaf: number): Promise<HTMLElement> {
    let report: Report;
    try {
      report = await this.#reported(leaf);
    } catch (error) {
      if (error instanceof UnsupportedError) return h("p", { class: "warning", say: "check.unsupported" });
      throw error;
    }
    const entry = report.opened.get(leaf);
    if (report.faults.length > 0) return findings(report);
    if (entry === undefined) return h("p", { class: "warning", say: "proof.none" });
    const sums = { leaves: () => number(report.size), time: () => dateAndTime(report.time) };
    return h(
      "div",
      { class: "proof" },
      h("p", { say: "proof.right", with: sums }),
      ...entryOf(leaf, entry),
      h("p", { class: "note", say: "proof.key" }),
    );
  }

  /** A report that a leaf can be in: what was written since the last is not. */
  async #reported(leaf: number): Promise<Report> {
    if (this.#report === null || leaf >= this.#report.size || this.#report.faults.length > 0) {
      const [bundle, key] = await Promise.all([this.#person.ledger(), ledgerKey()]);
      this.#report = await verify(utf8(bundle), await LedgerKey.read(key));
    }
    return this.#report;
  }
}
