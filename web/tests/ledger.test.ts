// The verifier of the page against the vectors of the ledger, and against every flipped bit of a bundle.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { written } from "../src/ledger/bundle.ts";
import { FormatError, fromBase64, fromHex, hex, sha256, utf8 } from "../src/ledger/coding.ts";
import { isSigned, LedgerKey, readHead } from "../src/ledger/heads.ts";
import { climbed, leafOf } from "../src/ledger/tree.ts";
import { verify } from "../src/ledger/verifying.ts";

interface Vectors {
  key: string;
  witness: string;
  entry: {
    salt: string;
    written: string;
    commitment: string;
    leaf: string;
    proof_of_7_in_70: string[];
    head_of_70: string;
  };
  heads: Record<"old" | "new" | "witnessed" | "forked", string>;
  bundles: { what: string; bundle: string; seen: string[]; findings: string[] }[];
}

const file = new URL("../../../tests/vectors/ledger-v1.json", import.meta.url);
const vectors = JSON.parse(readFileSync(file, "utf8")) as Vectors;
const key = await LedgerKey.read(vectors.key);
const bundleOf = (what: string) => utf8(vectors.bundles.find((one) => one.what === what)?.bundle ?? "");

test("an entry, its leaf and its proof", async () => {
  const { entry } = vectors;
  assert.equal(written(JSON.parse(entry.written)), entry.written);
  const commitment = await sha256(utf8("facekeep-ledger-1\n"), fromHex(entry.salt, 32), utf8(entry.written));
  assert.equal(hex(commitment), entry.commitment);
  const leaf = await leafOf(commitment);
  assert.equal(hex(leaf), entry.leaf);
  const path = entry.proof_of_7_in_70.map((text) => fromHex(text, 32));
  const head = await climbed(leaf, 7, 70, path);
  assert.equal(hex(head ?? utf8("")), entry.head_of_70);
  for (const [index, size] of [
    [6, 70],
    [7, 64],
    [71, 70],
    [-1, 70],
  ] as const)
    assert.notEqual(hex((await climbed(leaf, index, size, path)) ?? utf8("")), entry.head_of_70);
});

test("heads are signed by the key of their log, and written in one way", async () => {
  for (const note of Object.values(vectors.heads)) assert.ok(await isSigned(readHead(note), key));
  const note = vectors.heads.new;
  for (const [from, to] of [
    ["\n70\n", "\n71\n"],
    ["time 2026", "time 2025"],
    ["MhBZ", "MhBa"],
  ] as const)
    assert.equal(await isSigned(readHead(note.replace(from, to)), key), false);
  for (const other of [note.trim(), note.replace("\n70\n", "\n070\n"), note.replace("\u2014", "-"), `${note}\n`, ""])
    assert.throws(() => readHead(other), FormatError, other);
});

test("a key is told from what is none", async () => {
  await assert.rejects(LedgerKey.read(vectors.witness), FormatError, "a witness signs no bundles");
  await assert.rejects(LedgerKey.read(vectors.key.replace("registry+", "registri+")), FormatError);
  await assert.rejects(LedgerKey.read(""), FormatError);
  assert.throws(() => fromBase64("AAB="), FormatError, "bits behind the end");
});

for (const { what, bundle, seen, findings } of vectors.bundles) {
  test(`bundle: ${what}`, async () => {
    const report = await verify(utf8(bundle), key, seen.map(readHead));
    assert.deepEqual(
      report.faults.map((fault) => fault.kind),
      findings,
    );
  });
}

test("what is right is told with its entries", async () => {
  const report = await verify(bundleOf("two entries with proofs"), key);
  assert.deepEqual([report.size, report.whole, report.opened.size], [70, false, 2]);
  assert.ok([...report.opened.values()].every((entry) => entry.kind !== undefined && entry.time !== undefined));
});

test("every bit of a bundle counts", async () => {
  const bundle = bundleOf("a receipt of one entry");
  for (let place = 0; place < 8 * bundle.length; place += 1) {
    const flipped = bundle.slice();
    flipped[Math.floor(place / 8)] = (flipped[Math.floor(place / 8)] ?? 0) ^ (1 << (place % 8));
    assert.notDeepEqual((await verify(flipped, key)).faults, [], String(place));
  }
});

test("whatever the file, it is told and not thrown", async () => {
  const deep = `{"format":${"[".repeat(100_000)}`;
  for (const text of [
    "",
    "\n",
    "{}\n",
    '{"__proto__":1}\n',
    `${deep}\n`,
    '{"a":1e999}\n{"signature":""}\n',
    "null\n\n",
  ])
    assert.deepEqual((await verify(utf8(text), key)).faults, [{ kind: "malformed", first: null, end: null, log: "" }]);
  assert.equal((await verify(Uint8Array.of(0xff, 0xfe, 10), key)).faults[0]?.kind, "malformed");
});

test("a bundle of another ledger is not this one's", async () => {
  const pair = await crypto.subtle.generateKey("Ed25519", true, ["sign", "verify"]);
  const raw = new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey));
  const data = Uint8Array.of(1, ...raw);
  const name = key.name;
  const id = hex((await sha256(utf8(`${name}\n`), data)).slice(0, 4));
  const other = await LedgerKey.read(`${name}+${id}+${Buffer.from(data).toString("base64")}`);
  const report = await verify(bundleOf("two entries with proofs"), other);
  assert.deepEqual(report.faults, [{ kind: "malformed", first: null, end: null, log: "" }]);
});
