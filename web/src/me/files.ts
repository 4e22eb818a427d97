// Files that the person saves, and reads. They are made and read here; none is sent anywhere.

import { h } from "../views/elements.ts";

const SECOND = 1000;

/** Has the browser save a file. Its name names nobody: a folder of downloads is seen by others. */
export function save(name: string, text: string, type: string): void {
  const address = URL.createObjectURL(new Blob([text], { type }));
  h("a", { attributes: { href: address, download: name } }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60 * SECOND);
}

export async function bytesOf(file: Blob): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await file.arrayBuffer());
}
