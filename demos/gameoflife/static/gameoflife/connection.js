// The page's WebSocket: it is open for as long as the page is, and connects again by itself.

export const VIEWER = 'life.viewer';

const PROTOCOLS = [VIEWER, 'life.gathering', 'life.batch'];   // the best first
const LONGEST_WAIT = 15;        // seconds
const FIRST_WAIT = 1;           // seconds; a server that restarts, or an open page that fell behind, is tried sooner
const STEADY = 5000;            // ms; a connection that lasted this long ends a row of failures
const RESTART_TIME = 10_000;    // ms; a server that restarts is back by then, or it is down

const CLOSE_REASONS = {1012: 'restart', 1013: 'behind'};

// Calls received(data) for each message, a string or an ArrayBuffer, and changed() when its state has changed:
//
// connecting   for the first time
// open         `protocol` is the one that the server has chosen, or ''
// restart      the server said that it restarts (1012)
// behind       the server gave up on us: we were too slow (1013)
// down         the server cannot be reached
export class Connection {
    #url;
    #events;
    #socket = null;
    #failures = 0;
    #isKnown = false;       // the server has shown that it knows one of the subprotocols
    #restartedAt = -Infinity;
    #retryAt = 0;

    constructor(url, events) {
        this.#url = url;
        this.#events = events;
        this.state = 'connecting';
        this.protocol = null;   // unless open
        this.#connect(PROTOCOLS);
    }

    // Whole seconds until the next try; at least one, since the try itself takes time as well.
    get wait() {
        return Math.max(1, Math.ceil((this.#retryAt - performance.now()) / 1000));
    }

    // Sends an object as JSON. Returns whether it could.
    send(message) {
        if (this.state !== 'open') {
            return false;
        }
        this.#socket.send(JSON.stringify(message));
        return true;
    }

    // A browser fails the handshake when the server chooses none of the subprotocols offered to it. So a failed
    // handshake is tried once more without: a server that knows none of them sends one update per message.
    #connect(protocols) {
        const socket = this.#socket = new WebSocket(this.#url, protocols);
        let openedAt = null;
        socket.binaryType = 'arraybuffer';
        socket.addEventListener('open', () => {
            openedAt = performance.now();
            this.#isKnown ||= PROTOCOLS.includes(socket.protocol);
            this.protocol = socket.protocol;
            this.#enter('open');
        });
        socket.addEventListener('message', ({data}) => this.#events.received(data));
        socket.addEventListener('close', ({code}) => {
            if (openedAt === null && protocols.length > 0 && !this.#isKnown) {
                this.#connect([]);
                return;
            }
            if (openedAt !== null && performance.now() - openedAt > STEADY) {
                this.#failures = 0;
            }
            this.#lost(code);
        });
    }

    #lost(code) {
        const now = performance.now();
        this.protocol = null;
        if (CLOSE_REASONS[code] === 'restart') {
            this.#restartedAt = now;
        }
        const longest = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** this.#failures++);
        const wait = longest * (0.5 + Math.random() / 2);   // jitter: all pages lost the server at once
        this.#retryAt = now + wait * 1000;
        setTimeout(() => this.#connect(PROTOCOLS), wait * 1000);
        const isRestarting = now - this.#restartedAt < RESTART_TIME;
        this.#enter(CLOSE_REASONS[code] ?? (isRestarting ? 'restart' : 'down'));
    }

    #enter(state) {
        this.state = state;
        this.#events.changed();
    }
}
