// Before anybody is signed in: the ways in, and the way to check a file without.

import { RequestError } from "../server/exchange.ts";
import { PasskeyError, passkey } from "../server/passkey.ts";
import { button, h, heading } from "../views/elements.ts";
import { type Key, say } from "../words/words.ts";
import { complaint, type Doing } from "./doing.ts";
import { beginSignIn, type Session, signIn } from "./server.ts";

export interface Ways {
  entered(session: Session): void;
  check(): void;
}

/** @param why is said first: that a session ended, for instance. */
export function signInView(doing: Doing, ways: Ways, why: Key | null): Node[] {
  const failed = complaint();
  const enter = async () => {
    try {
      ways.entered(await passkey(beginSignIn, signIn));
    } catch (error) {
      if (error instanceof PasskeyError)
        say(failed, error.message === "unsupported" ? "passkey.unsupported" : "passkey.cancelled");
      else if (error instanceof RequestError && error.status === 401) say(failed, "passkey.refused");
      else throw error;
    }
  };
  return [
    heading("enter.title"),
    why === null ? h("p", { class: "lead", say: "enter.text" }) : h("p", { class: "lead", say: why }),
    h(
      "div",
      { class: "choices" },
      h(
        "div",
        { class: "way" },
        button("enter.passkey", () => void doing.do(failed, enter), "main"),
        h("p", { say: "enter.passkey.text" }),
      ),
    ),
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

/** Signed in, and nobody of whom anything is held. */
export function nobodyView(account: string, leave: () => void): Node[] {
  return [
    heading("nobody.title"),
    h("p", { class: "lead", say: "nobody.text", with: { account } }),
    h("div", { class: "buttons" }, button("leave", leave, "main")),
  ];
}
