// The parts of a bundle: lines of JSON, each written in one way, the last of them the signature over all before.

import { type Bytes, FormatError, fromHex } from "./coding.ts";
import { type Head, readHead } from "./heads.ts";

export const FORMAT = "facekeep-ledger-1";

export interface Opening {
  readonly leaf: unknown;
  readonly salt: unknown;
  readonly entry: unknown;
  readonly proof?: unknown;
}

export interface Bundle {
  readonly origin: string;
  readonly key: string;
  /** Null unless every leaf is in it. */
  readonly leaves: Bytes[] | null;
  /** Heads of full lines of leaves, by the size up to their end. */
  readonly blocks: { readonly stop: number; readonly head: Bytes }[];
  readonly heads: Head[];
  readonly openings: Opening[];
  /** Leaves of the logs of the halves. */
  readonly logs: Map<string, Bytes[]>;
  /** Proofs that the newest head grew from one of so many leaves. */
  readonly grown: Map<number, Bytes[]>;
  /** All lines before the signature, and the signature. */
  readonly signed: Bytes;
  readonly signature: Bytes;
}

export function readBundle(data: Bytes): Bundle {
  const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(data);
  const lines = text.split("\n");
  if (lines.pop() !== "") throw new FormatError("a bundle ends with a line");
  const parts = lines.map(lineOf);
  const [first, last] = [parts.shift(), parts.pop()];
  if (first === undefined || last === undefined || namesOf(last) !== "signature")
    throw new FormatError("a bundle has a first line and a signature");
  if (first.format !== FORMAT || typeof first.origin !== "string" || typeof first.key !== "string")
    throw new FormatError("the file is no bundle of a ledger");
  const signatureLine = new TextEncoder().encode(`${lines.at(-1)}\n`).length;
  const bundle: Bundle = {
    origin: first.origin,
    key: first.key,
    leaves: first.whole === true ? [] : null,
    blocks: [],
    heads: [],
    openings: [],
    logs: new Map(),
    grown: new Map(),
    signed: data.slice(0, data.length - signatureLine),
    signature: fromHex(last.signature, 64),
  };
  for (const part of parts) put(part, bundle);
  return bundle;
}

function put(part: Line, { leaves, blocks, heads, openings, logs, grown }: Bundle): void {
  const names = namesOf(part);
  if (leaves !== null && (names === "leaves" || names === "head leaves")) {
    leaves.push(...hashes(part.leaves));
    if ("head" in part) blocks.push({ stop: leaves.length, head: fromHex(part.head, 32) });
  } else if (leaves !== null && names === "leaves log") {
    if (typeof part.log !== "string") throw new FormatError("a log has a name");
    logs.set(part.log, [...(logs.get(part.log) ?? []), ...hashes(part.leaves)]);
  } else if (leaves === null && names === "old proof") {
    if (typeof part.old !== "number" || !Number.isSafeInteger(part.old)) throw new FormatError("a size is a number");
    grown.set(part.old, hashes(part.proof));
  } else if (names === "note") heads.push(readHead(part.note));
  else if (names === "entry leaf salt" || names === "entry leaf proof salt") openings.push(part as unknown as Opening);
  else throw new FormatError("a line of a bundle says something unknown");
}

type Line = Readonly<Record<string, unknown>>;

const namesOf = (line: Line): string => Object.keys(line).sort().join(" ");

export function hashes(texts: unknown): Bytes[] {
  if (!Array.isArray(texts)) throw new FormatError("hashes are in a list");
  return texts.map((text) => fromHex(text, 32));
}

function lineOf(line: string): Line {
  const read: unknown = JSON.parse(line);
  if (typeof read !== "object" || read === null || Array.isArray(read) || written(read) !== line)
    throw new FormatError("a line is JSON, written in one way");
  return read as Line;
}

/** A value as RFC 8785 has it: names in their order, no spaces. */
export function written(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(written).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const fields = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
  return `{${fields.map(([name, one]) => `${JSON.stringify(name)}:${written(one)}`).join(",")}}`;
}
