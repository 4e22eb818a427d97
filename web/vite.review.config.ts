import { defineConfig } from "vite";

// The reviewers' console, at /review. Nothing of the capture page's engine is in it.
export default defineConfig({
  base: "/review/",
  build: {
    target: "es2022",
    outDir: "../src/facekeep/interfaces/http/web/review",
    emptyOutDir: true,
    // Nothing inlined: the policy of the page allows no data: address.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rollupOptions: { input: "review.html" },
  },
});
