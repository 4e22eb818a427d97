// The capture page. It asks its own server alone, and stores nothing.

import "./styles/base.css";
import "./styles/controls.css";
import "./styles/notice.css";
import "./styles/camera.css";
import "./styles/review.css";
import { Flow } from "./flow.ts";
import { Page } from "./views/page.ts";

void new Flow(new Page()).start();
