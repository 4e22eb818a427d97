// "Never return me": out of every search of a gallery, whoever searches. What it means is said before, since it stays.

import { complaint, type Doing } from "../views/doing.ts";
import { button, h } from "../views/elements.ts";
import type { Person, Subject } from "./server.ts";

export function neverReturn(person: Person, doing: Doing, subject: Subject): HTMLElement {
  const [panel, failed] = [h("div", { class: "panel" }), complaint()];
  const joined = () => h("p", { class: "done", say: "never.joined", attributes: { role: "status", tabindex: "-1" } });
  const join = async () => {
    await person.neverReturn();
    const said = joined();
    panel.replaceChildren(said);
    open.remove();
    said.focus();
  };
  const open = button("never.open", () => {
    panel.replaceChildren(
      h("p", { say: "never.means", attributes: { tabindex: "-1" } }),
      failed,
      h(
        "div",
        { class: "choices" },
        button("never.join", () => void doing.do(failed, join)),
        button("never.leave", () => {
          panel.replaceChildren();
          open.focus();
        }),
      ),
    );
    panel.querySelector("p")?.focus();
  });
  if (subject.never_returned) panel.append(joined());
  return h(
    "section",
    { attributes: { id: "never" } },
    h("h2", { say: "never.title" }),
    h("p", { say: "never.text" }),
    subject.never_returned ? null : open,
    panel,
  );
}
