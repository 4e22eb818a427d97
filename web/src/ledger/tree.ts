// The Merkle tree of RFC 9162, section 2.1, as far as somebody needs who checks it.

import { type Bytes, same, sha256 } from "./coding.ts";

const NODE = Uint8Array.of(1);
const LEAF = Uint8Array.of(0);
const half = (figure: number) => Math.floor(figure / 2); // sizes may be larger than what >> can halve

export const node = (left: Bytes, right: Bytes): Promise<Bytes> => sha256(NODE, left, right);

export const leafOf = (commitment: Bytes): Promise<Bytes> => sha256(LEAF, commitment);

/** Heads of the trees of the first leaves, for every size that is wanted and there is. */
export async function roots(leaves: readonly Bytes[], wanted: ReadonlySet<number>): Promise<Map<number, Bytes>> {
  const found = new Map<number, Bytes>();
  if (wanted.has(0)) found.set(0, await sha256());
  const peaks: { count: number; head: Bytes }[] = []; // leaves below, and head, from the left
  for (const [index, leaf] of leaves.entries()) {
    let [count, head] = [1, leaf];
    for (let peak = peaks.at(-1); peak?.count === count; peak = peaks.at(-1)) {
      peaks.pop();
      [count, head] = [2 * count, await node(peak.head, head)];
    }
    peaks.push({ count, head });
    if (!wanted.has(index + 1)) continue;
    for (const peak of peaks.slice(0, -1).reverse()) head = await node(peak.head, head);
    found.set(index + 1, head);
  }
  return found;
}

/** The head that a proof of inclusion leads to, section 2.1.3.2; null if it is no proof. */
export async function climbed(leaf: Bytes, index: number, size: number, path: readonly Bytes[]): Promise<Bytes | null> {
  if (!(0 <= index && index < size)) return null;
  let [at, last, head] = [index, size - 1, leaf];
  for (const beside of path) {
    if (last === 0) return null;
    if (at % 2 === 1 || at === last) {
      head = await node(beside, head);
      while (at % 2 === 0 && at > 0) [at, last] = [half(at), half(last)];
    } else head = await node(head, beside);
    [at, last] = [half(at), half(last)];
  }
  return last === 0 ? head : null;
}

export interface Sized {
  readonly size: number;
  readonly root: Bytes;
}

/** Whether a proof of consistency leads to both heads, section 2.1.4.2; the old one is the smaller, and not empty. */
export async function grew(old: Sized, now: Sized, proof: readonly Bytes[]): Promise<boolean> {
  const [start, ...path] = isPowerOfTwo(old.size) ? [old.root, ...proof] : proof;
  if (start === undefined) return false;
  let [at, last] = [old.size - 1, now.size - 1];
  while (at % 2 === 1) [at, last] = [half(at), half(last)];
  let [first, second] = [start, start];
  for (const beside of path) {
    if (last === 0) return false;
    if (at % 2 === 1 || at === last) {
      [first, second] = [await node(beside, first), await node(beside, second)];
      while (at % 2 === 0 && at > 0) [at, last] = [half(at), half(last)];
    } else second = await node(second, beside);
    [at, last] = [half(at), half(last)];
  }
  return last === 0 && same(first, old.root) && same(second, now.root);
}

function isPowerOfTwo(figure: number): boolean {
  let rest = figure;
  while (rest % 2 === 0 && rest > 0) rest = half(rest);
  return rest === 1;
}
