// Pictures that a second implementation sealed (tools/vectors/review.py), as the server's tests open them.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { FormatError, hex, sha256 } from "../src/ledger/coding.ts";
import { described, type OwnKey } from "../src/sealing/keys.ts";
import { opened, SealError } from "../src/sealing/opening.ts";

interface Recipient {
  private: string;
  public: string;
  key: string;
  wrapped: string;
}

interface Example {
  name: string;
  review: string;
  index: number;
  share: string;
  recipients: [Recipient, ...Recipient[]];
  picture_sha256: string;
  sealed: string;
}

interface Altered {
  name: string;
  flip_sealed?: number;
  cut_sealed?: number;
  review?: string;
  index?: number;
  share?: string;
  wrapped?: string;
  private?: string;
  public?: string;
}

const file = new URL("../../../tests/vectors/review-v1.json", import.meta.url);
const vectors = JSON.parse(readFileSync(file, "utf8")) as {
  valid: [Example, ...Example[]];
  altered: Altered[];
  padded_otherwise: Example[];
};
const url = (from: string, as: "hex" | "base64") => Buffer.from(from, as).toString("base64url");

async function keyOf(recipient: { private: string; public: string }): Promise<OwnKey> {
  const part = { kty: "OKP", crv: "X25519", x: url(recipient.public, "hex") };
  const own = { ...part, d: url(recipient.private, "hex") };
  const [privateKey, publicKey] = await Promise.all([
    crypto.subtle.importKey("jwk", own, "X25519", false, ["deriveBits"]),
    crypto.subtle.importKey("jwk", part, "X25519", true, []),
  ]);
  return described({ privateKey, publicKey });
}

async function open(example: Example, recipient: Recipient, changed: Altered = { name: "" }): Promise<string> {
  const fields = { ...example, ...recipient, ...changed };
  const sealed = Buffer.from(fields.sealed, "base64");
  if (changed.flip_sealed !== undefined)
    sealed.writeUInt8(sealed.readUInt8(changed.flip_sealed) ^ 1, changed.flip_sealed);
  const picture = {
    index: fields.index,
    sealed: sealed.subarray(0, sealed.length - (changed.cut_sealed ?? 0)).toString("base64url"),
    share: url(fields.share, "hex"),
    wrapped: url(fields.wrapped, "hex"),
  };
  return hex(await sha256(await opened(picture, fields.review, await keyOf(fields))));
}

for (const example of vectors.valid)
  test(`opens: ${example.name}`, async () => {
    for (const recipient of example.recipients) {
      assert.equal((await keyOf(recipient)).id, recipient.key);
      assert.equal(await open(example, recipient), example.picture_sha256);
    }
  });

for (const altered of vectors.altered)
  test(`does not open: ${altered.name}`, async () => {
    const [example] = vectors.valid;
    await assert.rejects(open(example, example.recipients[0], altered), SealError);
  });

for (const example of vectors.padded_otherwise)
  test(`is padded otherwise: ${example.name}`, async () => {
    await assert.rejects(open(example, example.recipients[0]), FormatError);
  });
