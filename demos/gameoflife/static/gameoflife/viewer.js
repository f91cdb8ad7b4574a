// The Game of Life page: what the server tells goes into life, what life is comes onto the page.

import {Life} from './life.js';
import {Rate} from './rate.js';
import {View} from './view.js';
import {watch} from './watch.js';

const REFRESH = 200;          // ms between two looks at the numbers
const PATIENCE = 1500;        // ms after connecting before we say that no game is running
const ASK_AGAIN = 2000;       // ms

const element = (id) => document.getElementById(id);
const grid = element('grid');

const life = new Life(Number(grid.dataset.size) || 32);
const view = new View(grid, life);
let rate = new Rate();
let connectedAt = null;
let receivedBefore = 0;       // life.received when the connection was opened
let askedAt = 0;

// For tests and the curious, read only. `cells` is by row, row * size + column: 0 dead, 1 alive, 2 not yet heard from.
// `steps` holds each cell's own step in the same order. `received` counts updates since the page was opened. After a
// reset `cells` and `steps` are new arrays.
window.life = Object.freeze({
    get size() { return life.size; },
    get cells() { return life.cells; },
    get steps() { return life.steps; },
    get received() { return life.received; },
});

watch(`${location.origin.replace('http', 'ws')}/watcher/`, {
    opened() {
        life.resume();
        rate = new Rate();
        receivedBefore = life.received;
    },
    received(text) {
        life.take(text);
        if (life.dirty) {
            view.changed();
        }
    },
    says(state, text) {
        connectedAt = state === 'connected' ? performance.now() : null;
        element('status').textContent = text;
        if (element('status').dataset.state !== state) {
            element('status').dataset.state = state;
            element('announcement').textContent = text;   // read aloud once, not with every second counted down
        }
    },
});

// A server that does not batch does not tell the size either; its page does.
async function askSize() {
    askedAt = performance.now();
    life.outside = false;
    const page = await (await fetch(location.href)).text();
    const size = Number(/data-size="(\d+)"/.exec(page)?.[1]);
    if (size >= 1 && size !== life.size) {
        life.reset(size);
        view.changed();
    }
}

function show(id, text) {
    if (element(id).textContent !== text) {
        element(id).textContent = text;
    }
}

// Not before this connection has brought every cell up to date: what was missed would count as speed.
function stepsPerSecond(now) {
    const upToDate = life.heard > 0 && life.received - receivedBefore >= life.heard;
    return upToDate ? rate.at(now, life.step) : 0;
}

function gatheredText({connected, subscribed}, cells) {
    const number = (count) => count.toLocaleString('en');
    if (connected < cells) {
        return `${number(connected)} of ${number(cells)} workers have come.`;
    }
    return `All ${number(cells)} workers have come, ${number(subscribed)} have subscribed.`;
}

function refresh() {
    const now = performance.now();
    const title = `Game of Life (${life.size}x${life.size})`;
    if (document.title !== title) {
        document.title = title;
    }
    show('step', `${life.step}`);
    show('population', `${life.population}`);
    show('rate', stepsPerSecond(now).toFixed(1));
    show('workers', `${life.heard}`);
    show('cells', `${life.size * life.size}`);
    const gathering = life.gathering;
    element('gathering').hidden = connectedAt === null || gathering === null;
    if (gathering !== null) {
        show('gathered', gatheredText(gathering, life.size * life.size));
    }
    element('hint').hidden = gathering !== null || life.heard > 0 || connectedAt === null || now - connectedAt < PATIENCE;
    if (life.outside && now - askedAt > ASK_AGAIN) {
        askSize().catch(() => {});   // asked again if updates still do not fit
    }
}

if (!['127.0.0.1:8000', 'localhost:8000'].includes(location.host)) {
    element('command').textContent += ` --url ${location.origin.replace('http', 'ws')}`;
}
element('fit').addEventListener('click', () => view.fit());
element('zoom-in').addEventListener('click', () => view.zoom(1.5));
element('zoom-out').addEventListener('click', () => view.zoom(1 / 1.5));
refresh();
setInterval(refresh, REFRESH);
