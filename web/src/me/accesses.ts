// Who searched for the person, compared or looked, when, for which purpose and case: a table in plain words, each row
// with its proof and a way to object.

import { complaint, type Doing } from "../views/doing.ts";
import { button, h } from "../views/elements.ts";
import { bodyOf, cell, row, tableOf } from "../views/table.ts";
import { dateAndTime, has, type Key, number, text, type Values } from "../words/words.ts";
import type { Appeals } from "./appeals.ts";
import type { Proofs } from "./proofs.ts";
import { purposeName } from "./purposes.ts";
import { reviewWord } from "./reviews.ts";
import type { Access, AccessPage, Person } from "./server.ts";

export class Accesses {
  readonly content: HTMLElement;
  /** As whom the person is signed in. */
  readonly #account: string;
  readonly #doing: Doing;
  readonly #appeals: Appeals;
  readonly #proofs: Proofs;
  readonly #rows = bodyOf();
  readonly #more: HTMLElement;
  #next: string | null = null;

  constructor(account: string, person: Person, doing: Doing, first: AccessPage, appeals: Appeals, proofs: Proofs) {
    const failed = complaint();
    const further = async () => {
      const first = this.#show(await person.accesses(this.#next));
      first?.querySelector("button")?.focus();
    };
    this.#more = button("accesses.more", () => void doing.do(failed, further));
    this.#account = account;
    this.#doing = doing;
    this.#appeals = appeals;
    this.#proofs = proofs;
    const table = tableOf(
      "accesses.title",
      ["accesses.when", "accesses.what", "accesses.for", "accesses.do"],
      this.#rows,
    );
    this.content = h(
      "section",
      { attributes: { id: "accesses" } },
      h("h2", { say: "accesses.title" }),
      h("p", { say: first.accesses.length === 0 ? "accesses.none" : "accesses.text" }),
      first.accesses.length === 0 ? null : table,
      failed,
      this.#more,
    );
    this.#show(first);
  }

  /** Adds a page of rows, and gives the first of them. */
  #show(page: AccessPage): HTMLElement | undefined {
    const rows = page.accesses.flatMap((access) => this.#row(access));
    this.#rows.append(...rows);
    this.#next = page.next;
    this.#more.hidden = page.next === null;
    return rows[0];
  }

  #row(access: Access): HTMLElement[] {
    const id = `access-${access.leaf}`;
    const [proof, appeal, failed] = [h("div", { class: "panel" }), h("div", { class: "panel" }), complaint()];
    const prove = button("accesses.prove", () => void this.#doing.do(failed, show));
    const object = button("accesses.object", () => this.#appeals.ask(access.leaf, appeal, object));
    const show = async () => proof.replaceChildren(await this.#proofs.of(access.leaf));
    for (const act of [prove, object]) act.setAttribute("aria-describedby", id);
    proof.setAttribute("role", "status");
    const cells = [
      cell("accesses.when", h("span", { say: "figure", with: { figure: () => dateAndTime(access.time) } })),
      cell("accesses.what", h("span", { ...said(access, this.#account), attributes: { id } })),
      cell("accesses.for", whatFor(access), caseOf(access.case)),
      cell("accesses.do", h("div", { class: "acts" }, prove, object)),
    ];
    const below = h("td", { attributes: { role: "cell", colspan: String(cells.length) } }, failed, proof, appeal);
    return [row("row", ...cells), row("below", below)];
  }
}

/** The kind of an entry that somebody was shown the face in a review. */
const REVIEWED = "review-viewed";

/** What was done, in a sentence. */
function said({ kind, outcome, operator, leaf }: Access, account: string): { say: Key; with: Values } {
  const key = kind === REVIEWED ? "access.reviewed" : `access.${outcome ?? kind}`;
  const values = { who: () => who(operator, account), leaf: () => number(leaf), kind };
  return { say: has(key) ? key : "access.other", with: values };
}

/** What the service calls itself where somebody signs in with a face, as in domain/accounts.py. */
const SIGN_IN = "sign-in by face";

function who(operator: string | null, own: string): string {
  if (operator === null) return text("access.nobody");
  if (operator === SIGN_IN) return text("access.sign-in");
  const [kind, ...name] = operator.split(" ");
  if (kind === "client") return text("access.client", { name: name.join(" ") });
  if (kind === "account" && name.join(" ") === own) return text("access.self");
  if (kind === "account") return text("access.account", { name: name.join(" ") });
  return text("access.local", { name: operator });
}

function whatFor({ purpose, reason }: Access): HTMLElement {
  if (reason !== null) return h("span", { say: "figure", with: { figure: () => reviewWord("why", reason) } });
  return h("span", purpose === null ? { say: "accesses.no-purpose" } : purposeName(purpose));
}

function caseOf(name: string | null): HTMLElement | null {
  return name === null ? null : h("p", { class: "case", say: "accesses.case", with: { name } });
}
