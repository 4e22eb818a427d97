// Checks a bundle of the ledger, as src/facekeep/ledger_verifier.py does, whose findings these are. Nothing is asked of
// anybody.

import { type Bundle, FORMAT, hashes, type Opening, readBundle, written } from "./bundle.ts";
import { type Bytes, FormatError, fromHex, same, sha256, utf8 } from "./coding.ts";
import { type Head, isSigned, type LedgerKey } from "./heads.ts";
import { climbed, grew, leafOf, roots, type Sized } from "./tree.ts";

const BLOCK = 64;
const MANY = 20; // faults that are told; more say nothing new

export type Finding = "malformed" | "unsigned" | "altered" | "dropped" | "forked" | "unproven" | "unopened";

export interface Fault {
  readonly kind: Finding;
  /** The first leaf that may be concerned, and the one behind the last; null where no leaf is. */
  readonly first: number | null;
  readonly end: number | null;
  /** The half whose log it is in, of which these two count the records then; "" for the ledger. */
  readonly log: string;
}

export type Entry = Readonly<Record<string, string>>;

export interface Report {
  origin: string;
  /** Leaves of the newest head. */
  size: number;
  /** Of the newest head, by the clock of the keep. */
  time: string;
  heads: number;
  whole: boolean;
  /** Entries that are in the log as they say, by their leaf. */
  readonly opened: Map<number, Entry>;
  /** Nothing is right unless this is empty. */
  readonly faults: Fault[];
}

/**
 * Check a bundle.
 *
 * @param data the whole file.
 * @param key of the ledger, from somewhere else than the bundle.
 * @param seen heads of this log that were got before, or by others.
 * @returns what was found; it throws nothing, whatever the data.
 */
export async function verify(data: Bytes, key: LedgerKey, seen: readonly Head[] = []): Promise<Report> {
  const opened = new Map<number, Entry>();
  const report: Report = { origin: "", size: 0, time: "", heads: 0, whole: false, opened, faults: [] };
  let bundle: Bundle;
  try {
    bundle = readBundle(data);
    if (bundle.key !== key.text || bundle.origin !== key.name) throw new FormatError("the bundle is of another ledger");
  } catch (error) {
    if (!isMalformed(error)) throw error;
    found(report, "malformed");
    return report;
  }
  report.origin = bundle.origin;
  report.whole = bundle.leaves !== null;
  const signed = await sha256(utf8(`${FORMAT}\n`), bundle.signed);
  if (!(await key.signed(signed, bundle.signature))) found(report, "altered");
  for (const head of [...bundle.heads, ...seen]) {
    if (head.origin !== bundle.origin || !(await isSigned(head, key))) found(report, "unsigned");
  }
  const newest = bundle.heads.at(-1);
  if (newest === undefined) found(report, "malformed");
  else {
    [report.size, report.time, report.heads] = [newest.size, newest.time, bundle.heads.length];
    if (bundle.leaves !== null) await checkHeads(bundle.leaves, bundle, report);
    else await checkOlder(bundle, newest, report);
    await checkSeen(bundle, newest, seen, report);
    for (const opening of bundle.openings) await checkOpening(opening, bundle, newest, report);
    if (bundle.leaves !== null) await checkLogs(bundle, report);
  }
  report.faults.splice(MANY);
  return report;
}

function found(report: Report, kind: Finding, first: number | null = null, end: number | null = null, log = ""): void {
  report.faults.push({ kind, first, end, log });
}

/** What reading throws where a file is of another form: ours, of JSON, of UTF-8, and of too deep a nesting. */
function isMalformed(error: unknown): boolean {
  return (
    error instanceof FormatError ||
    error instanceof SyntaxError ||
    error instanceof TypeError ||
    error instanceof RangeError
  );
}

/** Signed heads against all leaves. */
async function checkHeads(leaves: readonly Bytes[], bundle: Bundle, report: Report): Promise<void> {
  const sizes = bundle.heads.map((head) => head.size);
  const last = Math.max(...sizes);
  const ordered = bundle.heads.toSorted((one, other) => one.size - other.size);
  if (ordered.some((head, index) => head.size !== sizes[index])) found(report, "malformed");
  if (last > leaves.length) found(report, "dropped", leaves.length, last);
  else if (last < leaves.length) found(report, "unsigned", last, leaves.length);
  const right = await roots(leaves, new Set(sizes));
  let good = 0; // leaves up to here are as they were signed
  for (const head of ordered) {
    const root = right.get(head.size);
    if (root !== undefined && !same(root, head.root)) {
      const [first, end] = await narrowed(leaves, bundle.blocks, good, head.size);
      found(report, "altered", first, end);
      return;
    }
    good = head.size;
  }
}

/** The first line of leaves, between two sizes, that has not the head that it was given; else all of it. */
async function narrowed(
  leaves: readonly Bytes[],
  blocks: Bundle["blocks"],
  first: number,
  end: number,
): Promise<[number, number]> {
  for (const { stop, head } of blocks) {
    const start = Math.max(0, stop - BLOCK);
    if (stop <= first || start >= end) continue;
    const root = (await roots(leaves.slice(start, stop), new Set([stop - start]))).get(stop - start);
    if (root === undefined || !same(root, head)) return [Math.max(first, start), Math.min(end, stop)];
  }
  return [first, end];
}

/** Heads that were seen elsewhere against this log: all leaves, or a proof of consistency. */
async function checkSeen(bundle: Bundle, newest: Head, seen: readonly Head[], report: Report): Promise<void> {
  const right = await roots(bundle.leaves ?? [], new Set(seen.map((head) => head.size)));
  let good = 0;
  for (const head of seen.toSorted((one, other) => one.size - other.size)) {
    if (head.size > newest.size) found(report, "dropped", newest.size, head.size);
    else if (bundle.leaves === null && head.size !== 0 && head.size !== newest.size && !bundle.grown.has(head.size))
      found(report, "unproven");
    else if (await isOf(head, newest, bundle, right)) good = head.size;
    else {
      found(report, "forked", good, head.size);
      return;
    }
  }
}

/** Heads beside the newest in a bundle without all leaves, as one that a witness co-signed: each needs a proof. */
async function checkOlder(bundle: Bundle, newest: Head, report: Report): Promise<void> {
  let last = 0;
  for (const head of bundle.heads.slice(0, -1)) {
    if (!(last < head.size && head.size < newest.size)) found(report, "malformed");
    else if (!bundle.grown.has(head.size) || !(await isOf(head, newest, bundle, new Map())))
      found(report, "altered", last, head.size);
    last = head.size;
  }
}

async function isOf(head: Head, newest: Head, bundle: Bundle, right: ReadonlyMap<number, Bytes>): Promise<boolean> {
  if (bundle.leaves !== null) {
    const root = right.get(head.size);
    return root !== undefined && same(root, head.root);
  }
  if (head.size === newest.size) return same(head.root, newest.root);
  if (head.size === 0) return same(head.root, await sha256());
  return grew(head, newest, bundle.grown.get(head.size) ?? []);
}

/** An entry against its leaf; without all leaves, by its proof, against the newest head. */
async function checkOpening(opening: Opening, bundle: Bundle, newest: Head, report: Report): Promise<void> {
  const index = opening.leaf;
  if (typeof index !== "number" || !Number.isSafeInteger(index) || report.opened.has(index)) {
    found(report, "malformed");
    return;
  }
  const entry = entryOf(opening.entry);
  if (entry !== null && (await fits(opening, index, bundle, newest))) report.opened.set(index, entry);
  else found(report, "unopened", index, index + 1);
}

async function fits(opening: Opening, index: number, bundle: Bundle, newest: Head): Promise<boolean> {
  try {
    const said = utf8(`${FORMAT}\n`);
    const commitment = await sha256(said, fromHex(opening.salt, 32), utf8(written(opening.entry)));
    const leaf = await leafOf(commitment);
    if (bundle.leaves !== null) return bundle.leaves[index] !== undefined && same(bundle.leaves[index], leaf);
    const root = await climbed(leaf, index, newest.size, hashes(opening.proof));
    return root !== null && same(root, newest.root);
  } catch (error) {
    if (error instanceof FormatError) return false;
    throw error;
  }
}

/** The logs of the halves against what the entries of the ledger have of them: these records, and no more. */
async function checkLogs(bundle: Bundle, report: Report): Promise<void> {
  for (const [log, told] of [...toldOf(bundle, report)].sort(([one], [other]) => (one < other ? -1 : 1))) {
    const leaves = bundle.logs.get(log) ?? [];
    const right = await roots(leaves, new Set(told.map((head) => head.size)));
    let good = 0;
    const wrong = told.find(({ size, root }) => {
      const there = right.get(size);
      const fits = size >= good && there !== undefined && same(there, root);
      if (fits) good = size;
      return !fits;
    });
    if (wrong === undefined) {
      if (leaves.length > good) found(report, "unsigned", good, leaves.length, log);
    } else if (wrong.size > leaves.length) found(report, "dropped", leaves.length, wrong.size, log);
    else found(report, "altered", Math.min(good, wrong.size), Math.max(good, wrong.size), log);
  }
}

/** Of each log the heads that entries tell of, in the order of these. */
function toldOf(bundle: Bundle, report: Report): Map<string, Sized[]> {
  const told = new Map<string, Sized[]>([...bundle.logs.keys()].map((log) => [log, []]));
  for (const [leaf, { kind, time: _, ...heads }] of [...report.opened].sort(([one], [other]) => one - other)) {
    if (kind !== "logs") continue;
    try {
      for (const [log, text] of Object.entries(heads)) told.set(log, [...(told.get(log) ?? []), logHead(text)]);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      found(report, "malformed", leaf, leaf + 1);
    }
  }
  return told;
}

function logHead(text: string): Sized {
  const [size = "", root, ...more] = text.split(" ");
  if (!/^(0|[1-9][0-9]{0,14})$/.test(size) || more.length > 0)
    throw new FormatError("of a log there are size and root");
  return { size: Number(size), root: fromHex(root, 32) };
}

/** An entry, which is texts only; null if it is none. */
function entryOf(value: unknown): Entry | null {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return null;
  return Object.values(value).every((text) => typeof text === "string") ? (value as Entry) : null;
}
