// Opens one sealed picture (docs/spec/review.md, format facekeep-review/1) with a key of this browser, which no script
// can read: HPKE gives one share of the key, the server the other, and both together open the picture.

import { AEAD_AES_256_GCM, CipherSuite, KDF_HKDF_SHA256, KEM_DHKEM_X25519_HKDF_SHA256 } from "hpke";
import { type Bytes, FormatError, fromBase64Url, fromHex, joined, utf8 } from "../ledger/coding.ts";
import type { OwnKey } from "./keys.ts";

/** A picture as the server sends it, in Base64 for addresses. */
export interface SealedPicture {
  /** From 0. */
  readonly index: number;
  readonly sealed: string;
  /** The server's share. */
  readonly share: string;
  /** The other share, wrapped for one key. */
  readonly wrapped: string;
}

/** It was altered, is of another review, or is sealed to another key. */
export class SealError extends Error {}

const SHARE = utf8("facekeep/review/1/share");
const CONTENT = utf8("facekeep/review/1/content");
const REVIEW_BYTES = 16;
const SHARE_BYTES = 32;
/** The encapsulated key is as long as a public key of X25519; behind it the share, and its tag of 16 bytes. */
const ENCAPSULATED_BYTES = 32;
const WRAPPED_BYTES = ENCAPSULATED_BYTES + SHARE_BYTES + 16;
/** What is sealed is padded to a multiple of this, so that its length tells little. */
const BLOCK_BYTES = 1 << 14;
const LENGTH_BYTES = 4;

/**
 * Opens a picture.
 *
 * @param review its identifier, 32 hexadecimal digits.
 * @returns the PNG. Whoever asked overwrites it when it was drawn.
 * @throws SealError if it cannot be opened, or is not what it should be.
 */
export async function opened(picture: SealedPicture, review: string, key: OwnKey): Promise<Bytes> {
  const place = joined(fromHex(review, REVIEW_BYTES), Uint8Array.of(picture.index));
  const [wrapped, share] = [fromBase64Url(picture.wrapped), fromBase64Url(picture.share)];
  if (wrapped.length !== WRAPPED_BYTES || share.length !== SHARE_BYTES)
    throw new SealError("a share has another length");
  const other = await unwrapped(wrapped, joined(place, fromHex(key.id, REVIEW_BYTES)), key);
  try {
    const padded = await decrypted(fromBase64Url(picture.sealed), place, await content(other, share, place));
    return unpadded(padded);
  } finally {
    other.fill(0);
  }
}

async function unwrapped(wrapped: Bytes, whose: Bytes, { pair }: OwnKey): Promise<Bytes> {
  const suite = new CipherSuite(KEM_DHKEM_X25519_HKDF_SHA256, KDF_HKDF_SHA256, AEAD_AES_256_GCM);
  const [encapsulated, text] = [wrapped.subarray(0, ENCAPSULATED_BYTES), wrapped.subarray(ENCAPSULATED_BYTES)];
  try {
    return Uint8Array.from(await suite.Open(pair, encapsulated, text, { info: joined(SHARE, whose) }));
  } catch (error) {
    throw new SealError("it is not sealed to this key", { cause: error });
  }
}

async function content(secret: Bytes, salt: Bytes, place: Bytes): Promise<CryptoKey> {
  const material = await crypto.subtle.importKey("raw", secret, "HKDF", false, ["deriveKey"]);
  const derivation = { name: "HKDF", hash: "SHA-256", salt, info: joined(CONTENT, place) };
  return crypto.subtle.deriveKey(derivation, material, { name: "AES-GCM", length: 256 }, false, ["decrypt"]);
}

async function decrypted(sealed: Bytes, place: Bytes, key: CryptoKey): Promise<Bytes> {
  // The nonce may be zero: no key seals twice.
  const how = { name: "AES-GCM", iv: new Uint8Array(12), additionalData: place };
  try {
    return new Uint8Array(await crypto.subtle.decrypt(how, key, sealed));
  } catch (error) {
    throw new SealError("the picture was altered", { cause: error });
  }
}

/** Takes the length before, and the zeros behind, away. */
function unpadded(padded: Bytes): Bytes {
  const length = padded.length < LENGTH_BYTES ? 0 : new DataView(padded.buffer).getUint32(0);
  const end = LENGTH_BYTES + length;
  const whole = Math.ceil(end / BLOCK_BYTES) * BLOCK_BYTES;
  if (length === 0 || padded.length !== whole || padded.subarray(end).some((byte) => byte !== 0))
    throw new FormatError("the padding is not that of the format");
  const picture = padded.slice(LENGTH_BYTES, end);
  padded.fill(0);
  return picture;
}
