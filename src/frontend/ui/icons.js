// The few signs on buttons, drawn here in strokes of one width. Their buttons have names.

import { svg } from "./dom.js";

const STROKES = {
  details: "M1.5 8s2.4-4.5 6.5-4.5S14.5 8 14.5 8 12.1 12.5 8 12.5 1.5 8 1.5 8ZM8 6.2a1.8 1.8 0 1 0 0 3.6 1.8 1.8 0 0 0 0-3.6Z",
  copy_link: "M6.8 9.2a2.8 2.8 0 0 0 4 0l2.4-2.4a2.8 2.8 0 0 0-4-4l-.9.9M9.2 6.8a2.8 2.8 0 0 0-4 0L2.8 9.2a2.8 2.8 0 0 0 4 4l.9-.9",
  download: "M8 2.5v7.5M4.8 7.2 8 10.4l3.2-3.2M2.5 13.5h11",
  delete: "M2.5 4.5h11M6 4.5v-2h4v2M4 4.5l.6 9h6.8l.6-9M6.7 7.2v3.6M9.3 7.2v3.6",
  close: "M3.5 3.5l9 9M12.5 3.5l-9 9",
  pause: "M5.5 3v10M10.5 3v10",
  resume: "M4.5 2.5l8.5 5.5-8.5 5.5Z",
  done: "M2.5 8.5l3.5 3.5 7.5-8",
};

export const icon = (name) => svg("svg", { class: "icon", viewBox: "0 0 16 16", "aria-hidden": "true" }, svg("path", { d: STROKES[name] }));
