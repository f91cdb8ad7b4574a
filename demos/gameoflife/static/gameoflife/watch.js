// Listens to the server for as long as the page is open; connects again by itself.

const PROTOCOLS = ['life.gathering', 'life.batch'];
const LONGEST_WAIT = 15;      // seconds
const STEADY = 5000;          // ms; a connection that lasted this long ends a row of failures
const TRY_AGAIN_LATER = 1013; // we stayed too far behind

// Calls opened() for each connection, received(text) for each message, and says(state, text) for what to tell the
// reader: the state is connecting, connected or disconnected.
export function watch(url, {opened, received, says}) {
    let failures = 0;
    let batched = false;   // the server has shown that it knows one of them

    // A browser fails the handshake when the server chooses none of the subprotocols offered to it. So a failed
    // handshake is tried once more without: a server that knows none of them sends one update per message.
    function connect(protocols) {
        const socket = new WebSocket(url, protocols);
        let since = null;
        socket.addEventListener('open', () => {
            since = performance.now();
            batched ||= PROTOCOLS.includes(socket.protocol);
            opened();
            says('connected', 'Connected');
        });
        socket.addEventListener('message', (event) => received(event.data));
        socket.addEventListener('close', (event) => {
            if (since === null && protocols.length > 0 && !batched) {
                connect([]);
                return;
            }
            if (since !== null && performance.now() - since > STEADY) {
                failures = 0;
            }
            const reason = event.code === TRY_AGAIN_LATER ? 'This page fell too far behind.' : 'Disconnected.';
            const longest = Math.min(LONGEST_WAIT, 2 ** ++failures);
            wait(reason, longest * (0.5 + Math.random() / 2));   // jitter: all watchers lost the server at once
        });
    }

    function wait(reason, seconds) {
        if (seconds <= 0) {
            says('connecting', 'Connecting…');
            connect(PROTOCOLS);
            return;
        }
        says('disconnected', `${reason} Reconnecting in ${Math.ceil(seconds)} s…`);
        const rest = seconds % 1 || 1;
        setTimeout(wait, rest * 1000, reason, Math.round(seconds - rest));
    }

    wait('', 0);
}
