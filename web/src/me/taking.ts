// Taking along what is held: files that are made for the person, and saved by the browser.

import { button, h } from "../views/elements.ts";
import { complaint, type Doing } from "./doing.ts";
import { save } from "./files.ts";
import { ledgerKey, type Person } from "./server.ts";

export function downloads(person: Person, doing: Doing): HTMLElement {
  const failed = complaint();
  const ledger = async () => save("facekeep-ledger.jsonl", await person.ledger(), "application/jsonl");
  const key = async () => save("facekeep-ledger-key.txt", `${await ledgerKey()}\n`, "text/plain");
  return h(
    "div",
    { class: "downloads" },
    h(
      "div",
      { class: "choices" },
      button("take.ledger", () => void doing.do(failed, ledger)),
      button("take.key", () => void doing.do(failed, key)),
    ),
    failed,
  );
}
