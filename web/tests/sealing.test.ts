// Pictures sealed as docs/spec/review.md says are opened with a key that no script can read, and with nothing else.

import assert from "node:assert/strict";
import { test } from "node:test";
import { AEAD_AES_256_GCM, CipherSuite, KDF_HKDF_SHA256, KEM_DHKEM_X25519_HKDF_SHA256 } from "hpke";
import { type Bytes, FormatError, fromBase64Url, fromHex, joined, toBase64Url, utf8 } from "../src/ledger/coding.ts";
import { newKey, type OwnKey } from "../src/sealing/keys.ts";
import { opened, SealError, type SealedPicture } from "../src/sealing/opening.ts";

const REVIEW = "000102030405060708090a0b0c0d0e0f";
const BLOCK = 1 << 14;
const picture = Uint8Array.from({ length: 20_000 }, (_, index) => index % 251);
const key = await newKey();

/** What a server does that seals a plaintext to one key. */
async function sealed(padded: Bytes, to: OwnKey, index = 0): Promise<SealedPicture> {
  const place = joined(fromHex(REVIEW, 16), Uint8Array.of(index));
  const [secret, share] = [new Uint8Array(32).fill(7), new Uint8Array(32).fill(9)];
  const suite = new CipherSuite(KEM_DHKEM_X25519_HKDF_SHA256, KDF_HKDF_SHA256, AEAD_AES_256_GCM);
  const binding = { info: joined(utf8("facekeep/review/1/share"), place, fromHex(to.id, 16)) };
  const { encapsulatedSecret, ciphertext } = await suite.Seal(to.pair.publicKey, secret, binding);
  const material = await crypto.subtle.importKey("raw", secret, "HKDF", false, ["deriveKey"]);
  const info = joined(utf8("facekeep/review/1/content"), place);
  const derivation = { name: "HKDF", hash: "SHA-256", salt: share, info };
  const content = await crypto.subtle.deriveKey(derivation, material, { name: "AES-GCM", length: 256 }, false, [
    "encrypt",
  ]);
  const how = { name: "AES-GCM", iv: new Uint8Array(12), additionalData: place };
  return {
    index,
    sealed: toBase64Url(new Uint8Array(await crypto.subtle.encrypt(how, content, padded))),
    share: toBase64Url(share),
    wrapped: toBase64Url(Uint8Array.from([...encapsulatedSecret, ...ciphertext])),
  };
}

/** The length before a picture, zeros behind it. */
function padded(content: Bytes, length = content.length, blocks = Math.ceil((content.length + 4) / BLOCK)): Bytes {
  const whole = new Uint8Array(blocks * BLOCK);
  new DataView(whole.buffer).setUint32(0, length);
  whole.set(content, 4);
  return whole;
}

const right = await sealed(padded(picture), key);

test("a picture comes out as it went in", async () => {
  assert.deepEqual(await opened(right, REVIEW, key), picture);
});

test("no script can read the key", async () => {
  assert.equal(key.pair.privateKey.extractable, false);
  for (const format of ["raw", "jwk", "pkcs8"] as const)
    await assert.rejects(crypto.subtle.exportKey(format, key.pair.privateKey), format);
  assert.equal(key.public.length, 32);
  assert.match(key.id, /^[0-9a-f]{32}$/);
});

test("nothing else opens it", async () => {
  const other = await newKey();
  await assert.rejects(opened(right, REVIEW, other), SealError, "another key");
  await assert.rejects(opened(right, REVIEW, { ...other, id: key.id }), SealError, "another key by this one's name");
  await assert.rejects(opened(right, REVIEW.replace("0f", "0e"), key), SealError, "another review");
  await assert.rejects(opened({ ...right, index: 1 }, REVIEW, key), SealError, "another place");
  const second = await sealed(padded(picture), key, 1);
  await assert.rejects(opened({ ...right, wrapped: second.wrapped }, REVIEW, key), SealError, "a share of another");
});

test("what was altered is refused", async () => {
  for (const name of ["sealed", "share", "wrapped"] as const) {
    const bytes = fromBase64Url(right[name]);
    for (const place of [0, 31, bytes.length - 1]) {
      const flipped = bytes.slice();
      flipped[place] = (flipped[place] ?? 0) ^ 1;
      await assert.rejects(opened({ ...right, [name]: toBase64Url(flipped) }, REVIEW, key), SealError, name);
    }
    await assert.rejects(opened({ ...right, [name]: toBase64Url(bytes.slice(1)) }, REVIEW, key), SealError, name);
    await assert.rejects(opened({ ...right, [name]: `${right[name]}=` }, REVIEW, key), FormatError, name);
  }
});

test("padding has one form", async () => {
  const behind = padded(picture);
  behind[behind.length - 1] = 1;
  for (const [what, wrong] of [
    ["a byte behind that is not zero", behind],
    ["a block too many", padded(picture, picture.length, 3)],
    ["longer than there is", padded(picture, 2 * BLOCK)],
    ["shorter by a block", padded(picture, 100)],
    ["none", new Uint8Array(BLOCK)],
    ["nothing at all", new Uint8Array(2)],
  ] as const)
    await assert.rejects(
      sealed(wrong, key).then((one) => opened(one, REVIEW, key)),
      FormatError,
      what,
    );
  const full = picture.slice(0, BLOCK - 4);
  assert.deepEqual(await opened(await sealed(padded(full), key), REVIEW, key), full);
});
