// Keys and signed heads: C2SP signed notes and checkpoints (docs/spec/ledger.md).

import { type Bytes, FormatError, fromBase64, hex, same, sha256, utf8 } from "./coding.ts";

const LOG = 1;
const DASH = "\u2014";

/** The browser knows no Ed25519. What needs it cannot be checked here, which is no word on whether it is right. */
export class UnsupportedError extends Error {}

/** The ledger's public key, by its text: name, hash, and Base64 of the kind and the key. */
export class LedgerKey {
  readonly text: string;
  readonly name: string;
  readonly id: Bytes;
  readonly #key: CryptoKey;

  private constructor(text: string, name: string, id: Bytes, key: CryptoKey) {
    this.text = text;
    this.name = name;
    this.id = id;
    this.#key = key;
  }

  static async read(given: string): Promise<LedgerKey> {
    const text = given.trim();
    const [name = "", hashed = "", ...coded] = text.split("+");
    const data = fromBase64(coded.join("+")); // a plus is a digit of Base64 too
    const id = (await sha256(utf8(`${name}\n`), data)).slice(0, 4);
    if (data.length !== 33 || data[0] !== LOG || hex(id) !== hashed)
      throw new FormatError("the text is not that of a key");
    return new LedgerKey(text, name, id, await imported(data.slice(1)));
  }

  async signed(message: Bytes, signature: Bytes): Promise<boolean> {
    return crypto.subtle.verify("Ed25519", this.#key, signature, message);
  }
}

async function imported(key: Bytes): Promise<CryptoKey> {
  try {
    return await crypto.subtle.importKey("raw", key, "Ed25519", false, ["verify"]);
  } catch (error) {
    if (error instanceof DOMException && error.name === "NotSupportedError") throw new UnsupportedError();
    throw new FormatError("the text is not that of a key");
  }
}

export interface Head {
  readonly origin: string;
  readonly size: number;
  readonly root: Bytes;
  /** Of the signature, by the log's own clock. */
  readonly time: string;
  /** What is signed. */
  readonly text: string;
  readonly signatures: readonly { readonly name: string; readonly id: Bytes; readonly signature: Bytes }[];
}

/** A head from its text, which has one way of writing. */
export function readHead(note: unknown): Head {
  if (typeof note !== "string") throw new FormatError("a head is a text");
  const gap = note.indexOf("\n\n");
  const [origin = "", size = "", root = "", time = "", ...more] = note.slice(0, Math.max(gap, 0)).split("\n");
  if (!time.startsWith("time ") || more.length > 0 || !/^(0|[1-9][0-9]{0,14})$/.test(size) || !note.endsWith("\n"))
    throw new FormatError("a head has its origin, size, root and time");
  const head = fromBase64(root);
  if (head.length !== 32) throw new FormatError("a root has 32 bytes");
  const signatures = note
    .slice(gap + 2, -1)
    .split("\n")
    .map(signatureOf);
  return {
    origin,
    size: Number(size),
    root: head,
    time: time.slice("time ".length),
    text: note.slice(0, gap + 1),
    signatures,
  };
}

function signatureOf(line: string): Head["signatures"][number] {
  const [dash, name, coded, ...more] = line.split(" ");
  if (dash !== DASH || name === undefined || coded === undefined || more.length > 0)
    throw new FormatError("a line of a signature begins with a dash");
  const data = fromBase64(coded);
  return { name, id: data.slice(0, 4), signature: data.slice(4) };
}

export async function isSigned(head: Head, key: LedgerKey): Promise<boolean> {
  for (const { name, id, signature } of head.signatures) {
    if (name === key.name && same(id, key.id) && (await key.signed(utf8(head.text), signature))) return true;
  }
  return false;
}
