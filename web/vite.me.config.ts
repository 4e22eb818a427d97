import { defineConfig } from "vite";

// The page of the enrolled person, at /me. Nothing of the capture page's engine is in it.
export default defineConfig({
  base: "/me/",
  build: {
    target: "es2022",
    outDir: "../src/facekeep/interfaces/http/web/me",
    emptyOutDir: true,
    // Nothing inlined: the policy of the page allows no data: address.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rollupOptions: { input: "me.html" },
  },
});
