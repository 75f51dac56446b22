// Starts what makes the page alive. Without it the page is a form and a list, which work too.

import { Events } from "./events.js";
import { language, onLanguage, speak, t } from "./i18n.js";
import { startCluster } from "./cluster.js";
import { startFiles } from "./files.js";
import { startUploads } from "./uploads.js";
import { write } from "./dom.js";

const YEAR_S = 365 * 24 * 60 * 60;

function switchLanguages() {
  for (const link of document.querySelectorAll(".languages a")) {
    link.addEventListener("click", async (event) => {
      event.preventDefault();
      try {
        if (await speak(link.lang)) document.cookie = `language=${link.lang}; path=/; max-age=${YEAR_S}; samesite=lax`;
      } catch {
        // The service can do it too.
        location.assign(link.href);
      }
    });
  }
}

/** Says when the page hears nothing any more, and when the service cannot be asked. */
function showLink(events) {
  const element = document.getElementById("link");
  let connected = true, available = true;
  const show = () => {
    write(element, connected && available ? "" : t(connected ? "service_unavailable" : "link_lost"));
  };
  events.addEventListener("link", ({ detail }) => { connected = detail; show(); });
  events.addEventListener("unavailable", () => { available = false; show(); });
  events.addEventListener("replicas", () => { available = true; show(); });
  onLanguage(show);
}

try {
  await speak(language());
} catch (error) {
  dispatchEvent(new Event("swarm-upload-incomplete"));
  throw error;
}
document.documentElement.classList.add("script");
switchLanguages();
const events = new Events();
showLink(events);
startUploads();
startFiles(events);
startCluster(events);
events.start();
dispatchEvent(new Event("swarm-upload-started"));
