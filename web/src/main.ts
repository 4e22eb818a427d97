// The capture page. It asks its own server alone, and stores nothing.

import "./styles/base.css";
import "./styles/controls.css";
import "./styles/notice.css";
import "./styles/camera.css";
import "./styles/review.css";
import { Flow } from "./flow.ts";
import en from "./languages/capture/en.json";
import zhHans from "./languages/capture/zh-Hans.json";
import { Page } from "./views/page.ts";
import { learn } from "./words/words.ts";

learn({ en, "zh-Hans": zhHans } satisfies Record<string, Record<keyof typeof en, string>>);
void new Flow(new Page()).start();
