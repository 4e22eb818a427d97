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
    rollupOptions: {
      input: { page: "index.html", "face-keep": "src/embed/face-keep.ts" },
      output: {
        // Integrators name the element's script in their own pages: its address has to stay.
        entryFileNames: ({ name }) => (name === "face-keep" ? "face-keep.js" : "assets/[name]-[hash].js"),
      },
    },
  },
  worker: { format: "es" },
});
