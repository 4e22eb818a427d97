import { defineConfig } from "vite";

// The page is served at /capture, what it needs below /capture/assets; the models come from the server's own pack.
export default defineConfig({
  base: "/capture/",
  build: {
    target: "es2022",
    outDir: "../src/facekeep/interfaces/http/web/capture",
    emptyOutDir: true,
    // Nothing inlined: the policy of the page allows no data: address.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 1024,
  },
  worker: { format: "es" },
});
