// What the person objected to, the answers, and the form by which to object: that it was somebody else, or was not right.

import { complaint, type Doing } from "../views/doing.ts";
import { button, h } from "../views/elements.ts";
import { dateAndTime, number, say } from "../words/words.ts";
import type { Appeal, AppealKind, Person } from "./server.ts";

const LONGEST = 2000;
const KINDS: readonly AppealKind[] = ["not-me", "appeal"];

export class Appeals {
  readonly content: HTMLElement;
  readonly #person: Person;
  readonly #doing: Doing;
  readonly #list = h("ul", { class: "appeals" });
  readonly #none = h("p", { say: "appeals.none" });
  readonly #form = h("div", { class: "panel" });

  constructor(person: Person, doing: Doing, appeals: readonly Appeal[]) {
    this.#person = person;
    this.#doing = doing;
    const open = button("appeals.file", () => this.ask(null, this.#form, open));
    this.content = h(
      "section",
      { attributes: { id: "appeals" } },
      h("h2", { say: "appeals.title" }),
      h("p", { say: "appeals.text" }),
      this.#none,
      this.#list,
      open,
      this.#form,
    );
    for (const appeal of appeals) this.#add(appeal);
  }

  /**
   * Shows the form.
   *
   * @param about the leaf of the entry that it is about.
   * @param place where it is shown.
   * @param from what has the focus after.
   */
  ask(about: number | null, place: HTMLElement, from: HTMLElement): void {
    const failed = complaint();
    const name = `kind-${about ?? "none"}`;
    const words = h("textarea", { attributes: { rows: "4", maxlength: String(LONGEST), id: `${name}-words` } });
    if (about === null) words.required = true; // an appeal is about an entry, or says what it is about
    const kinds = KINDS.map((kind) => {
      const attributes = { type: "radio", name, value: kind, id: `${name}-${kind}` };
      return { kind, input: h("input", { attributes }) };
    });
    for (const { kind, input } of kinds) input.checked = kind === (about === null ? "appeal" : "not-me");
    const file = async () => {
      const chosen = kinds.find(({ input }) => input.checked)?.kind ?? "appeal";
      if (about === null && words.value.trim() === "") {
        say(failed, "appeals.words-missing");
        return;
      }
      const appeal = await this.#person.appeal(chosen, about, words.value);
      this.#add(appeal);
      place.replaceChildren(h("p", { class: "done", say: "appeals.filed", attributes: { role: "status" } }));
      from.focus();
    };
    place.replaceChildren(
      h(
        "fieldset",
        {},
        h("legend", { say: "appeals.what" }),
        ...kinds.map(({ kind, input }) =>
          h("div", { class: "pick" }, input, h("label", { say: `appeals.${kind}`, attributes: { for: input.id } })),
        ),
      ),
      h("label", { say: about === null ? "appeals.words" : "appeals.words-if", attributes: { for: words.id } }),
      words,
      failed,
      h(
        "div",
        { class: "buttons" },
        button("appeals.send", () => void this.#doing.do(failed, file), "main"),
        button("appeals.cancel", () => {
          place.replaceChildren();
          from.focus();
        }),
      ),
    );
    kinds.find(({ input }) => input.checked)?.input.focus();
  }

  #add(appeal: Appeal): void {
    this.#none.hidden = true;
    const { about, filed, text, answer } = appeal;
    const when = { figure: () => dateAndTime(filed) };
    const what = h("strong", { say: `appeals.${appeal.kind}` });
    const state = appeal.state === "open" ? "appeals.open" : appeal.upheld ? "appeals.upheld" : "appeals.refused";
    this.#list.prepend(
      h(
        "li",
        {},
        h("p", {}, what, document.createTextNode(" · "), h("span", { say: "figure", with: when })),
        about === null ? null : h("p", { class: "note", say: "appeals.about", with: { leaf: () => number(about) } }),
        text === "" ? null : h("p", { class: "quoted", text, attributes: { dir: "auto" } }),
        h("p", { say: state }),
        answer === "" ? null : h("p", { class: "quoted", text: answer, attributes: { dir: "auto" } }),
      ),
    );
  }
}
