// The dashboard of a c10k server.

import {Connections} from "./live-connections.js";
import {find, keyed, make, setText} from "./live-dom.js";
import {Feed} from "./live-feed.js";
import {number, span} from "./live-format.js";
import {Lists} from "./live-lists.js";
import {Flow, Heat, onScheme} from "./live-plots.js";
import {Tiles} from "./live-tiles.js";

const KEPT = 300;
const CODE_RESTART = 1012;

class Live {
    #feed = new Feed();
    #tiles = new Tiles();
    #flow = new Flow();
    #heat = new Heat();
    #lists = new Lists();
    #connections = new Connections(this.#feed);
    #past = [];
    #marks = [];
    #process = null;
    #latest = null;
    #isHeld = false;
    #countdown = 0;

    constructor() {
        this.#feed.addEventListener("hello", ({detail}) => this.#hello(detail));
        this.#feed.addEventListener("figures", ({detail}) => this.#take(detail));
        this.#feed.addEventListener("followed", ({detail}) => this.#connections.take(detail));
        this.#feed.addEventListener("down", ({detail}) => this.#down(detail));
        this.#feed.addEventListener("denied", () => this.#denied());
        find("hold").addEventListener("click", () => this.#hold());
        new ResizeObserver(() => this.#draw()).observe(find("flow"));
        document.addEventListener("visibilitychange", () => this.#show());
        onScheme(() => this.#draw());
        this.#feed.connect();
    }

    #hello(hello) {
        const isOther = this.#process !== null && this.#process !== hello.process;
        if (isOther) {
            this.#marks.push({at: hello.started, text: "restart"});
        }
        this.#process = hello.process;
        // What this page has seen of the program before stays in the plots.
        const first = hello.history[0]?.at ?? hello.now;
        this.#past = [...this.#past.filter(({at}) => at < first), ...hello.history].slice(-KEPT);
        this.#facts(hello);
        this.#lists.hello(hello);
        this.#connections.hello(hello);
        this.#state("", "Updated every second");
    }

    #facts({address, version, backend, loops, process, started, now}) {
        const facts = [["Address", address], ["c10k", version], ["Backend", backend], ["Loops", number(loops)],
                       ["Process", String(process)], ["Up", span(1000 * (now - started))]];
        keyed(find("facts"), facts, ([name]) => name,
              ([name]) => make("div", {}, make("dt", {textContent: name}), make("dd")),
              (element, [, value]) => setText(element.lastElementChild, value));
        this.#started = started;
    }
    #started = 0;

    #take(figures) {
        this.#past.push(figures.now);
        this.#past = this.#past.filter(({at}) => at > figures.now.at - KEPT).slice(-KEPT);
        this.#latest = figures;
        this.#show();
    }

    // Nothing is drawn that nobody sees.
    #show() {
        if (this.#isHeld || document.hidden || !this.#latest) {
            return;
        }
        const {now} = this.#latest;
        document.title = `Live: ${number(now.open)} connections`;
        setText(find("facts").lastElementChild.lastElementChild, span(1000 * (now.at - this.#started)));
        this.#tiles.update(this.#past);
        this.#lists.update(this.#latest);
        this.#connections.update(this.#latest);
        this.#draw();
    }

    #draw() {
        if (!this.#isHeld && !document.hidden) {
            this.#flow.update(this.#past, this.#marks);
            this.#heat.update(this.#past);
        }
    }

    #hold() {
        this.#isHeld = !this.#isHeld;
        find("hold").ariaPressed = String(this.#isHeld);
        setText(find("hold"), this.#isHeld ? "Resume" : "Pause");
        this.#state(this.#isHeld ? "held" : "", this.#isHeld ? "Paused" : "Updated every second");
        this.#show();
    }

    // ---- States

    #state(css, text, notice = "") {
        clearInterval(this.#countdown);
        document.body.className = css;
        setText(find("state"), text);
        setText(find("say"), text);
        find("notice").hidden = notice === "";
        setText(find("notice"), notice);
    }

    #down({code, seconds}) {
        const last = this.#past.at(-1);
        const from = last ? ` The figures are from ${new Date(1000 * last.at).toTimeString().slice(0, 8)}.` : "";
        const what = code === CODE_RESTART ? "Server restarting." : "Server unreachable.";
        let left = seconds;
        this.#state("stale", what);
        const tell = () => setText(find("state"), `${what} Trying again in ${left} s.${from}`);
        tell();
        this.#countdown = setInterval(() => {
            left = Math.max(left - 1, 0);
            tell();
        }, 1000);
    }

    #denied() {
        if (!document.body.classList.contains("denied")) {
            this.#state("stale denied", "No access",
                        "This page needs the token of the server. Open the address that the server printed when it started: " +
                        "it ends with #token= and the token.");
        }
    }
}

new Live();
