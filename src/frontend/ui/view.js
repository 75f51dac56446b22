// Shows the list: rows, what is said when there are none, and where it goes on.

import { linkOf } from "./api.js";
import { copy } from "./copy.js";
import { showDetails } from "./details.js";
import { h, say, sync, write } from "./dom.js";
import { t } from "./i18n.js";
import { confirm, inText, keepFocus, makeRow, updateRow } from "./rows.js";
import { Segments, smallBar } from "./segments.js";
import { toast } from "./toast.js";

const AHEAD = "800px", SKELETONS = 3;

export class View {
  #listing;
  #removing;
  #segments = new Segments((row, segments) => this.#drawParts(row, segments));
  #section = document.getElementById("files");
  #place = document.getElementById("listing");
  #trouble = h("p", { class: "notice", role: "status", hidden: true });
  #list = h("ul", { class: "files", role: "list", "aria-labelledby": "files-heading", onclick: (event) => this.#act(event) });
  #nothing = h("p", { class: "notice", hidden: true });
  #skeleton = h("ul", { class: "files skeleton", "aria-hidden": "true", hidden: true },
    Array.from({ length: SKELETONS }, () => h("li", { class: "file" }, h("span", {}), h("span", {}))));
  #more = h("p", { class: "more", hidden: true }, h("button", { class: "quiet", type: "button", onclick: () => this.#listing.next() }));
  #end = h("p", { class: "more fine", hidden: true });
  /** Reaching the end of what is shown asks for more. */
  #sentinel = new IntersectionObserver((entries) => entries.at(-1).isIntersecting && this.#listing.next(), { rootMargin: AHEAD });
  /** The file whose details are open. */
  #open = null;
  #begun = false;

  constructor(listing, removing) {
    this.#listing = listing;
    this.#removing = removing;
    // What the service itself put on the page stays until there is something newer.
    if (!this.#place.querySelector(".files")) this.#place.replaceChildren();
    this.#place.append(this.#trouble, this.#list, this.#nothing, this.#skeleton, this.#more, this.#end);
  }

  show({ fresh = new Set(), found = false } = {}) {
    const { asking, records, more, trouble } = this.#listing;
    const shown = records.filter(({ id }) => !this.#removing.hides(id));
    if (this.#listing.shown && !this.#begun) this.#begin();
    keepFocus(this.#list, this.#section, () => this.#rows(shown, fresh));
    this.#list.hidden = shown.length === 0;
    this.#list.ariaBusy = String(asking === "find");
    const waits = asking === "more" || (shown.length === 0 && (asking === "find" || (more && !trouble)));
    this.#skeleton.hidden = !waits || Boolean(this.#place.querySelector(".files:not([role], .skeleton)"));
    this.#words(shown.length);
    if (found) this.#announce(shown.length);
    this.#sentinel.unobserve(this.#more);
    if (more && !asking) this.#sentinel.observe(this.#more);
  }

  welcomeBack(record) {
    say(t("restored_name", { name: record.filename }));
    const row = [...this.#list.children].find(({ dataset }) => dataset.key === record.id);
    (row?.querySelector(".name") ?? this.#section).focus();
  }

  /** Whoever reads about a file that others delete is told. */
  removedElsewhere(ids) {
    if (!this.#open || !ids.includes(this.#open.id)) return;
    const name = inText(this.#open.filename);
    this.#open.close();
    toast(t("deleted_elsewhere", { name }));
  }

  #begin() {
    while (this.#place.firstChild !== this.#trouble) this.#place.firstChild.remove();
    this.#begun = true;
  }

  #rows(shown, fresh) {
    const ids = new Set(shown.map(({ id }) => id));
    // First, so that those that stay need not be moved.
    for (const row of [...this.#list.children].filter(({ dataset }) => !ids.has(dataset.key))) {
      this.#segments.forget(row);
      row.remove();
    }
    sync(this.#list, shown, ({ id }) => id, (record) => this.#make(record, fresh.has(record.id)), updateRow);
  }

  #make(record, isFresh) {
    const row = makeRow(record);
    row.dataset.key = record.id;
    if (isFresh) row.classList.add("fresh");
    this.#segments.watch(row);
    return row;
  }

  #drawParts(row, segments) {
    if (segments.length > 0) row.querySelector(".origins").replaceChildren(smallBar(segments));
  }

  #words(count) {
    const { asking, more, trouble, shown } = this.#listing;
    this.#trouble.hidden = !trouble;
    const key = !trouble?.passes ? "list_refused" : count > 0 ? "list_stale" : "list_waiting";
    write(this.#trouble, trouble ? t(key) : "");
    this.#nothing.hidden = count > 0 || more || Boolean(asking || trouble) || !shown;
    write(this.#nothing, this.#nothing.hidden ? "" : t(shown.q ? "nothing_found" : "nothing_here", { search: shown.q }));
    this.#more.hidden = !more;
    write(this.#more.firstChild, t("more_files"));
    this.#end.hidden = count === 0 || more || asking === "find";
    write(this.#end, t("all_files", { count }));
  }

  #announce(count) {
    const { more, shown } = this.#listing;
    if (count === 0) say(t(shown.q ? "nothing_found" : "nothing_here", { search: shown.q }));
    else say(t(more ? "found_many" : "found", { count }));
  }

  #act(event) {
    const element = event.target.closest("[data-act]");
    const record = element && this.#listing.records.find(({ id }) => id === element.closest("li").dataset.key);
    if (!record) return;
    const { act } = element.dataset;
    if (act === "copy") this.#copy(record, element);
    if (act === "remove") this.#removing.remove(record);
    // With a key held down a browser opens the link elsewhere.
    const elsewhere = event.ctrlKey || event.metaKey || event.shiftKey || event.altKey;
    if (act === "details" && !elsewhere) {
      event.preventDefault();
      this.#details(record, element);
    }
  }

  async #copy(record, button) {
    const link = linkOf(record);
    if (!await copy(link)) return toast(t("copy_failed", { text: link }), { ms: 20_000 });
    confirm(button);
    say(t("copied"));
  }

  #details(record, opener) {
    const close = showDetails(record, () => {
      this.#open = null;
      (opener.isConnected ? opener : this.#section).focus();
    });
    this.#open = { ...record, close };
  }
}
