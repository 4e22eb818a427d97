// Frames as they are sent, and the chain that fixes them (docs/spec/capture.md, "Chain").

import type { Box } from "./geometry.ts";

export interface SentFrame {
  /** Milliseconds since the first frame of the try, by the camera's clock. */
  readonly at: number;
  /** Index of the step during which it was taken. */
  readonly step: number;
  /** Of the face, in pixels of the camera's picture. */
  readonly box: Box;
  readonly cameraWidth: number;
  readonly cameraHeight: number;
  /** JPEG. */
  readonly face: Uint8Array<ArrayBuffer>;
  /** JPEG; empty for a frame without. */
  readonly thumbnail: Uint8Array<ArrayBuffer>;
}

export const HEADER_BYTES = 17;
const NONCE_BYTES = 16;
const CHAIN = new TextEncoder().encode("facekeep/capture/1/chain");

/** What a frame says beside its pictures, as it stands in record and container: 17 bytes. */
export function header(frame: SentFrame): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, frame.at);
  view.setUint8(4, frame.step);
  view.setInt16(5, Math.round(frame.box.left));
  view.setInt16(7, Math.round(frame.box.top));
  view.setUint16(9, Math.max(1, Math.round(frame.box.width)));
  view.setUint16(11, Math.max(1, Math.round(frame.box.height)));
  view.setUint16(13, frame.cameraWidth);
  view.setUint16(15, frame.cameraHeight);
  return bytes;
}

/** What the chain covers of a frame: times and claims, and the digest of each picture (zeros for none). */
export async function record(frame: SentFrame): Promise<Uint8Array<ArrayBuffer>> {
  const none = new Uint8Array(32);
  return joined([
    header(frame),
    await digest(frame.face),
    frame.thumbnail.length ? await digest(frame.thumbnail) : none,
  ]);
}

/** The chain over the frames of one try, in their order. */
export class Chain {
  readonly #nonce: string;
  #head: Promise<Uint8Array<ArrayBuffer>>;
  #count = 0;

  /** @param nonce of the try, 32 hexadecimal digits. */
  constructor(nonce: string) {
    this.#nonce = nonce;
    this.#head = digest(joined([CHAIN, fromHex(this.#nonce)]));
  }

  get count(): number {
    return this.#count;
  }

  /** Frames come in their order; the head is worked out behind. */
  add(frame: SentFrame): void {
    const before = this.#head;
    this.#count += 1;
    this.#head = Promise.all([before, record(frame)]).then(([head, bytes]) => digest(joined([head, bytes])));
  }

  /** The head over all frames so far, 64 hexadecimal digits. */
  async head(): Promise<string> {
    return toHex(await this.#head);
  }
}

export function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((total, part) => total + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function fromHex(text: string): Uint8Array<ArrayBuffer> {
  if (!/^[0-9a-f]+$/.test(text) || text.length !== 2 * NONCE_BYTES) {
    throw new RangeError(`a nonce has ${2 * NONCE_BYTES} hexadecimal digits`);
  }
  return Uint8Array.from({ length: NONCE_BYTES }, (_, index) =>
    Number.parseInt(text.slice(2 * index, 2 * index + 2), 16),
  );
}

function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function digest(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
}
