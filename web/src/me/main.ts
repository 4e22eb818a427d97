// The page of the enrolled person. It asks its own server alone, and stores nothing: it reads the key that the capture
// page keeps in this browser where people had to look.

import "../styles/base.css";
import "../styles/controls.css";
import "../styles/notice.css";
import "../styles/signed_in.css";
import "../styles/me.css";
import en from "../languages/me/en.json";
import zhHans from "../languages/me/zh-Hans.json";
import { Page } from "../views/page.ts";
import { learn } from "../words/words.ts";
import { Me } from "./me.ts";

learn({ en, "zh-Hans": zhHans } satisfies Record<string, Record<keyof typeof en, string>>);
void new Me(new Page()).start();
