// The person's own page: what is held, what it may be used for, and what can be done about it.

import { button, h, heading } from "../views/elements.ts";
import type { Doing } from "./doing.ts";
import { held } from "./held.ts";
import { Purposes } from "./purposes.ts";
import type { Consent, Person, Reference, Subject } from "./server.ts";
import { downloads } from "./taking.ts";

export interface Home {
  readonly account: string;
  readonly subject: Subject;
  readonly references: readonly Reference[];
  readonly consents: readonly Consent[];
}

export interface Ways {
  check(): void;
  erase(): void;
  leave(): void;
}

export async function fetched(account: string, person: Person): Promise<Home> {
  const [subject, references, consents] = await Promise.all([person.subject(), person.references(), person.consents()]);
  return { account, subject, references, consents };
}

export function homeView(home: Home, person: Person, doing: Doing, ways: Ways): Node[] {
  const { account, subject, references, consents } = home;
  return [
    heading("home.title"),
    h("div", { class: "lead who" }, h("p", { say: "home.who", with: { account } }), button("leave", ways.leave)),
    held(subject, references),
    new Purposes(person, doing, subject, consents).content,
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
