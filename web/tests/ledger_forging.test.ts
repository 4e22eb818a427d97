// A keeper who lies signs whatever he likes with the right key: what the verifier of the page still finds.

import assert from "node:assert/strict";
import { test } from "node:test";
import { FORMAT, written } from "../src/ledger/bundle.ts";
import { type Bytes, hex, joined, sha256, toBase64, utf8 } from "../src/ledger/coding.ts";
import { LedgerKey, readHead } from "../src/ledger/heads.ts";
import { leafOf, roots } from "../src/ledger/tree.ts";
import { type Finding, verify } from "../src/ledger/verifying.ts";

const ORIGIN = "facekeep/00/registry";
const pair = await crypto.subtle.generateKey("Ed25519", true, ["sign", "verify"]);
const coded = joined(Uint8Array.of(1), new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey)));
const id = (await sha256(utf8(`${ORIGIN}\n`), coded)).slice(0, 4);
const key = await LedgerKey.read(`${ORIGIN}+${hex(id)}+${toBase64(coded)}`);

const signature = async (message: Bytes): Promise<Bytes> =>
  new Uint8Array(await crypto.subtle.sign("Ed25519", pair.privateKey, message));

const entryOf = (index: number) => ({ kind: "switched", time: "2026-11-26T12:00:00.000Z", to: String(index) });
const saltOf = (index: number) => new Uint8Array(32).fill(index);
const leaves = await Promise.all(
  Array.from({ length: 7 }, async (_, index) =>
    leafOf(await sha256(utf8(`${FORMAT}\n`), saltOf(index), utf8(written(entryOf(index))))),
  ),
);

async function rootOf(of: readonly Bytes[]): Promise<Bytes> {
  return (await roots(of, new Set([of.length]))).get(of.length) ?? (await sha256());
}

const split = (size: number) => 2 ** Math.floor(Math.log2(size - 1));

async function inclusion(index: number, of: readonly Bytes[]): Promise<Bytes[]> {
  if (of.length === 1) return [];
  const at = split(of.length);
  const [left, right] = [of.slice(0, at), of.slice(at)];
  return index < at
    ? [...(await inclusion(index, left)), await rootOf(right)]
    : [...(await inclusion(index - at, right)), await rootOf(left)];
}

async function consistency(old: number, of: readonly Bytes[], whole = true): Promise<Bytes[]> {
  if (old === of.length) return whole ? [] : [await rootOf(of)];
  const at = split(of.length);
  const [left, right] = [of.slice(0, at), of.slice(at)];
  return old <= at
    ? [...(await consistency(old, left, whole)), await rootOf(right)]
    : [...(await consistency(old - at, right, false)), await rootOf(left)];
}

async function note(of: readonly Bytes[], size = of.length, origin = ORIGIN): Promise<string> {
  const text = `${origin}\n${size}\n${toBase64(await rootOf(of))}\ntime 2026-11-26T12:00:00.000Z\n`;
  return `${text}\n\u2014 ${ORIGIN} ${toBase64(joined(id, await signature(utf8(text))))}\n`;
}

async function signed(lines: readonly (object | string)[]): Promise<Bytes> {
  const first = { format: FORMAT, key: key.text, origin: ORIGIN, whole: false };
  const all = [first, ...lines].map((line) => `${typeof line === "string" ? line : written(line)}\n`).join("");
  const signature_ = hex(await signature(await sha256(utf8(`${FORMAT}\n`), utf8(all))));
  return utf8(`${all}${written({ signature: signature_ })}\n`);
}

async function opening(index: number, changed: object = {}): Promise<object> {
  const proof = (await inclusion(index, leaves)).map(hex);
  return { leaf: index, salt: hex(saltOf(index)), entry: entryOf(index), proof, ...changed };
}

async function found(lines: readonly (object | string)[], seen: readonly string[] = []): Promise<Finding[]> {
  const report = await verify(await signed(lines), key, seen.map(readHead));
  return report.faults.map((fault) => fault.kind);
}

const head = { note: await note(leaves) };

test("every entry of a log is right by its proof, and from every size it grew", async () => {
  for (let index = 0; index < leaves.length; index += 1)
    assert.deepEqual(await found([head, await opening(index)]), [], `leaf ${index}`);
  for (let old = 1; old < leaves.length; old += 1) {
    const proof = (await consistency(old, leaves)).map(hex);
    assert.deepEqual(await found([{ old, proof }, head], [await note(leaves.slice(0, old))]), [], `size ${old}`);
  }
});

test("an entry that the log does not have is not opened", async () => {
  const right = (await inclusion(2, leaves)).map(hex);
  for (const changed of [
    { entry: entryOf(3) },
    { salt: hex(saltOf(3)) },
    { leaf: 3 },
    { leaf: 7 },
    { leaf: -1 },
    { proof: right.slice(0, -1) },
    { proof: right.slice(1) },
    { proof: [...right, hex(await rootOf(leaves))] },
    { proof: [] },
    { proof: "" },
    { entry: { ...entryOf(2), to: 2 } },
    { entry: [] },
  ])
    assert.deepEqual(await found([head, await opening(2, changed)]), ["unopened"], JSON.stringify(changed));
  assert.deepEqual(await found([head, await opening(2), await opening(2)]), ["malformed"]);
  assert.deepEqual(await found([head, await opening(2, { leaf: "2" })]), ["malformed"]);
});

test("a head is signed by this key, of this log, and there is one", async () => {
  assert.deepEqual(await found([{ note: await note(leaves, 7, "facekeep/11/registry") }]), ["unsigned"]);
  assert.deepEqual(await found([{ note: head.note.replace("time 2026", "time 2027") }]), ["unsigned"]);
  assert.deepEqual(await found([]), ["malformed"]);
  assert.deepEqual(await found([head, head]), ["malformed"]);
});

test("a log that was rewritten is not what a kept head saw", async () => {
  const other = [...leaves.slice(0, 2), leaves[0] ?? leaves[2], ...leaves.slice(3)] as Bytes[];
  for (let old = 3; old <= leaves.length; old += 1) {
    const proof = (await consistency(old, leaves)).map(hex);
    const grown = old < leaves.length ? [{ old, proof }] : [];
    const kept = await note(other.slice(0, old));
    assert.deepEqual(await found([...grown, head], [kept]), ["forked"], `size ${old}`);
    // A head beside the newest, as one that a witness co-signed, is held to the same.
    if (old < leaves.length)
      assert.deepEqual(await found([...grown, { note: kept }, head]), ["altered"], `size ${old}`);
  }
  assert.deepEqual(await found([head], [await note(leaves.slice(0, 3))]), ["unproven"]);
  assert.deepEqual(await found([head], [await note([...leaves, ...leaves])]), ["dropped"]);
  assert.deepEqual(await found([head], [await note(leaves)]), []);
  assert.deepEqual(await found([{ note: await note(leaves.slice(0, 3)) }, head]), ["altered"]);
});

test("a line is written in one way, and says what lines say", async () => {
  for (const line of [
    `{"note": ${JSON.stringify(head.note)}}`,
    `{"note":${JSON.stringify(head.note)},"note":${JSON.stringify(head.note)}}`,
    `{"proof":[],"old":3}`,
    `{"old":3.0,"proof":[]}`,
    `{"old":"3","proof":[]}`,
    `{"leaves":[]}`,
    `{"more":1}`,
    "[]",
    "",
  ])
    assert.deepEqual(await found([line, head]), ["malformed"], line);
});
