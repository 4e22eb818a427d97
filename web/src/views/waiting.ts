// People have to look: what they see, by when, the way without, and where it can be read how it goes on.

import type { Capture } from "../server/capture.ts";
import { dateAndTime, type Key } from "../words/words.ts";
import { button, h, heading } from "./elements.ts";
import { type Icon, icon } from "./icons.ts";
import { advice, wayBack } from "./result.ts";

export interface WaitingActs {
  /** Takes the passkey in place of the face. */
  passkey(): void;
  /** Whether this browser keeps a key that opens what people see. */
  readonly sees: boolean;
}

export function waitingView(capture: Capture, acts: WaitingActs): Node[] {
  const until = capture.review_until ?? capture.expires;
  const all: [Icon, Key, Key][] = [
    ["seen", "waiting.see", "waiting.see.text"],
    ["kept", "waiting.until", "waiting.until.text"],
    ["open", "waiting.yours", acts.sees ? "waiting.yours.same" : "waiting.yours.text"],
  ];
  const items = all.map(([drawing, title, said]) =>
    h(
      "li",
      {},
      icon(drawing),
      h("h3", { say: title }),
      h("p", { say: said, with: { until: () => dateAndTime(until), who: capture.asked_by } }),
    ),
  );
  const link = wayBack(capture);
  const page = h("a", { say: "waiting.page", attributes: { href: "/me" } });
  const without = capture.alternative === "passkey" ? button("notice.passkey", () => acts.passkey()) : null;
  return [
    heading("waiting.title"),
    h("p", { class: "lead", say: "waiting.text" }),
    ...[advice(capture.reasons)].filter((each) => each !== null),
    h("section", { class: "facts" }, h("h2", { say: "waiting.facts" }), h("ul", {}, ...items)),
    ...(without === null ? [] : [h("p", { say: "waiting.without" })]),
    h("div", { class: "buttons" }, link, without, page),
  ];
}
