// The table of connections: searched, followed, closed. While somebody points at a row or has the focus in one, no row
// moves: figures change where they stand, and rows of connections that have gone turn pale.

import {bytes, number, span} from "./live-format.js";
import {find, isUsed, keyed, make, setText} from "./live-dom.js";

const MOST_FOLLOWED = 200;
const SLOW_FROM = 64e3;

const COLUMNS = [
    ["", (one) => one.id], ["", (one) => one.path || one.route], ["opt", (one) => one.peer],
    ["n opt2", (one) => String(one.loop)], ["n opt", (one) => span(one.age)], ["n opt2", (one) => number(one.in)],
    ["n opt", (one) => number(one.out)], ["n", (one) => bytes(one.queued)], ["n opt2", (one) => span(one.idle)],
];
const CODE = 3;     // so many columns are set as code
const QUEUED = 7;

export class Connections {
    #feed;
    #may = false;
    #why = "";
    #shown = [];
    #followed = null;
    #closing = null;

    constructor(feed) {
        this.#feed = feed;
        const query = find("query");
        query.addEventListener("input", () => this.#search());
        for (const button of document.querySelectorAll("[data-query]")) {
            button.addEventListener("click", () => {
                query.value = query.value === button.dataset.query ? "" : button.dataset.query;
                this.#search();
            });
        }
        find("rows").addEventListener("click", (event) => this.#click(event.target.dataset));
        find("follow-stop").addEventListener("click", () => this.#follow(null));
        find("follow-close").addEventListener("click", () => this.#askToClose(this.#followed));
        find("closing").addEventListener("close", () => this.#close());
        addEventListener("keydown", (event) => this.#key(event));
    }

    hello({control, why}) {
        this.#may = control;
        this.#why = why ?? "";
        this.#search();
        if (this.#followed) {
            this.#follow(null);
        }
        find("rows").replaceChildren();
    }

    update({found}) {
        if (found.find !== find("query").value.trim()) {
            return;    // the answer to what was typed before
        }
        const rows = find("rows"), news = new Map(found.connections.map((one) => [one.id, one]));
        if (isUsed(rows) && this.#shown.length > 0) {
            for (const row of rows.children) {
                const one = news.get(row.dataset.key);
                row.classList.toggle("gone", !one);
                if (one) {
                    this.#fill(row, one);
                }
            }
        } else {
            this.#shown = found.connections;
            keyed(rows, this.#shown.length > 0 ? this.#shown : [null], (one) => one?.id ?? "none",
                  (one) => one ? this.#row(one) : this.#noRow(),
                  (row, one) => one && this.#fill(row, one));
        }
        const open = rows.querySelectorAll("tr:not(.gone) button[data-follow]").length;
        setText(find("found"), `${open} of ${number(found.count)} shown, most queued first` +
            (this.#may ? "" : `. ${this.#why}`));
        if (this.#followed && news.has(this.#followed)) {
            this.#facts(news.get(this.#followed));
        }
    }

    // A batch of messages of the connection that is followed.
    take({id, messages, skipped, ended}) {
        if (id !== this.#followed) {
            return;
        }
        const tail = find("tail"), isAtEnd = tail.scrollTop + tail.clientHeight >= tail.scrollHeight - 8;
        tail.append(...messages.map((message) => this.#message(message)));
        if (skipped > 0) {
            tail.append(make("li", {class: "note", textContent: `${number(skipped)} messages skipped`}));
        }
        if (ended !== undefined) {
            tail.append(make("li", {class: "note", textContent: `closed with ${ended}`}));
            find("follow-close").disabled = true;
        }
        while (tail.children.length > MOST_FOLLOWED) {
            tail.firstElementChild.remove();
        }
        if (isAtEnd) {
            tail.scrollTop = tail.scrollHeight;
        }
    }

    #search() {
        this.#shown = [];
        this.#feed.send({find: find("query").value.trim()});
    }

    #row(one) {
        const cells = COLUMNS.map(([css], i) => i < CODE ? make("td", {class: css}, make("code")) : make("td", {class: css}));
        const follow = make("button", {textContent: "Follow", disabled: !this.#may, "data-follow": one.id,
                                       "aria-pressed": "false", "aria-label": `Follow ${one.id}`});
        const close = make("button", {textContent: "Close", disabled: !this.#may, class: "danger opt",
                                      "data-close": one.id, "aria-label": `Close ${one.id}`});
        return make("tr", {}, ...cells, make("td", {class: "n"}, follow, close));
    }

    #noRow() {
        return make("tr", {}, make("td", {colSpan: 10, class: "note", textContent:
            "No connection matches. All words must match; try route:/chat/ or queued>64k."}));
    }

    #fill(row, one) {
        COLUMNS.forEach(([, text], i) => {
            const cell = row.children[i];
            setText(i < CODE ? cell.firstElementChild : cell, text(one));
        });
        row.children[QUEUED].classList.toggle("slow", one.queued > SLOW_FROM);
        row.classList.toggle("on", one.id === this.#followed);
        row.querySelector("[data-follow]").ariaPressed = String(one.id === this.#followed);
    }

    // ---- Following

    #click({follow, close}) {
        if (follow) {
            this.#follow(follow === this.#followed ? null : follow);
        }
        if (close) {
            this.#askToClose(close);
        }
    }

    async #follow(id) {
        this.#followed = id;
        find("conns").classList.toggle("open", id !== null);
        find("follow").hidden = id === null;
        for (const row of find("rows").children) {
            const isOn = id !== null && row.dataset.key === id;
            row.classList.toggle("on", isOn);
            row.querySelector("[data-follow]")?.setAttribute("aria-pressed", String(isOn));
        }
        if (id === null) {
            this.#feed.send({follow: null});
            return;
        }
        setText(find("follow-id"), id);
        find("follow-close").disabled = false;
        find("tail").replaceChildren();
        const error = await this.#feed.ask({follow: id});
        if (error && this.#followed === id) {
            find("tail").append(make("li", {class: "note", textContent: error}));
        }
    }

    #facts(one) {
        const facts = [["Route", one.route], ["Path", one.path], ["Peer", one.peer], ["Open for", span(one.age)],
                       ["Compression", one.compressed ? "permessage-deflate" : "none"], ["Queued", bytes(one.queued)],
                       ["Memory", bytes(one.memory)]];
        keyed(find("follow-facts"), facts, ([name]) => name,
              ([name]) => make("div", {}, make("dt", {textContent: name}), make("dd")),
              (element, [, value]) => setText(element.lastElementChild, value));
    }

    #message({at, way, kind, bytes: size, text}) {
        const time = new Date(at).toISOString().slice(17, 23);
        const more = size > text.length && kind === "text" ? ` … ${bytes(size)}` : "";
        const shown = kind === "binary" ? `[${bytes(size)}] ${text}` : text;
        return make("li", {}, make("b", {class: way, textContent: way === "in" ? "→ in " : "← out"}),
                    ` ${time} ${shown}${more}`);
    }

    // ---- Closing

    #askToClose(id) {
        this.#closing = id;
        setText(find("closing-title"), `Close connection ${id}?`);
        find("closing").returnValue = "";
        find("closing").showModal();
    }

    async #close() {
        const id = this.#closing, code = Number(find("code").value);
        if (find("closing").returnValue !== "close" || id === null) {
            return;
        }
        const error = Number.isInteger(code) && code >= 1000 && code < 5000
            ? await this.#feed.ask({close: id, code, reason: find("reason").value})
            : "A code is a number from 1000 to 4999.";
        setText(find("say"), error ?? `Connection ${id} was closed with ${code}.`);
    }

    #key(event) {
        const isField = event.target.closest?.("input, textarea, select, dialog");
        if (event.key === "/" && !isField && !event.ctrlKey && !event.metaKey && !event.altKey) {
            event.preventDefault();
            find("query").focus();
        } else if (event.key === "Escape" && event.target === find("query")) {
            find("query").value = "";
            this.#search();
        } else if (event.key === "Escape" && !isField && this.#followed) {
            this.#follow(null);
        }
    }
}
