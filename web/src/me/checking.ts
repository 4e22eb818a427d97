// Checking a receipt or a download: the file is read here, by this page, and goes nowhere. Nobody has to be signed in.

import { type Bytes, FormatError, utf8 } from "../ledger/coding.ts";
import { type Head, LedgerKey, readHead, UnsupportedError } from "../ledger/heads.ts";
import { verify } from "../ledger/verifying.ts";
import { complaint, type Doing, word } from "../views/doing.ts";
import { button, h, heading } from "../views/elements.ts";
import { type Key, number, say, unsay } from "../words/words.ts";
import { verifier } from "./files.ts";
import { findings } from "./findings.ts";
import { ledgerKey } from "./server.ts";

const LARGEST = 64 << 20;

class WrongFileError extends Error {
  readonly key: Key;

  constructor(key: Key) {
    super(key);
    this.key = key;
  }
}

export class Checking {
  readonly content: Node[];
  readonly #failed = complaint();
  readonly #found = h("div", { attributes: { role: "status", id: "found" } });
  readonly #key = h("textarea", { attributes: { id: "key", rows: "3", spellcheck: "false", autocomplete: "off" } });
  readonly #kept = h("p", { class: "note" });
  #seen: Head | null = null;

  /**
   * @param back goes back to what was there before.
   * @param mine what the ledger has now about who is signed in, grown from so many leaves; null if nobody is.
   */
  constructor(doing: Doing, back: () => void, mine: ((since: number | null) => Promise<string>) | null) {
    const ask = complaint();
    const filled = word();
    const asked = () =>
      doing.do(ask, async () => {
        this.#key.value = await ledgerKey();
        say(filled, "check.key.asked");
      });
    this.content = [
      heading("check.title"),
      h("p", { class: "lead", say: "check.text" }),
      h(
        "section",
        {},
        h("h2", {}, h("label", { say: "check.key", attributes: { for: "key" } })),
        h("p", { say: "check.key.text", attributes: { id: "about-key" } }),
        this.#key,
        h(
          "div",
          { class: "buttons" },
          button("check.key.ask", () => void asked()),
        ),
        ask,
        filled,
      ),
      h(
        "section",
        {},
        h("h2", { say: "check.kept" }),
        h("p", { say: "check.kept.text" }),
        drop("check.kept.choose", "kept", (file) => void this.#keep(file)),
        this.#kept,
      ),
      h(
        "section",
        {},
        h("h2", { say: "check.file" }),
        drop("check.file.choose", "file", (file) => void this.#check(() => read(file))),
        mine === null
          ? null
          : h(
              "div",
              { class: "buttons" },
              button("check.now", () => void this.#now(doing, mine)),
            ),
        this.#failed,
        this.#found,
      ),
      h("p", { class: "note" }, h("span", { say: "check.offline" }), document.createTextNode(" "), verifier()),
      h("div", { class: "buttons" }, button("back", back)),
    ];
    this.#key.setAttribute("aria-describedby", "about-key");
  }

  async #keep(file: File): Promise<void> {
    unsay(this.#failed);
    this.#seen = null;
    try {
      const head = newestOf(new TextDecoder().decode(await read(file)));
      this.#seen = head;
      say(this.#kept, "check.kept.have", { leaves: () => number(head.size) });
    } catch (error) {
      unsay(this.#kept);
      this.#complain(error);
    }
  }

  async #now(doing: Doing, mine: (since: number | null) => Promise<string>): Promise<void> {
    await doing.do(this.#failed, () => this.#check(async () => utf8(await mine(this.#seen?.size ?? null))));
  }

  async #check(given: () => Promise<Bytes>): Promise<void> {
    unsay(this.#failed);
    this.#found.replaceChildren();
    try {
      const key = await keyOf(this.#key.value);
      this.#found.replaceChildren(findings(await verify(await given(), key, this.#seen === null ? [] : [this.#seen])));
    } catch (error) {
      this.#complain(error);
    }
  }

  #complain(error: unknown): void {
    if (error instanceof UnsupportedError) say(this.#failed, "check.unsupported");
    else if (error instanceof WrongFileError) say(this.#failed, error.key);
    else throw error;
  }
}

async function keyOf(text: string): Promise<LedgerKey> {
  if (text.trim() === "") throw new WrongFileError("check.key.missing");
  try {
    return await LedgerKey.read(text);
  } catch (error) {
    throw error instanceof FormatError ? new WrongFileError("check.key.wrong") : error;
  }
}

async function read(file: File): Promise<Bytes> {
  if (file.size > LARGEST) throw new WrongFileError("check.too-large");
  return new Uint8Array(await file.arrayBuffer());
}

/** The newest signed head that a file holds: it is one, or a bundle that was got before. */
function newestOf(said: string): Head {
  try {
    if (!said.startsWith("{")) return readHead(said);
    const lines = said.split("\n").filter((line) => line.startsWith('{"note":'));
    return readHead((JSON.parse(lines.at(-1) ?? "{}") as { note: unknown }).note);
  } catch (error) {
    if (error instanceof FormatError || error instanceof SyntaxError) throw new WrongFileError("check.kept.wrong");
    throw error;
  }
}

/** A place where a file is dropped, or chosen by the button in it. */
function drop(key: Key, id: string, chosen: (file: File) => void): HTMLElement {
  // The browser's own words beside the field would be in its language, and not in that of the page.
  const input = h("input", { class: "aloud", attributes: { type: "file", id } });
  const name = h("bdi", { class: "note" });
  const place = h("label", { class: "drop", attributes: { for: id } }, input, h("span", { say: key }), name);
  const take = (file: File | undefined) => {
    if (file === undefined) return;
    name.textContent = file.name;
    chosen(file);
  };
  input.addEventListener("change", () => {
    take(input.files?.[0]);
    input.value = ""; // the same file again is a change too
  });
  place.addEventListener("dragover", (event) => event.preventDefault());
  place.addEventListener("drop", (event) => {
    event.preventDefault();
    take(event.dataTransfer?.files[0]);
  });
  return place;
}
