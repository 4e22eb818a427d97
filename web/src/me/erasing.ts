// Erasing: what happens and what cannot be undone, once and plainly; then the receipt, and that the session is over.

import { utf8 } from "../ledger/coding.ts";
import { LedgerKey, UnsupportedError } from "../ledger/heads.ts";
import { verify } from "../ledger/verifying.ts";
import { RequestError } from "../server/exchange.ts";
import { complaint, type Doing } from "../views/doing.ts";
import { button, h, heading } from "../views/elements.ts";
import { date, dateAndTime, number, say } from "../words/words.ts";
import { save } from "./files.ts";
import { findings } from "./findings.ts";
import type { Erasure, Person } from "./server.ts";

export interface Decision {
  keep(): void;
  erased(done: Erasure): void;
}

/** @param download what can be taken along before. */
export function eraseView(person: Person, doing: Doing, download: Node, decision: Decision): Node[] {
  const failed = complaint();
  const once = crypto.randomUUID(); // pressed again where no answer came, it is not done twice
  let unsure = false;
  const erase = async () => {
    try {
      decision.erased(await person.erase(once));
    } catch (error) {
      // Whoever is erased has no session any more, so the first answer cannot be had again.
      if (unsure && error instanceof RequestError && error.status === 401) {
        say(failed, "erase.lost");
        return;
      }
      if (!(error instanceof RequestError) || (error.status > 0 && error.status < 500)) throw error;
      unsure = true;
      say(failed, "erase.unknown");
    }
  };
  return [
    heading("erase.title"),
    h("p", { class: "lead", say: "erase.text" }),
    h(
      "ul",
      { class: "what" },
      h("li", { say: "erase.gone" }),
      h("li", { say: "erase.backups" }),
      h("li", { say: "erase.proof" }),
      h("li", { say: "erase.stays" }),
      h("li", { say: "erase.session" }),
    ),
    h("p", {}, h("strong", { say: "erase.never-back" })),
    h("h2", { say: "erase.first" }),
    download,
    h("h2", { say: "erase.decide" }),
    failed,
    h(
      "div",
      { class: "choices" },
      button("erase.do", () => void doing.do(failed, erase)),
      button("erase.keep", decision.keep),
    ),
  ];
}

/** @param key of the ledger, or null if it could not be had. */
export function erasedView(done: Erasure, key: string | null): (Node | null)[] {
  const found = h("div", { attributes: { role: "status", id: "found" } });
  const ended = new Date().toISOString();
  void check(done.receipt, key, found);
  return [
    heading("erased.title"),
    h("p", {
      class: "lead",
      say: "erased.text",
      with: { references: () => number(done.references), date: () => date(done.backups_readable_until) },
    }),
    h("p", { say: "erased.receipt" }),
    h(
      "div",
      { class: "buttons" },
      button("erased.save", () => save("facekeep-receipt.jsonl", done.receipt, "application/jsonl"), "main"),
      key === null ? null : button("erased.save-key", () => save("facekeep-ledger-key.txt", `${key}\n`, "text/plain")),
    ),
    found,
    h("p", { say: "erased.session", with: { time: () => dateAndTime(ended) } }),
  ];
}

async function check(receipt: string, key: string | null, found: HTMLElement): Promise<void> {
  if (key === null) {
    found.replaceChildren(h("p", { class: "warning", say: "erased.no-key" }));
    return;
  }
  try {
    found.replaceChildren(findings(await verify(utf8(receipt), await LedgerKey.read(key))));
  } catch (error) {
    if (!(error instanceof UnsupportedError)) throw error;
    found.replaceChildren(h("p", { class: "warning", say: "check.unsupported" }));
  }
}
