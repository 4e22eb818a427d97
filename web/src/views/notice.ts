// First of all: who asks for what, what is sent, who may see it, how long; and the choice, both ways alike.

import type { Capture, Notice } from "../server/capture.ts";
import { chosen } from "../words/choosing.ts";
import { currentLanguage, has, type Key, languageName } from "../words/words.ts";
import { button, h, heading } from "./elements.ts";
import { type Icon, icon } from "./icons.ts";
import { statementOf } from "./statement.ts";

/** What a notice says beside its text, in the order in which it is shown. */
const PARTICULARS = ["retention", "recipients", "alternative"] as const;

export interface Choices {
  agree(notice: Notice): void;
  passkey(): void;
  without(): void;
}

export function noticeView(capture: Capture, choices: Choices): Node[] {
  const who = { who: capture.asked_by };
  const title: Key = capture.statement === null ? `notice.title.${capture.intent}` : "notice.title.payment";
  const shown = shownNotice(capture.notices);
  return [
    heading(title),
    h("p", { class: "lead", say: `notice.asks.${capture.intent}`, with: who }),
    capture.statement === null
      ? h("p", { class: "purpose" }, ...purpose(capture.purpose))
      : statementOf(capture.statement),
    facts(capture),
    ...(shown === null ? [h("p", { class: "warning", say: "notice.none" })] : [shown.section]),
    choice(capture, choices, shown?.current ?? null),
  ];
}

/** Where the purpose is off: no camera, and the way without. */
export function offView(capture: Capture, choices: Choices): Node[] {
  const way = without(capture, choices, capture.alternative === null ? "off.leave" : "notice.passkey");
  return [heading("off.title"), h("p", { class: "lead", say: "off.text" }), h("div", { class: "choices" }, way)];
}

function purpose(name: string): Node[] {
  const key = `purpose.${name}`;
  const said = has(key) ? h("span", { say: key }) : h("span", { say: "purpose.other", with: { name } });
  return [h("strong", { say: "notice.purpose" }), said];
}

function facts(capture: Capture): HTMLElement {
  const kept: Key = capture.intent === "enrol" ? "notice.kept.enrolled" : "notice.kept.compared";
  const all: [Icon, Key, Key][] = [
    ["sent", "notice.sent", "notice.sent.text"],
    ["seen", "notice.seen", "notice.seen.text"],
    ["kept", "notice.kept", kept],
  ];
  const items = all.map(([drawing, title, said]) =>
    h("li", {}, icon(drawing), h("h3", { say: title }), h("p", { say: said, with: { who: capture.asked_by } })),
  );
  return h("section", { class: "facts" }, h("h2", { say: "notice.facts" }), h("ul", {}, ...items));
}

/** The text of a notice, and of several the one that is chosen; null if there is none. */
export function shownNotice(notices: readonly Notice[]): { section: HTMLElement; current: () => Notice } | null {
  const languages = notices.map((notice) => notice.language);
  const [first] = notices;
  if (first === undefined) return null;
  const best = chosen([currentLanguage(), ...navigator.languages], languages);
  let current = notices.find((notice) => notice.language === best) ?? first;
  // Long notices scroll in their own box, which the keyboard has to reach.
  const body = h("div", { class: "text", label: "notice.text", attributes: { tabindex: "0", role: "region" } });
  const particulars = h("dl", { class: "particulars" });
  const show = () => {
    quote(body, current, current.text);
    particulars.replaceChildren(...PARTICULARS.flatMap((name) => particular(current, name)));
    particulars.hidden = particulars.childElementCount === 0;
  };
  show();
  const head = h("div", { class: "head" }, h("h2", { say: "notice.text" }));
  if (notices.length > 1) {
    const select = h("select", { label: "notice.language" });
    for (const [index, notice] of notices.entries()) {
      const named = notice.language === "" ? String(index + 1) : languageName(notice.language);
      select.append(h("option", { text: named, attributes: { value: notice.digest } }));
    }
    select.value = current.digest;
    select.addEventListener("change", () => {
      current = notices.find((notice) => notice.digest === select.value) ?? current;
      show();
    });
    head.append(select);
  }
  return { section: h("section", { class: "notice" }, head, body, particulars), current: () => current };
}

/** What the notice says beside its text; nothing under a heading of which it says nothing. */
function particular(notice: Notice, name: (typeof PARTICULARS)[number]): Node[] {
  if (notice[name] === "") return [];
  const said = h("dd", {});
  quote(said, notice, notice[name]);
  return [h("dt", { say: `notice.${name}` }), said];
}

/** Show words of a notice, in the language of the notice and not of the page. */
function quote(place: HTMLElement, notice: Notice, words: string): void {
  place.textContent = words;
  if (notice.language) place.lang = notice.language;
  else place.removeAttribute("lang");
  place.dir = "auto";
}

function choice(capture: Capture, choices: Choices, current: (() => Notice) | null): HTMLElement {
  const face =
    current === null
      ? null
      : way(
          button("notice.agree", () => choices.agree(current())),
          "notice.agree.text",
        );
  const other = without(capture, choices, capture.alternative === null ? "notice.without" : "notice.passkey");
  return h(
    "section",
    { class: "choice" },
    h("h2", { say: "notice.choose" }),
    h("p", { say: "notice.choose.text" }),
    h("div", { class: "choices" }, face, other),
  );
}

/** The way without a face. A passkey where there is one; else the person says no, which is an answer. */
function without(capture: Capture, choices: Choices, key: Key): HTMLElement {
  const hasPasskey = capture.alternative === "passkey";
  const said: Key = hasPasskey ? "notice.passkey.text" : "notice.without.text";
  return way(
    button(key, () => (hasPasskey ? choices.passkey() : choices.without())),
    said,
  );
}

function way(act: HTMLButtonElement, said: Key): HTMLElement {
  const id = `about-${said.replaceAll(".", "-")}`;
  act.setAttribute("aria-describedby", id);
  return h("div", { class: "way" }, act, h("p", { say: said, attributes: { id } }));
}
