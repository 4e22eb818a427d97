// Before anybody is signed in: the ways in, and the way to check a file without.

import { RequestError } from "../server/exchange.ts";
import type { Session, WaysIn } from "../signing/server.ts";
import { elsewhereWay, passkeyWay } from "../signing/ways.ts";
import { complaint, type Doing } from "../views/doing.ts";
import { button, h, heading } from "../views/elements.ts";
import { type Key, say } from "../words/words.ts";
import { beginFace } from "./server.ts";

export interface Ways {
  entered(session: Session): void;
  check(): void;
}

/**
 * @param offered how people sign in here. Each way is as large as the others.
 * @param why is said first: that a session ended, for instance.
 */
export function signInView(doing: Doing, offered: WaysIn, ways: Ways, why: Key | null): (Node | null)[] {
  const failed = complaint();
  const none = !offered.passkey && !offered.face && offered.elsewhere === null;
  return [
    heading("enter.title"),
    why === null ? h("p", { class: "lead", say: "enter.text" }) : h("p", { class: "lead", say: why }),
    h(
      "div",
      { class: "choices" },
      offered.passkey ? passkeyWay(doing, failed, ways.entered) : null,
      offered.face ? faceWay(doing, failed) : null,
      offered.elsewhere === null ? null : elsewhereWay(offered.elsewhere),
    ),
    none ? h("p", { class: "warning", say: "enter.none" }) : null,
    failed,
    h(
      "section",
      {},
      h("h2", { say: "enter.check" }),
      h("p", { say: "enter.check.text" }),
      button("enter.check.go", ways.check),
    ),
    h("p", { class: "note", say: "enter.shared" }),
  ];
}

/** A live face in place of a passkey: the person says who they are, and goes through a capture in this browser. */
function faceWay(doing: Doing, failed: HTMLElement): HTMLElement {
  const attributes = { id: "account", type: "text", autocomplete: "username", maxlength: "128" };
  const account = h("input", { attributes });
  const begin = async () => {
    if (account.value.trim() === "") {
      say(failed, "enter.account.missing");
      return;
    }
    try {
      goTo(await beginFace(account.value));
    } catch (error) {
      if (error instanceof RequestError && error.problem === "purpose-off") say(failed, "enter.face.off");
      else throw error;
    }
  };
  const act = button("enter.face", () => void doing.do(failed, begin));
  account.addEventListener("keydown", ({ key }) => {
    if (key === "Enter") act.click();
  });
  return h(
    "div",
    { class: "way" },
    h("label", { say: "enter.account", attributes: { for: account.id } }),
    account,
    act,
    h("p", { say: "enter.face.text" }),
  );
}

/** Goes to a path of this site, and nowhere else. */
function goTo(path: string): void {
  const { origin, href } = new URL(path, location.origin);
  if (origin === location.origin) location.assign(href);
}

/** Signed in, and nobody of whom anything is held. */
export function nobodyView(account: string, leave: () => void): Node[] {
  return [
    heading("nobody.title"),
    h("p", { class: "lead", say: "nobody.text", with: { account } }),
    h("div", { class: "buttons" }, button("leave", leave, "main")),
  ];
}
