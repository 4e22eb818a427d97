// The key to which this browser has what people see sealed, so that the person can see the same later. It is kept only
// once people look; until then it is in memory alone.

import { toBase64Url } from "../ledger/coding.ts";
import { keepKey, keyOf, newKey, type OwnKey, unlessUnsupported } from "../sealing/keys.ts";

/** The key of this browser, or a new one; null where it can have none. The capture goes on without. */
export function personKey(): Promise<OwnKey | null> {
  return unlessUnsupported(async () => (await keyOf("person")) ?? (await newKey()));
}

/** Keeps it, and says whether it is kept. */
export async function kept(key: OwnKey | null): Promise<boolean> {
  return key !== null && (await unlessUnsupported(() => keepKey("person", key).then(() => true))) === true;
}

/** Whether this browser has one. */
export async function hasKey(): Promise<boolean> {
  return (await unlessUnsupported(() => keyOf("person"))) !== null;
}

/** As it is sent. */
export const written = (key: OwnKey): string => toBase64Url(key.public);
