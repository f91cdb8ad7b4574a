// The page's voice: aloud, to screen readers, and in a line that goes by itself.

import {element, show} from './elements.js';

const SHOWN = 3500;   // ms

let timer = null;

// Speaks a text once, politely: what is being read is read to its end.
export function say(text) {
    show(element('say'), text);
}

// Shows a line for a moment, and speaks it.
export function toast(text) {
    say(text);
    show(element('toast'), text);
    element('toast').hidden = false;
    clearTimeout(timer);
    timer = setTimeout(() => { element('toast').hidden = true; }, SHOWN);
}

// Puts a text on the clipboard. Without the right to do so the text is shown, to be copied by hand.
export async function copy(text, done) {
    try {
        await navigator.clipboard.writeText(text);
        toast(done);
    } catch {
        toast(text);
    }
}
