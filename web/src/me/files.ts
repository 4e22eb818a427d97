// Files that the person saves. They are made here.

import { h } from "../views/elements.ts";

const SECOND = 1000;

/** Has the browser save a file. Its name names nobody: a folder of downloads is seen by others. */
export function save(name: string, text: string, type: string): void {
  const address = URL.createObjectURL(new Blob([text], { type }));
  h("a", { attributes: { href: address, download: name } }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60 * SECOND);
}

/** The way to what checks a file without this page, and without this service. */
export function verifier(): HTMLAnchorElement {
  const attributes = { href: "/me/ledger_verifier.py", download: "ledger_verifier.py" };
  return h("a", { say: "check.verifier", attributes });
}
