// The keys of this browser to which pictures are sealed: X25519, made here, the private half readable by no script. They
// lie in the browser's own storage of this site and leave it never; whoever empties that storage loses them.

import { type Bytes, hex, sha256 } from "../ledger/coding.ts";

/** Whose key it is: of whoever reviews, or of whoever was captured. */
export type Owner = "reviewer" | "person";

export interface OwnKey {
  readonly pair: CryptoKeyPair;
  /** 32 bytes. */
  readonly public: Bytes;
  /** As the server calls it: 32 hexadecimal digits. */
  readonly id: string;
}

/** The browser has no X25519, or lets this page store nothing. */
export class KeysUnsupportedError extends Error {}

const DATABASE = "facekeep";
const STORE = "keys";
const VERSION = 1;
const ID_BYTES = 16;

/** The key that this browser has, or null. */
export async function keyOf(owner: Owner): Promise<OwnKey | null> {
  if (!(await wasStored())) return null;
  const pair = await inStore<CryptoKeyPair | undefined>("readonly", (store) => store.get(owner));
  return pair === undefined ? null : described(pair);
}

/** What an act with keys gives; null where this browser can have none. */
export async function unlessUnsupported<T>(act: () => Promise<T>): Promise<T | null> {
  try {
    return await act();
  } catch (error) {
    if (error instanceof KeysUnsupportedError) return null;
    throw error;
  }
}

/** Makes a key and keeps it, in place of one that was there. */
export async function makeKey(owner: Owner): Promise<OwnKey> {
  const made = await newKey();
  await keepKey(owner, made);
  return made;
}

/** Keeps a key, in place of one that was there. */
export async function keepKey(owner: Owner, key: OwnKey): Promise<void> {
  await inStore("readwrite", (store) => store.put(key.pair, owner));
}

/** Lets a key go: what was sealed to it alone is lost. */
export async function forgetKey(owner: Owner): Promise<void> {
  await inStore("readwrite", (store) => store.delete(owner));
}

/** A key that is not kept yet. */
export async function newKey(): Promise<OwnKey> {
  try {
    return await described(await crypto.subtle.generateKey("X25519", false, ["deriveBits"]));
  } catch (error) {
    throw unsupported(error);
  }
}

/** A pair with its public bytes and its name. */
export async function described(pair: CryptoKeyPair): Promise<OwnKey> {
  const bytes = new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey));
  return { pair, public: bytes, id: hex((await sha256(bytes)).slice(0, ID_BYTES)) };
}

async function inStore<T>(mode: IDBTransactionMode, act: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  const database = await openedDatabase();
  try {
    const transaction = database.transaction(STORE, mode);
    const request = act(transaction.objectStore(STORE));
    await new Promise<void>((done, failed) => {
      transaction.oncomplete = () => done();
      transaction.onabort = () => failed(unsupported(transaction.error));
    });
    return request.result;
  } finally {
    database.close();
  }
}

/** Whether there may be anything to look for: to open what is not there would make it. */
async function wasStored(): Promise<boolean> {
  try {
    return (await indexedDB.databases()).some(({ name }) => name === DATABASE);
  } catch {
    return true; // of an older browser, or one that lets nothing be stored: opening tells
  }
}

function openedDatabase(): Promise<IDBDatabase> {
  return new Promise((done, failed) => {
    let request: IDBOpenDBRequest;
    try {
      request = indexedDB.open(DATABASE, VERSION);
    } catch (error) {
      failed(unsupported(error));
      return;
    }
    request.onupgradeneeded = () => request.result.createObjectStore(STORE);
    request.onsuccess = () => done(request.result);
    request.onerror = () => failed(unsupported(request.error));
  });
}

const unsupported = (cause: unknown) => new KeysUnsupportedError("no key can be made or kept here", { cause });
