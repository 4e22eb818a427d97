// What a person confirms: amount and payee, shown with the notice and again wherever it is confirmed.

import { groups } from "../guiding/amount.ts";
import type { Statement } from "../server/capture.ts";
import { currencyName } from "../words/words.ts";
import { h } from "./elements.ts";

export function statementOf(statement: Statement): HTMLElement {
  const { whole, fraction } = groups(statement.amount);
  const digits = h(
    "span",
    { class: "digits", attributes: { dir: "ltr" } },
    ...whole.map((part) => h("span", { text: part })),
  );
  digits.append(h("span", { class: "fraction", text: fraction }));
  const currency = h("span", { class: "currency", text: statement.currency });
  const name = currencyName(statement.currency);
  return h(
    "section",
    { class: "statement", attributes: { "aria-labelledby": "statement-title" } },
    h("h2", { say: "statement.title", attributes: { id: "statement-title" } }),
    h(
      "dl",
      {},
      h("dt", { say: "statement.amount" }),
      h(
        "dd",
        { class: "amount" },
        digits,
        document.createTextNode(" "),
        currency,
        name
          ? h("span", {
              class: "currency-name",
              say: "figure",
              with: { figure: () => currencyName(statement.currency) },
            })
          : null,
      ),
      h("dt", { say: "statement.payee" }),
      h("dd", { class: "payee" }, h("bdi", { text: statement.payee })),
    ),
  );
}
