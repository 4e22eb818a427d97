// The reviewers' console. It asks its own server alone; what it keeps is a key that no script can read.

import "../styles/base.css";
import "../styles/controls.css";
import "../styles/signed_in.css";
import "../styles/console.css";
import en from "../languages/review/en.json";
import zhHans from "../languages/review/zh-Hans.json";
import { Page } from "../views/page.ts";
import { learn } from "../words/words.ts";
import { Console } from "./console.ts";

learn({ en, "zh-Hans": zhHans } satisfies Record<string, Record<keyof typeof en, string>>);
void new Console(new Page()).start();
