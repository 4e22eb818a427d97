// Taking along what is held: files that are made for the person, and saved by the browser.

import { complaint, type Doing } from "../views/doing.ts";
import { button, h } from "../views/elements.ts";
import { currentLanguage } from "../words/words.ts";
import { save } from "./files.ts";
import { ledgerKey, type Person } from "./server.ts";

export function downloads(person: Person, doing: Doing): HTMLElement {
  const failed = complaint();
  const everything = (format: "json" | "html") => async () => {
    const type = format === "json" ? "application/json" : "text/html";
    save(`facekeep-my-data.${format}`, await person.exported(format, currentLanguage()), type);
  };
  const ledger = async () => save("facekeep-ledger.jsonl", await person.ledger(), "application/jsonl");
  const key = async () => save("facekeep-ledger-key.txt", `${await ledgerKey()}\n`, "text/plain");
  return h(
    "div",
    { class: "downloads" },
    h(
      "div",
      { class: "choices" },
      button("take.json", () => void doing.do(failed, everything("json"))),
      button("take.html", () => void doing.do(failed, everything("html"))),
      button("take.ledger", () => void doing.do(failed, ledger)),
      button("take.key", () => void doing.do(failed, key)),
    ),
    failed,
  );
}
