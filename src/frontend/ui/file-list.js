// Shows the list: rows, what is said when there are none, and where it goes on.

import { copy } from "./copy.js";
import { showDetails } from "./details.js";
import { h, say, sync, write } from "./dom.js";
import { keepFocus, makeRow, updateRow } from "./file-row.js";
import { t } from "./i18n.js";
import { icon } from "./icons.js";
import { Segments } from "./segments.js";
import { toast } from "./toast.js";

const AHEAD = "800px", CONFIRM_MS = 2000;

export class FileList {
  #listing;
  #removing;
  #segments = new Segments();
  #section = document.getElementById("files");
  #place = document.getElementById("listing");
  #notice = h("p", { class: "notice", hidden: true });
  #rows = h("ul", { class: "files", role: "list", "aria-labelledby": "files-heading", onclick: (event) => this.#act(event) });
  #skeleton = h("div", { class: "skeleton", hidden: true }, h("span", {}), h("span", {}), h("span", {}));
  #more = h("button", { class: "quiet", type: "button", hidden: true, onclick: () => this.#listing.next() });
  #end = h("p", { class: "fine", hidden: true });
  #sentinel = new IntersectionObserver((entries) => entries.at(-1).isIntersecting && this.#listing.next(), { rootMargin: AHEAD });
  /** What the service itself put on the page stays until there is something newer. */
  #old = [...this.#place.querySelectorAll(".files, .more")];
  #shown = null;
  #dialog = null;

  constructor(listing, removing) {
    this.#listing = listing;
    this.#removing = removing;
    this.#place.replaceChildren(this.#notice, ...this.#old, this.#rows, this.#skeleton, h("div", { class: "more" }, this.#more, this.#end));
  }

  show({ fresh = [], found = false } = {}) {
    const { asking, more, records, shown, trouble } = this.#listing;
    const visible = records.filter(({ id }) => !this.#removing.hides(id));
    const count = visible.length, none = count === 0;
    const first = this.#shown === null;
    this.#shown = shown;
    if (shown) this.#old.splice(0).forEach((element) => element.remove());
    keepFocus(this.#rows, this.#section, () => sync(this.#rows, visible, ({ id }) => id, (record) => this.#make(record, fresh), updateRow));
    this.#rows.hidden = none;
    this.#rows.ariaBusy = String(asking === "find");
    this.#skeleton.hidden = !asking || this.#old.length > 0 || !(asking === "more" || none);
    const nothing = none && shown && !asking && !more && t(shown.q ? "nothing_found" : "nothing_here", { search: shown.q });
    const wrong = trouble && t(!trouble.passes ? "list_refused" : none ? "list_waiting" : "list_stale");
    this.#notify(wrong || nothing || "");
    this.#more.hidden = !more;
    write(this.#more, t("older"));
    this.#end.hidden = none || more;
    write(this.#end, t("all_files", { count }));
    if (found && !first && count > 0) say(t(more ? "found_many" : "found", { count }));
    this.#sentinel.disconnect();
    if (more && !asking) this.#sentinel.observe(this.#more);
  }

  #notify(text) {
    if (text && this.#notice.textContent !== text) say(text);
    write(this.#notice, text);
    this.#notice.hidden = !text;
  }

  /** As `show`, in another language. */
  translate() {
    this.show();
    for (const row of this.#rows.children) this.#segments.draw(row);
  }

  welcomeBack({ id }) {
    this.show();
    (this.#rows.querySelector(`[data-key="${id}"] .name`) ?? this.#section).focus();
  }

  /** Whoever reads about a file that others delete is told. */
  removedElsewhere(ids) {
    if (!ids.includes(this.#dialog?.record.id)) return;
    toast(t("deleted_elsewhere", { name: this.#dialog.record.filename }));
    this.#dialog.close();
  }

  #make(record, fresh) {
    const row = makeRow(record);
    row.dataset.key = record.id;
    row.classList.toggle("fresh", fresh.includes(record.id));
    this.#segments.watch(row);
    return row;
  }

  #act(event) {
    const button = event.target.closest("[data-act]");
    const record = this.#listing.records.find(({ id }) => id === button?.closest("li").dataset.key);
    const act = record && button.dataset.act;
    if (act === "copy_link") this.#copy(record, button);
    if (act === "delete") this.#removing.remove(record);
    // With a key held down a browser opens the link elsewhere.
    if (act !== "details" || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    const dialog = showDetails(record, () => {
      this.#dialog = null;
      (button.isConnected ? button : this.#section).focus();
    });
    this.#dialog = { record, close: () => dialog.close() };
  }

  async #copy({ url }, button) {
    const link = new URL(url, location.href).href;
    if (!await copy(link)) return toast(`${t("not_copied")} ${link}`, { ms: 20_000 });
    button.replaceChildren(icon("done"));
    setTimeout(() => button.replaceChildren(icon("copy_link")), CONFIRM_MS);
    say(t("copied"));
  }
}
