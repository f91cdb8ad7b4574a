// Queues, closes, slow readers and routes.

import {bytes, microseconds, number, span} from "./live-format.js";
import {find, keyed, make, setText} from "./live-dom.js";

const QUEUES = ["nothing", "< 1 kB", "< 4 kB", "< 16 kB", "< 64 kB", "< 256 kB", "< 1 MB", "≥ 1 MB"];
const BUSY_FROM = 5, BAD_FROM = 7;

const CLOSES = {
    1000: "the view returned, or the client closed",
    1001: "the page was left, or the server ended",
    1002: "the client broke the protocol",
    1003: "the message had the wrong type",
    1005: "closed without a code",
    1006: "the connection was lost",
    1007: "the data was invalid",
    1008: "a message broke the rules of its route",
    1009: "the message was too big",
    1010: "an extension was missing",
    1011: "the view threw",
    1012: "the server made way for its successor",
    1013: "the client did not read what it was sent",
    1014: "a gateway had a bad answer",
    "3xxx": "codes of libraries",
    "4xxx": "codes of applications",
};
const ORDINARY = new Set(["1000", "1001", "1005", "1012", "3xxx", "4xxx"]);
const ALWAYS = ["1000", "1001", "1006", "1008", "1011", "1012", "1013"];

const percent = (share) => `${Math.min(100, Math.max(0, share))}%`;

// A line with a name, a bar and a figure.
function bar(css = "") {
    return make("li", {}, make("span", {class: "name"}), make("i", {class: css}), make("span", {class: "figure"}));
}

// The same with a text above the bar.
function wideBar() {
    return make("li", {}, make("code"), make("div", {}, make("small"), make("i")), make("span", {class: "figure"}));
}

export class Lists {
    #routes = [];
    #rows = [];

    hello({routes}) {
        this.#routes = routes;
        find("routes").replaceChildren();
        this.#rows = routes.map(({route, kind, slow}) => {
            const cells = ["n", "n opt", "n", "n opt", "n opt", "n opt"].map((css) => make("td", {class: css}));
            const name = kind === "page" ? "page" : make("span", {class: "tag", textContent: kind});
            find("routes").append(make("tr", {}, make("td", {title: route}, make("code", {textContent: route})),
                                       make("td", {class: "opt"}, name), ...cells,
                                       make("td", {class: "opt2", textContent: slow})));
            return cells;
        });
        setText(find("route-sum"), `${routes.length} routes, in the order in which they are tried`);
    }

    update({queues, closes, slowest, routes}) {
        this.#queues(queues);
        this.#closes(closes);
        this.#slow(slowest);
        routes.forEach((now, i) => this.#route(this.#rows[i], this.#routes[i], now));
    }

    #queues(counts) {
        const most = Math.max(...counts, 1);
        const items = counts.map((count, place) => ({count, place}));
        keyed(find("queues"), items, ({place}) => place,
              ({place}) => bar(place >= BAD_FROM ? "bad" : place >= BUSY_FROM ? "busy" : ""),
              (element, {count, place}) => {
                  const [name, line, figure] = element.children;
                  setText(name, QUEUES[place]);
                  line.style.width = count ? percent(6 + 94 * Math.log10(count + 1) / Math.log10(most + 1)) : "0";
                  setText(figure, number(count));
              });
    }

    #closes(closes) {
        const counts = new Map([...ALWAYS.map((code) => [code, 0]), ...closes]);
        const items = [...counts].sort(([one], [other]) => one < other ? -1 : 1);
        const most = Math.max(...counts.values(), 1);
        keyed(find("closes"), items, ([code]) => code, wideBar, (element, [code, count]) => {
            const [name, {children: [why, line]}, figure] = element.children;
            setText(name, code);
            setText(why, CLOSES[code] ?? "");
            line.className = ORDINARY.has(code) ? "" : "busy";
            line.style.width = count ? percent(Math.max(1, 100 * count / most)) : "0";
            setText(figure, number(count));
        });
    }

    #slow(slowest) {
        const times = new Set(slowest.map((one) => one.slow_time));
        setText(find("slow-note"), times.size === 1 ? `too slow after ${span([...times][0])}` : "");
        const items = slowest.length > 0 ? [...slowest, null] : [null];
        keyed(find("slow"), items, (one) => one?.id ?? "note", (one) => one ? wideBar() : make("li", {class: "hint note"}),
              (element, one) => {
                  if (!one) {
                      setText(element, slowest.length > 0
                          ? "The bar is how long it has had too much to read. When it is full, its route's policy strikes."
                          : "Every WebSocket reads what it is sent.");
                      return;
                  }
                  const [id, {children: [where, line]}, figure] = element.children;
                  setText(id, one.id);
                  setText(where, `${one.path || one.route} ${one.peer}`);
                  line.className = one.slow > one.slow_time / 2 ? "bad" : "busy";
                  line.style.width = percent(100 * one.slow / one.slow_time);
                  setText(figure, `${bytes(one.queued)}, ${span(one.slow)}`);
              });
    }

    #route(cells, {kind}, now) {
        const isPage = kind === "page";
        const texts = [isPage ? "–" : number(now.open), number(now.in), isPage ? "–" : number(now.out),
                       microseconds(now.p50), microseconds(now.p99), now.memory === null ? "–" : bytes(now.memory)];
        cells.forEach((cell, i) => setText(cell, texts[i]));
    }
}
