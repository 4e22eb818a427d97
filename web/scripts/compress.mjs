// Writes a .br and a .gz beside each built file above 1 KiB, so that no server has to compress while somebody waits.
// The runtime takes brotli half a minute at its best, and changes seldom: what was compressed is kept by its digest.

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const BUILT = ["capture", "me", "review"].map((page) => here(`../../src/facekeep/interfaces/http/web/${page}/`));
const KEPT = here("../.build/compressed/");
const LEAST = 1024;

const ways = {
  br: (bytes) =>
    brotliCompressSync(bytes, {
      params: {
        [constants.BROTLI_PARAM_QUALITY]: 11,
        [constants.BROTLI_PARAM_LGWIN]: 22,
        [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
      },
    }),
  gz: (bytes) => gzipSync(bytes, { level: 9 }),
};

mkdirSync(KEPT, { recursive: true });
for (const file of BUILT.flatMap((folder) =>
  readdirSync(folder, { recursive: true }).map((name) => join(folder, name)),
)) {
  if (!statSync(file).isFile() || statSync(file).size <= LEAST || /\.(br|gz)$/.test(file)) continue;
  const bytes = readFileSync(file);
  const digest = createHash("sha256").update(bytes).digest("hex");
  for (const [ending, compress] of Object.entries(ways)) {
    const kept = join(KEPT, `${digest}.${ending}`);
    if (!existsSync(kept)) writeFileSync(kept, compress(bytes));
    writeFileSync(`${file}.${ending}`, readFileSync(kept));
  }
}
