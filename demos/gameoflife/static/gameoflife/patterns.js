// The patterns that the game ships. Each is one file, which `manage gameoflife --pattern` reads as well.

import {parse} from './rle.js';

const FOLDER = '/static/gameoflife/patterns/';

// In the order in which a reader would try them.
const FILES = [
    'gosper.rle', 'simkin.rle', 'acorn.lif', 'r-pentomino.cells', 'switch-engine.cells', 'copperhead.rle', 'pulsar.rle',
    'galaxy.cells', 'pentadecathlon.rle', 'diehard.lif', 'glider.cells', 'lwss.rle', 'mwss.rle', 'hwss.cells',
    'blinker.cells', 'toad.cells', 'beacon.cells',
];

// A file's own words: its name, and a line about it. Life 1.06 knows neither: there a comment has both.
function describe(text) {
    const name = /^(?:#N|!Name:)\s*(.+)$/m.exec(text)?.[1];
    const about = /^(?:#C|!(?!Name:)|#(?! ?Life|N))\s*(.+)$/m.exec(text)?.[1] ?? '';
    return name ? {name, about} : {name: about.split(': ')[0], about: about.split(': ').slice(1).join(': ')};
}

async function load(file) {
    const answer = await fetch(FOLDER + file);
    if (!answer.ok) {
        throw new Error(`${FOLDER}${file}: ${answer.status}`);
    }
    const text = await answer.text();
    return {id: file.split('.')[0], ...describe(text), ...parse(text)};
}

let loading = null;

// Patterns with an id, as the command "new" takes it, a name, and a line about them. They are fetched once.
export function patterns() {
    loading ??= Promise.all(FILES.map(load)).catch((error) => {
        loading = null;   // the next one asks again
        throw error;
    });
    return loading;
}
