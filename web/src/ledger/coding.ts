// Bytes as ledger and evidence write them: SHA-256, Base64, lower-case hexadecimal digits; one way of writing each.

export type Bytes = Uint8Array<ArrayBuffer>;

/** A file is not of the form that it should have. */
export class FormatError extends Error {}

export async function sha256(...parts: readonly Bytes[]): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", joined(...parts)));
}

export function joined(...parts: readonly Bytes[]): Bytes {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

export function same(one: Bytes, other: Bytes): boolean {
  return one.length === other.length && one.every((byte, index) => byte === other[index]);
}

export const utf8 = (text: string): Bytes => new TextEncoder().encode(text);

export function hex(bytes: Bytes): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** So many bytes from their digits. Letters of the other case would be a second way of writing. */
export function fromHex(text: unknown, length: number): Bytes {
  if (typeof text !== "string" || text.length !== 2 * length || !/^[0-9a-f]*$/.test(text))
    throw new FormatError("bytes are written as lower-case hexadecimal digits");
  return Uint8Array.from({ length }, (_, index) => Number.parseInt(text.slice(2 * index, 2 * index + 2), 16));
}

export const toBase64 = (bytes: Bytes): string => btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join("")); // of any length: arguments are limited

export function fromBase64(text: string): Bytes {
  let bytes: Bytes;
  try {
    bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch {
    throw new FormatError("this is not Base64");
  }
  if (toBase64(bytes) !== text) throw new FormatError("Base64 has one way of writing here");
  return bytes;
}

/** Base64 for addresses and JSON (RFC 4648, section 5), without padding. */
export const toBase64Url = (bytes: Bytes): string =>
  toBase64(bytes).replace(/=+$/, "").replaceAll("+", "-").replaceAll("/", "_");

export function fromBase64Url(text: string): Bytes {
  if (!/^[A-Za-z0-9_-]*$/.test(text)) throw new FormatError("this is not Base64 for addresses");
  const padded = text.padEnd(Math.ceil(text.length / 4) * 4, "=");
  return fromBase64(padded.replaceAll("-", "+").replaceAll("_", "/"));
}
