// The ways in that every page has: a passkey, and a provider of identities elsewhere.

import { RequestError } from "../server/exchange.ts";
import { PasskeyError, passkey } from "../server/passkey.ts";
import type { Doing } from "../views/doing.ts";
import { button, h } from "../views/elements.ts";
import { say } from "../words/words.ts";
import { beginSignIn, type Session, signIn } from "./server.ts";

/**
 * The way in with a passkey.
 *
 * @param failed where it is said that it did not work.
 */
export function passkeyWay(doing: Doing, failed: HTMLElement, entered: (session: Session) => void): HTMLElement {
  const enter = async () => {
    try {
      entered(await passkey(beginSignIn, signIn));
    } catch (error) {
      if (error instanceof PasskeyError)
        say(failed, error.message === "unsupported" ? "passkey.unsupported" : "passkey.cancelled");
      else if (error instanceof RequestError && error.status === 401) say(failed, "passkey.refused");
      else throw error;
    }
  };
  const act = button("enter.passkey", () => void doing.do(failed, enter));
  return h("div", { class: "way" }, act, h("p", { say: "enter.passkey.text" }));
}

/** @param host of the provider. */
export function elsewhereWay(host: string): HTMLElement {
  const link = h("a", {
    class: "other",
    say: "enter.elsewhere",
    with: { host },
    attributes: { href: "/v1/elsewhere" },
  });
  return h("div", { class: "way" }, link, h("p", { say: "enter.elsewhere.text" }));
}
