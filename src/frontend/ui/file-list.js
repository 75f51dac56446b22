// Shows the list: rows, what is said when there are none, and where it goes on.

import { inWords } from "./api.js";
import { copy } from "./copy.js";
import { showDetails } from "./details.js";
import { h, quiet, say, sync, write } from "./dom.js";
import { keepFocus, makeRow, updateRow } from "./file-row.js";
import { t } from "./i18n.js";
import { icon } from "./icons.js";
import { Segments } from "./segments.js";
import { named, toast } from "./toast.js";

const AHEAD = "800px", CONFIRM_MS = 2000;

/** Shows what `listing` has and `hides(id)` does not. `remove(record)` is what a button does. */
export function makeList(listing, hides, remove) {
  const section = document.getElementById("files"), place = document.getElementById("listing");
  const words = h("p"), again = quiet(() => {
    listing.reload();
    section.focus();
  });
  const notice = h("div", { class: "notice" }, words, again);
  const rows = h("ul", { class: "files", role: "list", "aria-labelledby": "files-heading", onclick: act });
  const skeleton = h("div", { class: "skeleton", hidden: true }, h("span"), h("span"), h("span"));
  const more = quiet(() => listing.next());
  const end = h("p", { class: "fine", hidden: true });
  const sentinel = new IntersectionObserver((entries) => entries.at(-1).isIntersecting && listing.next(), { rootMargin: AHEAD });
  const segments = new Segments();
  // What the service itself put on the page stays until there is something newer.
  const old = [...place.querySelectorAll(".files, .more")];
  let begun = false, open = null;
  place.replaceChildren(notice, ...old, rows, skeleton, h("div", { class: "more" }, more, end));

  function show({ fresh = [], found = false } = {}) {
    const { asking, shown, trouble } = listing;
    const records = listing.records.filter(({ id }) => !hides(id));
    const count = records.length, none = count === 0;
    if (shown) old.splice(0).forEach((element) => element.remove());
    keepFocus(rows, section, () => sync(rows, records, ({ id }) => id, (record) => make(record, fresh), updateRow));
    rows.hidden = none;
    rows.ariaBusy = String(asking === "find");
    skeleton.hidden = !asking || old.length > 0 || !(none || asking === "more");
    more.hidden = !listing.more;
    write(more, t("older"));
    end.hidden = none || listing.more;
    write(end, t("all_files"));
    write(again, t("retry"));
    again.hidden = true;
    if (trouble) notifyOf(trouble);
    else notify(none && shown && !asking && !listing.more ? t(shown.q ? "nothing_found" : "nothing_here", { search: shown.q }) : "");
    if (found && begun && !none) say(t(listing.more ? "found_many" : "found", { count }));
    begun ||= found;
    sentinel.disconnect();
    if (listing.more && !asking) sentinel.observe(more);
  }

  function make(record, fresh) {
    const row = makeRow(record);
    row.dataset.key = record.id;
    row.classList.toggle("fresh", fresh.includes(record.id));
    segments.watch(row);
    return row;
  }

  function notifyOf({ passes, problem = {} }) {
    const malformed = problem.code === "bad_query";
    again.hidden = passes || malformed;
    if (malformed) notify(t("list_refused"));
    else if (!passes && problem.title) notify(inWords(problem), "en");
    else notify(t(passes ? "list_waits" : "no_answer"));
  }

  function notify(text, lang) {
    if (text && words.textContent !== text) say(text);
    write(words, text, lang);
    notice.hidden = !text;
  }

  function act(event) {
    const button = event.target.closest("[data-act]");
    const record = button && listing.records.find(({ id }) => id === button.closest("li").dataset.key);
    const what = record && button.dataset.act;
    if (what === "copy_link") copyLink(record, button);
    if (what === "delete") remove(record);
    // With a key held down a browser opens the link elsewhere.
    if (what !== "details" || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    open = { record, dialog: showDetails(record, () => {
      open = null;
      (button.isConnected ? button : section).focus();
    }) };
  }

  async function copyLink({ url }, button) {
    const link = new URL(url, location.href).href;
    if (!await copy(link)) return toast(`${t("not_copied")} ${link}`, { ms: 20_000 });
    button.replaceChildren(icon("done"));
    setTimeout(() => button.replaceChildren(icon("copy_link")), CONFIRM_MS);
    say(t("copied"));
  }

  return {
    show,
    translate() {
      show();
      for (const row of rows.children) segments.draw(row);
    },
    welcomeBack({ id }) {
      show();
      (rows.querySelector(`[data-key="${id}"] .name`) ?? section).focus();
    },
    /** Whoever reads about a file that others delete is told. */
    removed(ids) {
      if (!ids.includes(open?.record.id)) return;
      toast(named("deleted_elsewhere", open.record.filename));
      open.dialog.close();
    },
  };
}
