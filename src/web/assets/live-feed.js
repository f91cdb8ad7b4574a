// The WebSocket of the page: figures each second, answers, and messages that are followed.

const TOKEN = "c10k-live-token";
const LONGEST_PAUSE = 5;

// The token stands behind the # of the address that the server has printed: no request and no Referer has it. It stays
// in this tab only, and leaves the address, so that nobody copies it by chance.
function takeToken() {
    const given = new URLSearchParams(location.hash.slice(1)).get("token");
    if (given) {
        sessionStorage.setItem(TOKEN, given);
        history.replaceState(null, "", location.pathname + location.search);
    }
    return given ?? sessionStorage.getItem(TOKEN) ?? "";
}

export class Feed extends EventTarget {
    #token = takeToken();
    #socket = null;
    #pause = 1;
    #number = 0;
    #answers = new Map();

    constructor() {
        super();
        addEventListener("hashchange", () => {
            this.#token = takeToken();
            this.#pause = 0;
        });
    }

    connect() {
        if (!this.#token) {
            this.#tell("denied", {});
            setTimeout(() => this.connect(), 1000);
            return;
        }
        const address = location.origin.replace(/^http/, "ws") + "/_live/ws/";
        this.#socket = new WebSocket(address, ["c10k.live", `token.${this.#token}`]);
        let wasOpen = false;
        this.#socket.onopen = () => {
            wasOpen = true;
            this.#pause = 1;
        };
        this.#socket.onmessage = (event) => this.#take(JSON.parse(event.data));
        this.#socket.onclose = (event) => this.#wait(event.code, wasOpen);
    }

    // Sends a message; resolves with the error of the answer, or null.
    ask(message) {
        if (this.#socket?.readyState !== WebSocket.OPEN) {
            return Promise.resolve("There is no connection to the server.");
        }
        const id = ++this.#number;
        this.#socket.send(JSON.stringify({...message, id}));
        return new Promise((resolve) => this.#answers.set(id, resolve));
    }

    send(message) {
        if (this.#socket?.readyState === WebSocket.OPEN) {
            this.#socket.send(JSON.stringify(message));
        }
    }

    #tell(type, detail) {
        this.dispatchEvent(new CustomEvent(type, {detail}));
    }

    #take(message) {
        for (const type of ["hello", "figures", "followed"]) {
            if (message[type]) {
                this.#tell(type, message[type]);
            }
        }
        if (message.answer !== undefined) {
            this.#answers.get(message.answer)?.(message.error);
            this.#answers.delete(message.answer);
        }
    }

    // A browser does not say why a handshake was refused: a request with the same token tells a wrong one.
    async #wait(code, wasOpen) {
        for (const resolve of this.#answers.values()) {
            resolve("The connection to the server was lost.");
        }
        this.#answers.clear();
        const seconds = this.#pause;
        this.#pause = Math.min(2 * this.#pause, LONGEST_PAUSE);
        if (!wasOpen && await this.#isDenied()) {
            this.#tell("denied", {});
        } else {
            this.#tell("down", {code, seconds});
        }
        setTimeout(() => this.connect(), 1000 * seconds);
    }

    async #isDenied() {
        try {
            const headers = {Authorization: `Bearer ${this.#token}`};
            return (await fetch("/_live/figures.json", {headers, signal: AbortSignal.timeout(2000)})).status === 403;
        } catch {
            return false;
        }
    }
}
