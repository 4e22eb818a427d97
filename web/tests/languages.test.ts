// Every language says everything, with the same places for what is filled in.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { chosen } from "../src/words/choosing.ts";

const languages = new URL("../../src/languages/", import.meta.url);
const read = (name: string) => JSON.parse(readFileSync(new URL(name, languages), "utf8")) as Record<string, string>;
const places = (text: string) => (text.match(/\{\w+\}/g) ?? []).sort();
const shared = Object.keys(read("shared/en.json"));

for (const page of readdirSync(languages)) {
  const english = read(`${page}/en.json`);

  test(`${page}: every language there is says all that English says`, () => {
    const files = (folder: string) => readdirSync(new URL(folder, languages)).sort();
    assert.deepEqual(files(page), files("shared"));
    for (const name of files(page)) {
      const texts = read(`${page}/${name}`);
      assert.deepEqual(Object.keys(texts), Object.keys(english), name);
      for (const [key, said] of Object.entries(texts)) {
        assert.ok(said.trim() === said && said !== "", key);
        assert.deepEqual(places(said), places(english[key] ?? ""), key);
      }
    }
  });

  test(`${page}: English is in no other language's place`, () => {
    const same = Object.entries(read(`${page}/zh-Hans.json`)).filter(
      ([key, said]) => said === english[key] && /[a-z]/.test(said.replace(/\{\w+\}/g, "")),
    );
    assert.deepEqual(same, []);
  });

  test(`${page}: what all pages share is said once`, () => {
    assert.deepEqual(
      Object.keys(english).filter((key) => page !== "shared" && shared.includes(key)),
      [],
    );
  });
}

test("the language is that of the browser, where there is one", () => {
  const offered = ["en", "zh-Hans"] as const;
  assert.equal(chosen(["zh-CN", "en"], offered), "zh-Hans");
  assert.equal(chosen(["zh"], offered), "zh-Hans");
  assert.equal(chosen(["de-AT", "en-GB"], offered), "en");
  assert.equal(chosen(["zh-TW", "en"], offered), "en", "other letters");
  assert.equal(chosen(["fr"], offered), "en");
  assert.equal(chosen(["not a tag"], offered), "en");
  assert.throws(() => chosen(["en"], []), RangeError);
});
