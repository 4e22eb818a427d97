// What reviewers reported, for the officer: a list, each with an answer or with a form for one.

import type { Visit } from "../signing/visit.ts";
import { complaint, word } from "../views/doing.ts";
import { button, h, heading } from "../views/elements.ts";
import { say } from "../words/words.ts";
import { WORDS_MAX } from "./forms.ts";
import { answerConcern, type ConcernPage, concerns, type ReportedConcern } from "./server.ts";
import { timeOf, wordOf } from "./wording.ts";

export interface Ways {
  back(): void;
  open(review: string): void;
}

export function concernsView(visit: Visit, first: ConcernPage, ways: Ways): (Node | null)[] {
  const list = h("ul", { class: "entries" });
  const failed = complaint();
  let next = first.next;
  const put = (page: ConcernPage) => {
    const made = page.concerns.map((concern) => entry(visit, concern, ways));
    list.append(...made);
    next = page.next;
    more.hidden = next === null;
    return made[0];
  };
  const more = button(
    "queue.more",
    () =>
      void visit.doing.do(failed, async () => {
        const added = put(await concerns(next));
        visit.used();
        added?.querySelector("a")?.focus();
      }),
  );
  put(first);
  return [
    heading("concerns.title"),
    h("p", { class: "lead", say: first.concerns.length === 0 ? "concerns.none" : "concerns.text" }),
    list,
    failed,
    more,
    h("div", { class: "buttons" }, button("back", ways.back)),
  ];
}

function entry(visit: Visit, concern: ReportedConcern, ways: Ways): HTMLElement {
  const link = h("a", { say: "concerns.review", attributes: { href: `/review/${concern.review}` } });
  link.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    ways.open(concern.review);
  });
  const about = [h("strong", {}, wordOf("concern", concern.concern)), timeOf(concern.reported)];
  if (concern.reporter !== "") about.push(h("span", { say: "concerns.reporter", with: { name: concern.reporter } }));
  const [place, done] = [h("div", { class: "panel" }), word()];
  if (concern.answered === null) place.append(...form(visit, concern, place, done));
  else place.append(answered(concern.answer));
  return h(
    "li",
    {},
    h("p", {}, ...about.flatMap((one, index) => (index === 0 ? [one] : [document.createTextNode(" · "), one]))),
    concern.text === "" ? null : quoted(concern.text),
    h("p", {}, link),
    done,
    place,
  );
}

function form(visit: Visit, { id }: ReportedConcern, place: HTMLElement, done: HTMLElement): Node[] {
  const failed = complaint();
  const attributes = { id: `answer-${id}`, rows: "3", maxlength: String(WORDS_MAX) };
  const words = h("textarea", { attributes });
  const send = async () => {
    const text = words.value.trim();
    if (text === "") {
      say(failed, "concerns.missing");
      return;
    }
    await answerConcern(id, text);
    visit.used();
    place.replaceChildren(answered(text));
    say(done, "concerns.answered");
  };
  return [
    h("label", { say: "concerns.answer", attributes: { for: words.id } }),
    words,
    failed,
    h(
      "div",
      { class: "buttons" },
      button("concerns.send", () => void visit.doing.do(failed, send), "main"),
    ),
  ];
}

function answered(text: string): HTMLElement {
  return h("div", {}, h("p", { class: "note", say: "concerns.answer" }), quoted(text));
}

const quoted = (text: string) => h("p", { class: "quoted", text, attributes: { dir: "auto" } });
