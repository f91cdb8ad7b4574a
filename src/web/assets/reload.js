// The script by which a page follows its program. The tag that loads it says in data-state which state the page shows.

import {Overlay} from './reload_overlay.js';
import {attend} from './reload_sheet.js';

const AGAIN_MS = 200;           // until the next attempt, when the program has gone
const STORED = 'c10k reloaded'; // what a page leaves for the one that is loaded in its place
const shown = JSON.parse(document.querySelector('script[data-state][src="/_c10k/reload.js"]').dataset.state);
const overlay = new Overlay();
const ownSheet = document.querySelector('main.sheet');  // this page is an explanation itself

// Loads each style sheet of ours again, and removes the old one when the new one is there.
function renewStyles(number) {
    for (const old of document.querySelectorAll('link[rel="stylesheet"]')) {
        const address = new URL(old.href, location.href);
        if (address.origin !== location.origin) {
            continue;
        }
        address.searchParams.set('reload', number);
        const renewed = old.cloneNode();
        renewed.href = address;
        renewed.onload = renewed.onerror = () => old.remove();
        old.after(renewed);
    }
}

function loadAgain(seconds) {
    try {
        sessionStorage.setItem(STORED, JSON.stringify({seconds, at: Date.now()}));
    } catch {
        // a page that may store nothing says nothing of it
    }
    location.reload();
}

// Says how long it took, if this page has taken the place of another.
function greet() {
    try {
        const {seconds, at} = JSON.parse(sessionStorage.getItem(STORED)) ?? {};
        sessionStorage.removeItem(STORED);
        if (seconds !== undefined) {
            overlay.reloaded(seconds + (Date.now() - at) / 1000);
        }
    } catch {
        // as above
    }
}

// The mistake that stands in the way of the last change, or else a view's that has happened since this page was made.
function explain(state) {
    if (state.heading !== '') {
        const isThis = ownSheet?.querySelector('h1')?.textContent === state.heading;
        overlay.explain(isThis ? '' : state.sheet);
    } else if (state.failures > shown.failures) {
        overlay.explain(state.failure);
    } else {
        overlay.explain('');
    }
}

function follow() {
    const socket = new WebSocket(`${location.origin.replace(/^http/, 'ws')}/_c10k/reload/`);
    socket.onmessage = (event) => {
        const state = JSON.parse(event.data);
        if (state.program > shown.program || state.pages > shown.pages) {
            loadAgain(state.seconds);
            return;
        }
        if (state.styles !== shown.styles) {
            shown.styles = state.styles;
            renewStyles(state.styles);
        }
        explain(state);
        overlay.building(state.building);
    };
    socket.onclose = () => setTimeout(follow, AGAIN_MS);
}

if (ownSheet) {
    attend(ownSheet);
}
greet();
follow();
