// How the game stands, as the server says, and how to play it. Sends 'change' when its state or the right to play
// changes.

import {Connection, VIEWER} from './connection.js';

const PATIENCE = 1500;   // ms after which a server that cannot say so has no cells

const LOST = 'The connection to the server was lost.';
const OLD_SERVER = 'This server tells only what the cells say: not how the game stands, and it takes no commands.';
const NO_PROGRAM = 'No program is in control of this game.';

export class Game extends EventTarget {
    #connection;
    #cells;
    #answers = new Map();   // functions that wait for an answer, by id
    #asked = 0;
    #openedAt = 0;
    #receivedBefore = 0;    // updates, when the connection was opened
    #state = 'connecting';
    #control = false;

    // Everything that the server sends, except status, card and answers, goes to `cells`.
    constructor(url, cells) {
        super();
        this.#cells = cells;
        this.status = null;     // the last one of life.viewer; see docs/reference/life-protocols.md
        this.card = null;       // the last one, of the cell that was asked for
        this.gathering = null;  // {connected, subscribed} of life.gathering
        this.#connection = new Connection(url, {
            received: (data) => this.#received(data),
            changed: () => this.#connected(),
        });
    }

    get size() { return this.#cells.size; }
    get total() { return this.size * this.size; }

    // A row of states.js.
    get state() { return this.#state; }

    // The server is there and says how the game stands.
    get isLive() { return this.#connection.state === 'open'; }
    get isTold() { return this.status !== null; }
    get protocol() { return this.#connection.protocol; }
    get wait() { return this.#connection.wait; }

    // May this page play the game? If not, `why` is the line that says what to do.
    get canControl() {
        const control = this.isLive ? this.status?.control : null;
        return control?.program === true && control.allowed === true;
    }

    get why() {
        if (!this.isLive) {
            return LOST;
        }
        return this.canControl ? '' : this.status === null ? OLD_SERVER : this.status.control?.why || NO_PROGRAM;
    }

    // The program's word on the game: {paused, speed, held, stays, jitter, pattern}, or null without a program.
    get play() { return this.status?.play ?? null; }

    // Sends a command: command({speed: 10}). Returns what went wrong, in one line, or null.
    command(what) {
        if (!this.canControl) {
            return Promise.resolve(this.why);
        }
        const id = ++this.#asked;
        this.#connection.send({do: what, id});
        return new Promise((resolve) => this.#answers.set(id, resolve));
    }

    // Tells the server something that needs no answer: {view}, {seen}, {cell}.
    tell(message) {
        return this.protocol === VIEWER && this.#connection.send(message);
    }

    // The state follows what has come, and for a server that does not say it, the time.
    refresh() {
        const before = this.#state, control = this.#control;
        this.#state = this.#connection.state === 'open' ? this.#stateOfGame() : this.#connection.state;
        this.#control = this.canControl;
        if (this.#state !== before || this.#control !== control) {
            this.dispatchEvent(new Event('change'));
        }
    }

    // A server that tells how the game stands does so at once: until then nothing is new.
    #stateOfGame() {
        if (this.status !== null) {
            return this.#stateTold();
        }
        return this.protocol === VIEWER ? this.#state : this.#stateOfCells();
    }

    #stateTold() {
        const {game: {phase, limit}, step, left, play} = this.status;
        if (phase !== 'running') {
            return {empty: 'empty', gathering: 'gather', over: 'over', gone: 'gone'}[phase] ?? 'connecting';
        }
        if (limit !== null && step.oldest !== null && step.oldest >= limit) {
            return 'over';      // clients that stay do not leave when they have reached the last step
        }
        if (left?.count > 0) {
            return 'stalled';
        }
        return play?.paused ? 'pause' : play?.held ? 'held' : 'run';
    }

    // The little that a server with life.batch, or with no subprotocol, lets a page see.
    #stateOfCells() {
        if (this.gathering !== null) {
            return 'gather';
        }
        const tellsAll = this.protocol !== '';     // life.batch begins with the last words of all cells
        if (this.#cells.heard > 0 && (!tellsAll || this.#cells.received > this.#receivedBefore)) {
            return 'run';
        }
        if (performance.now() - this.#openedAt < PATIENCE) {
            return 'connecting';
        }
        this.#cells.forget();
        return 'empty';
    }

    #connected() {
        this.card = null;
        this.status = this.isLive ? null : this.status;   // a lost server's last figures stay on the page
        this.gathering = null;
        if (this.isLive) {
            this.#openedAt = performance.now();
            this.#receivedBefore = this.#cells.received;
            this.#cells.resume();
            this.dispatchEvent(new Event('open'));
        }
        for (const answer of this.#answers.values()) {
            answer(LOST);
        }
        this.#answers.clear();
        this.refresh();
    }

    #received(data) {
        if (typeof data === 'string' && this.protocol === VIEWER) {
            this.#told(JSON.parse(data));
        } else {
            this.#cells.take(data, this);
        }
    }

    #told({status, card, answer, error}) {
        if (status !== undefined) {
            this.status = status;
            this.#cells.told(status);
            this.refresh();
            this.dispatchEvent(new Event('status'));
        }
        if (card !== undefined) {
            this.card = {...card, heardAt: performance.now()};
            this.dispatchEvent(new Event('card'));
        }
        if (answer !== undefined) {
            this.#answers.get(answer)?.(error);
            this.#answers.delete(answer);
        }
    }
}
