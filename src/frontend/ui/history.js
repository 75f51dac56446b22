// What has happened to the cluster since the page was opened, in words: replicas that came, drained, fell silent and left.

import { h, say, sync } from "./dom.js";
import { language, onLanguage, t } from "./i18n.js";

const SHOWN = 6;

/** Keeps the list of what happened, below the cluster. */
export function startHistory(events) {
  const list = h("ol", { class: "history", role: "list", "aria-label": t("history"), "data-t-label": "history" });
  document.getElementById("cluster").append(list);
  const happened = [];
  let before = null, count = 0;
  const draw = () => {
    list.hidden = happened.length === 0;
    sync(list, happened, ({ key }) => key, () => h("li", {}, h("time"), " ", h("span")), (line, each) => {
      line.firstChild.textContent = each.at.toLocaleTimeString(language());
      line.lastChild.textContent = words(each);
    });
  };
  events.addEventListener("replicas", ({ detail }) => {
    const after = new Map(detail.replicas.map((replica) => [replica.container_id, replica]));
    // Those that were there when the page was opened are no news.
    const news = before ? changes(before, after) : [];
    before = after;
    if (news.length === 0) return;
    for (const each of news) happened.unshift({ ...each, at: new Date(detail.now), key: ++count });
    happened.splice(SHOWN);
    say(news.map(words).join(" "));
    draw();
  });
  onLanguage(draw);
}

function changes(before, after) {
  const came = [...after.values()].filter(({ container_id: id }) => !before.has(id)).map((replica) => ({ what: "joined", replica }));
  const left = [...before.values()].filter(({ container_id: id }) => !after.has(id)).map((replica) => ({ what: "left", replica }));
  const changed = [...after.values()].flatMap((replica) => {
    const old = before.get(replica.container_id);
    if (!old) return [];
    if (old.state !== replica.state) return [{ what: replica.state, replica }];
    if (replica.state === "draining" || old.silent === replica.silent) return [];
    return [{ what: replica.silent ? "silent" : "heard", replica }];
  });
  return [...left, ...came, ...changed];
}

function words({ what, replica: { role, container_id: id, version } }) {
  return t(`history_${what}`, { who: `${t(role)} ${id}`, version });
}
