// The person's own page: what is held, what it may be used for, and what can be done about it.

import type { OwnKey } from "../sealing/keys.ts";
import type { Doing } from "../views/doing.ts";
import { button, h, heading } from "../views/elements.ts";
import { Accesses } from "./accesses.ts";
import { Appeals } from "./appeals.ts";
import { held } from "./held.ts";
import { neverReturn } from "./never.ts";
import { Proofs } from "./proofs.ts";
import { Purposes } from "./purposes.ts";
import { openReviews, type Reviews } from "./reviews.ts";
import { keyHere } from "./seeing.ts";
import type { AccessPage, Appeal, Consent, NoticeSummary, OwnReview, Person, Reference, Subject } from "./server.ts";
import { downloads } from "./taking.ts";

const PARTS = [
  ["held", "held.title"],
  ["purposes", "purposes.title"],
  ["never", "never.title"],
  ["reviews", "reviews.title"],
  ["accesses", "accesses.title"],
  ["appeals", "appeals.title"],
  ["take", "take.title"],
  ["erase", "home.erase"],
] as const;

export interface Home {
  readonly account: string;
  readonly subject: Subject;
  readonly references: readonly Reference[];
  readonly consents: readonly Consent[];
  readonly notices: readonly NoticeSummary[];
  readonly accesses: AccessPage;
  readonly appeals: readonly Appeal[];
  readonly reviews: readonly OwnReview[];
  /** Of this browser, by which pictures are opened. */
  readonly key: OwnKey | null;
}

export interface Ways {
  check(): void;
  erase(): void;
  leave(): void;
}

export async function fetched(account: string, person: Person): Promise<Home> {
  const [subject, references, consents, notices, accesses, appeals, reviews, key] = await Promise.all([
    person.subject(),
    person.references(),
    person.consents(),
    person.notices(),
    person.accesses(),
    person.appeals(),
    person.reviews(),
    keyHere(),
  ]);
  return { account, subject, references, consents, notices, accesses, appeals, reviews, key };
}

/** @param reviews what people were asked about the person, which whoever shows the view ends with it. */
export function homeView(home: Home, reviews: Reviews, person: Person, doing: Doing, ways: Ways): (Node | null)[] {
  const { account, subject, references, consents, notices } = home;
  const appeals = new Appeals(person, doing, home.appeals);
  return [
    heading("home.title"),
    h("div", { class: "lead who" }, h("p", { say: "home.who", with: { account } }), button("leave", ways.leave)),
    openReviews(home.reviews),
    parts(),
    held(subject, references),
    new Purposes(person, doing, subject, consents, notices).content,
    neverReturn(person, doing, subject),
    reviews.content,
    new Accesses(account, person, doing, home.accesses, appeals, new Proofs(person)).content,
    appeals.content,
    h(
      "section",
      { attributes: { id: "take" } },
      h("h2", { say: "take.title" }),
      h("p", { say: "take.text" }),
      downloads(person, doing),
      h("p", { say: "take.check" }),
      button("enter.check.go", ways.check),
    ),
    h(
      "section",
      { attributes: { id: "erase" } },
      h("h2", { say: "home.erase" }),
      h("p", { say: "home.erase.text" }),
      button("home.erase.go", ways.erase),
    ),
  ];
}

/** The way to each part of a long page. */
function parts(): HTMLElement {
  const links = PARTS.map(([id, key]) => h("li", {}, h("a", { say: key, attributes: { href: `#${id}` } })));
  return h("nav", { label: "home.parts" }, h("ul", {}, ...links));
}
