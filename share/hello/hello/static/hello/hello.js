// The page's WebSocket: how long a message takes, who else has the page open, and what they say.

import {startField} from './field.js';

const AGAIN_MS = 1000;      // until the next attempt, when the server has gone
const PING_MS = 1000;
const TRIPS = 60;           // that the line shows
const LONGEST_TRIP = 0.8;   // milliseconds that fill its height, if none takes longer
const HEARD = 4;            // lines that stay
const LEAST_CELLS = 13;
const COPIED_MS = 2000;

const $ = (id) => document.getElementById(id);
const trips = [];
const own = [];             // what this page has said, and not heard yet
let socket = null;
let pinged = 0;
let ping = 0;

function connect() {
    const url = new URL('ws/', location);
    url.protocol = url.protocol.replace('http', 'ws');
    socket = new WebSocket(url);
    socket.addEventListener('open', () => {
        showState('open');
        measure();
        ping = setInterval(measure, PING_MS);
    });
    socket.addEventListener('close', () => {
        showState('closed');
        clearInterval(ping);
        own.length = 0;
        showCount(0);
        setTimeout(connect, AGAIN_MS);
    });
    socket.addEventListener('message', ({data}) => hear(data));
}

function showState(state) {
    $('state').textContent = state;
    $('state').className = state;
    $('say').querySelector('button').disabled = state !== 'open';
}

function measure() {
    pinged = performance.now();
    socket.send('ping');
}

function hear(message) {
    const [word] = message.split(' ', 1);
    const rest = message.slice(word.length + 1);
    if (word === 'pong') {
        showTrip(performance.now() - pinged);
    } else if (word === 'open') {
        showCount(Number(rest));
    } else if (word === 'say') {
        const isOwn = own[0] === rest;
        if (isOwn) {
            own.shift();
        }
        list(rest, isOwn ? 'you' : 'another page');
    }
}

function showTrip(milliseconds) {
    trips.push(milliseconds);
    if (trips.length > TRIPS) {
        trips.shift();
    }
    $('trip').textContent = `${milliseconds.toFixed(2)} ms`;
    const most = Math.max(LONGEST_TRIP, ...trips);
    const first = TRIPS - trips.length;
    const line = trips.map((trip, i) => `${first + i} ${(40 - 38 * trip / most).toFixed(1)}`).join('L');
    $('trail').querySelector('.line').setAttribute('d', `M${line}`);
    $('trail').querySelector('.area').setAttribute('d', `M${first} 42L${line}V42Z`);
}

function showCount(count) {
    $('cells').replaceChildren(...Array.from({length: Math.max(LEAST_CELLS, Math.min(count, 200))}, (_, i) => {
        const cell = document.createElement('i');
        cell.className = i >= count ? '' : i === 0 ? 'open own' : 'open';
        return cell;
    }));
    $('open').textContent = count === 0 ? 'No socket is open.'
        : count === 1 ? 'One socket is open: yours. Open this page in another tab, and the next cell fills.'
            : `${count} sockets are open. The framed one is yours.`;
}

function list(text, from) {
    const item = document.createElement('li');
    const source = document.createElement('small');
    item.textContent = text;
    source.textContent = from;
    item.append(source);
    $('heard').prepend(item);
    while ($('heard').children.length > HEARD) {
        $('heard').lastChild.remove();
    }
}

$('say').addEventListener('submit', (event) => {
    event.preventDefault();
    const text = $('text').value.trim() || 'hello';
    own.push(text);
    socket.send(`say ${text}`);
    $('text').value = '';
    $('text').focus();
});

for (const button of document.querySelectorAll('.command .copy')) {
    button.addEventListener('click', async () => {
        await navigator.clipboard.writeText(button.previousElementSibling.textContent);
        button.textContent = 'Copied';
        setTimeout(() => { button.textContent = 'Copy'; }, COPIED_MS);
    });
}

showCount(0);
startField($('field'));
connect();
