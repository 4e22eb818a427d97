// What the person's face may be used for: a switch for each purpose. Off takes one press, on takes reading the notice.

import { h } from "../views/elements.ts";
import { dateAndTime, has, say } from "../words/words.ts";
import { complaint, type Doing, word } from "./doing.ts";
import type { Consent, Person, Subject } from "./server.ts";

/** The name of a purpose, as a text of the page. */
export function purposeName(purpose: string) {
  const key = `purpose.${purpose}`;
  return has(key) ? ({ say: key } as const) : ({ say: "purpose.other", with: { name: purpose } } as const);
}

export class Purposes {
  readonly content: HTMLElement;
  readonly #person: Person;
  readonly #doing: Doing;
  readonly #list = h("ul", { class: "switches" });
  readonly #switchedOff: ReadonlySet<string>;
  #consents: readonly Consent[];

  constructor(person: Person, doing: Doing, subject: Subject, consents: readonly Consent[]) {
    this.#person = person;
    this.#doing = doing;
    this.#consents = consents;
    const held = consents.filter((one) => one.withdrawn === null).map((one) => one.purpose);
    this.#switchedOff = new Set(held.filter((purpose) => !subject.purposes.includes(purpose)));
    this.content = h(
      "section",
      { attributes: { id: "purposes" } },
      h("h2", { say: "purposes.title" }),
      h("p", { say: "purposes.text" }),
      this.#list,
    );
    for (const purpose of new Set(consents.map((one) => one.purpose))) this.#list.append(this.#row(purpose));
  }

  #last(purpose: string): Consent | undefined {
    return this.#consents.filter((one) => one.purpose === purpose).at(-1);
  }

  #row(purpose: string): HTMLElement {
    const id = `purpose-${purpose}`;
    const state = h("span", { class: "state" });
    const since = h("p", { class: "note" });
    const [failed, done] = [complaint(), word()];
    const track = h("span", { class: "track", attributes: { "aria-hidden": "true" } });
    const toggle = h("button", {
      class: "switch",
      attributes: { type: "button", role: "switch", "aria-labelledby": id },
      click: () => void this.#doing.do(failed, turned),
    });
    toggle.append(track, state);
    const show = () => {
      const last = this.#last(purpose);
      const on = last?.withdrawn === null;
      toggle.setAttribute("aria-checked", String(on));
      say(state, on ? "switch.on" : "switch.off");
      if (last === undefined) return;
      const { given, withdrawn } = last;
      if (on && this.#switchedOff.has(purpose)) say(since, "purposes.off-for-all");
      else if (on) say(since, "purposes.since", { time: () => dateAndTime(given) });
      else say(since, "purposes.withdrawn", { time: () => dateAndTime(withdrawn ?? given) });
    };
    const turned = async () => {
      if (this.#last(purpose)?.withdrawn !== null) return;
      this.#consents = await this.#person.withdraw(purpose);
      show();
      say(done, "purposes.done");
    };
    show();
    return h(
      "li",
      {},
      h("div", { class: "name" }, h("h3", { ...purposeName(purpose), attributes: { id } }), since),
      toggle,
      failed,
      done,
    );
  }
}
