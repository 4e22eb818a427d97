// What the person's face may be used for: a switch for each purpose. Off takes one press; on takes one more, under the
// notice that has to be shown before.

import { RequestError } from "../server/exchange.ts";
import { complaint, type Doing, word } from "../views/doing.ts";
import { button, h } from "../views/elements.ts";
import { shownNotice } from "../views/notice.ts";
import { Toggle } from "../views/toggle.ts";
import { dateAndTime, has, say, unsay } from "../words/words.ts";
import type { Consent, NoticeSummary, Person, Subject } from "./server.ts";

const ORDER = ["verify", "payment", "attendance", "own-photos", "identify", "missing-person"];

/** The name of a purpose, as a text of the page. */
export function purposeName(purpose: string) {
  const key = `purpose.${purpose}`;
  return has(key) ? ({ say: key } as const) : ({ say: "purpose.other", with: { name: purpose } } as const);
}

export class Purposes {
  readonly content: HTMLElement;
  consents: readonly Consent[];
  readonly person: Person;
  readonly doing: Doing;
  readonly notices: readonly NoticeSummary[];
  readonly #switchedOff: ReadonlySet<string>;

  constructor(
    person: Person,
    doing: Doing,
    subject: Subject,
    consents: readonly Consent[],
    notices: readonly NoticeSummary[],
  ) {
    this.person = person;
    this.doing = doing;
    this.consents = consents;
    this.notices = notices;
    const held = consents.filter((one) => one.withdrawn === null).map((one) => one.purpose);
    this.#switchedOff = new Set(held.filter((purpose) => !subject.purposes.includes(purpose)));
    const named = [...consents.map((one) => one.purpose), ...notices.flatMap((one) => one.purposes)];
    const purposes = [...new Set([...ORDER.filter((purpose) => named.includes(purpose)), ...named])];
    this.content = h(
      "section",
      { attributes: { id: "purposes" } },
      h("h2", { say: "purposes.title" }),
      h("p", { say: "purposes.text" }),
      h("ul", { class: "switches" }, ...purposes.map((purpose) => new Row(this, purpose).content)),
    );
  }

  /** The newest consent that holds, or else the newest. */
  last(purpose: string): Consent | undefined {
    const all = this.consents.filter((one) => one.purpose === purpose);
    return all.filter((one) => one.withdrawn === null).at(-1) ?? all.at(-1);
  }

  isOffForAll(purpose: string): boolean {
    return this.#switchedOff.has(purpose);
  }
}

class Row {
  readonly content: HTMLElement;
  readonly #of: Purposes;
  readonly #purpose: string;
  readonly #since = h("p", { class: "note" });
  readonly #failed = complaint();
  readonly #done = word();
  readonly #panel = h("div", { class: "panel" });
  readonly #toggle: Toggle;

  constructor(of: Purposes, purpose: string) {
    this.#of = of;
    this.#purpose = purpose;
    const id = `purpose-${purpose}`;
    const act = () => void of.doing.do(this.#failed, () => (this.#on ? this.#withdraw() : this.#ask()));
    this.#toggle = new Toggle(id, act);
    const name = h("div", { class: "name" }, h("h3", { ...purposeName(purpose), attributes: { id } }), this.#since);
    this.content = h("li", {}, name, this.#toggle.content, this.#failed, this.#done, this.#panel);
    this.#show();
  }

  get #on(): boolean {
    return this.#of.last(this.#purpose)?.withdrawn === null;
  }

  #show(): void {
    const last = this.#of.last(this.#purpose);
    this.#toggle.show(this.#on);
    const { given, withdrawn, guardian } = last ?? { given: "", withdrawn: null, guardian: null };
    if (last === undefined) say(this.#since, "purposes.never");
    else if (withdrawn !== null) say(this.#since, "purposes.withdrawn", { time: () => dateAndTime(withdrawn) });
    else if (this.#of.isOffForAll(this.#purpose)) say(this.#since, "purposes.off-for-all");
    else if (guardian !== null)
      say(this.#since, "purposes.guardian", { name: guardian.name, time: () => dateAndTime(given) });
    else say(this.#since, "purposes.since", { time: () => dateAndTime(given) });
  }

  async #withdraw(): Promise<void> {
    this.#of.consents = await this.#of.person.withdraw(this.#purpose);
    this.#show();
    say(this.#done, "purposes.done");
  }

  /** Shows the notice, and switches on whoever agrees to it. */
  async #ask(): Promise<void> {
    unsay(this.#done);
    const fitting = this.#of.notices.filter((notice) => notice.purposes.includes(this.#purpose));
    const shown = shownNotice(await Promise.all(fitting.map((notice) => this.#of.person.notice(notice.hash))));
    if (shown === null) {
      say(this.#failed, "purposes.no-notice");
      return;
    }
    const failed = complaint();
    const agree = async () => {
      try {
        this.#of.consents = await this.#of.person.consent(this.#purpose, shown.current().digest);
      } catch (error) {
        if (!(error instanceof RequestError && error.problem === "consent-missing")) throw error;
        say(failed, "purposes.at-the-desk");
        return;
      }
      this.#show();
      this.#close();
      say(this.#done, "purposes.agreed");
    };
    this.#panel.replaceChildren(
      h("p", { say: "purposes.read-first", attributes: { tabindex: "-1" } }),
      shown.section,
      failed,
      h(
        "div",
        { class: "choices" },
        button("purposes.agree", () => void this.#of.doing.do(failed, agree)),
        button("purposes.leave", () => this.#close()),
      ),
    );
    this.#panel.querySelector("p")?.focus();
  }

  #close(): void {
    this.#panel.replaceChildren();
    this.#toggle.content.focus();
  }
}
