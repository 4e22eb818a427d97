// The keys to which faces are sealed for who is signed in: that of this browser, and others to be removed.

import { toBase64Url } from "../ledger/coding.ts";
import { forgetKey, KeysUnsupportedError, keyOf, makeKey, type OwnKey } from "../sealing/keys.ts";
import type { Visit } from "../signing/visit.ts";
import { complaint } from "../views/doing.ts";
import { button, h } from "../views/elements.ts";
import { say } from "../words/words.ts";
import { addKey, type RegisteredKey, type Reviewer, removeKey } from "./server.ts";
import { timeOf } from "./wording.ts";

/** The key of this browser, and whether the server knows it. */
export interface KeyHere {
  readonly key: OwnKey | null;
  readonly known: boolean;
  /** Whether keys can be made and kept here at all. */
  readonly possible: boolean;
}

export async function keyHere({ keys }: Reviewer): Promise<KeyHere> {
  try {
    const key = await keyOf("reviewer");
    return { key, known: keys.some(({ id }) => id === key?.id), possible: true };
  } catch (error) {
    if (!(error instanceof KeysUnsupportedError)) throw error;
    return { key: null, known: false, possible: false };
  }
}

/** @param again shows all of it as it is now. */
export function keysOf(visit: Visit, { keys }: Reviewer, here: KeyHere, again: () => void): HTMLElement {
  const failed = complaint();
  const make = async () => {
    try {
      const made = await makeKey("reviewer");
      await addKey(toBase64Url(made.public));
      again();
    } catch (error) {
      if (!(error instanceof KeysUnsupportedError)) throw error;
      say(failed, "own-keys.impossible");
    }
  };
  const remove = async (id: string) => {
    await removeKey(id);
    if (id === here.key?.id) await forgetKey("reviewer");
    again();
  };
  const act = (what: () => Promise<void>) => () => void visit.doing.do(failed, what);
  const missing = here.key === null ? "own-keys.none" : "own-keys.unknown";
  const offer = here.possible
    ? [h("p", { class: "warning", say: missing }), button("own-keys.make", act(make), "main")]
    : [h("p", { class: "warning", say: "own-keys.impossible" })];
  return h(
    "section",
    { attributes: { id: "own-keys" } },
    h("h2", { say: "own-keys.title" }),
    h("p", { say: "own-keys.text" }),
    ...(here.known ? [] : offer),
    h(
      "ul",
      { class: "list" },
      ...keys.map((key) =>
        registered(
          key,
          key.id === here.key?.id,
          act(() => remove(key.id)),
        ),
      ),
    ),
    failed,
  );
}

/** A key, whose removal is asked about first: what was sealed to it alone cannot be opened any more. */
function registered({ id, added }: RegisteredKey, own: boolean, remove: () => void): HTMLElement {
  const name = `key-${id}`;
  const text = h(
    "p",
    { attributes: { id: name } },
    h("code", { text: id.slice(0, 8), attributes: { translate: "no" } }),
    document.createTextNode(" · "),
    timeOf(added),
    own ? document.createTextNode(" · ") : null,
    own ? h("strong", { say: "own-keys.here" }) : null,
  );
  const row = h("li", { class: "own-key" });
  const ask = button("own-keys.remove", () => {
    const question = h("p", { say: own ? "own-keys.lose-here" : "own-keys.lose", attributes: { tabindex: "-1" } });
    const sure = button("own-keys.remove-it", remove, "main");
    const keep = button("own-keys.keep", () => {
      row.replaceChildren(text, ask);
      ask.focus();
    });
    row.replaceChildren(text, question, h("div", { class: "buttons" }, sure, keep));
    question.focus();
  });
  ask.setAttribute("aria-describedby", name);
  row.append(text, ask);
  return row;
}
