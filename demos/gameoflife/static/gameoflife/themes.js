// The colours of cells, to the letter of each theme's formula.

import {ALIVE, DEAD} from './grid.js';

// A colour depends on the state and on a key below PERIOD. Wave's light hues repeat after 64 steps, its dark ones after
// 18.
export const PERIOD = 576;
export const SHADES = 16;           // of blocks, from all dead to all alive
export const DEEPEST = 15;          // steps behind the leader; all that are further behind look alike
export const OLDEST = 63;           // steps; all that are older look alike

export const BARS = 14;             // of the legend

const root = (age) => Math.sqrt(Math.min(age, OLDEST) / OLDEST);

// `keyOf` is what the key is: see Picture. `legendKey(step, last)` is the key of the legend's bar for a step.
export const THEMES = {
    wave: {
        name: 'Wave',
        title: 'Colour = the cell’s own step',
        note: 'Neighbours are never more than one step apart, so delays travel as waves.',
        keyOf: 'step',
        legendKey: (step) => step % PERIOD,
        light: (step, alive) => `hsl(${step * 20 % 256} 100% ${alive ? 25 : 95}%)`,
        dark: (step, alive) => `oklch(${alive ? '0.83 0.12' : '0.27 0.06'} ${step * 20 % 360})`,
    },
    relief: {
        name: 'Relief',
        title: 'Colour = steps behind the leader',
        note: 'Deeper blue is further behind. A slow client makes a pit: its neighbours wait for it.',
        keyOf: 'depth',
        legendKey: (step, last) => Math.min(last - step, DEEPEST),
        light: (k, alive) => alive ? 'oklch(0.36 0.11 35)' : `oklch(${0.975 - 0.022 * k} ${0.008 + 0.007 * k} 225)`,
        dark: (k, alive) => alive ? 'oklch(0.86 0.13 75)' : `oklch(${0.42 - 0.019 * k} ${0.045 + 0.001 * k} 228)`,
    },
    age: {
        name: 'Age',
        title: 'Colour = age in steps',
        note: 'Newborn cells are hot and cool with age; those that died leave a trail for 64 steps.',
        keyOf: 'age',
        legendKey: (step, last) => Math.min(Math.floor((last - step) ** 2 / 2.6), OLDEST),
        light: (k, alive) => alive
            ? `oklch(${0.6 - 0.3 * root(k)} ${0.2 - 0.1 * root(k)} ${42 - 90 * root(k)})`
            : `oklch(${0.9 + 0.075 * root(k)} ${0.07 - 0.07 * root(k)} 60)`,
        dark: (k, alive) => alive
            ? `oklch(${0.95 - 0.33 * root(k)} ${0.1 + 0.09 * root(k)} ${100 - 115 * root(k)})`
            : `oklch(${0.33 - 0.135 * root(k)} ${0.11 - 0.1 * root(k)} ${330 - 50 * root(k)})`,
    },
    mono: {
        name: 'Mono',
        title: 'Full contrast',
        note: 'Two colours, and a shadow where steps differ.',
        keyOf: 'nothing',
        legendKey: () => 0,
        light: (k, alive) => alive ? '#191d20' : '#fbfbf9',
        dark: (k, alive) => alive ? '#f2f4f1' : '#15191c',
    },
};

// The theme of a name that came from somewhere else: unknown ones are the default.
export const themeOf = (name) => Object.hasOwn(THEMES, name) ? THEMES[name] : THEMES.wave;

// Whether the dark scheme is in force. A change event never comes to an object of which somebody has read `matches` since
// the change, in Chromium: so one is read, and the other is listened to.
const DARK = '(prefers-color-scheme: dark)';
const asked = matchMedia(DARK), heard = matchMedia(DARK);
export const night = {
    get matches() { return asked.matches; },
    addEventListener: (kind, listener) => heard.addEventListener(kind, listener),
};

// A theme's colours in the scheme now in force: `colours` as CSS writes them and `pixels` of an ImageData, both at
// [state * PERIOD + key]. The canvas itself makes pixels of colours, so that they are the browser's own.
export class Palette {
    #blocks = null;

    constructor(theme) {
        const colour = theme[night.matches ? 'dark' : 'light'];
        const context = new OffscreenCanvas(PERIOD, 2).getContext('2d');
        this.theme = theme;
        this.colours = [];
        for (const state of [DEAD, ALIVE]) {
            for (let key = 0; key < PERIOD; ++key) {
                this.colours.push(context.fillStyle = colour(key, state === ALIVE));
                context.fillRect(key, state, 1, 1);
            }
        }
        this.pixels = new Uint32Array(context.getImageData(0, 0, PERIOD, 2).data.buffer);
    }

    // The pixels of blocks, at [shade * PERIOD + key]: between a dead cell's and a live one's.
    get blocks() {
        this.#blocks ??= this.#mix();
        return this.#blocks;
    }

    #mix() {
        const from = new Uint8Array(this.pixels.buffer), bytes = PERIOD * 4;
        const mixed = new Uint8Array(SHADES * bytes);
        for (let shade = 0; shade < SHADES; ++shade) {
            const part = shade / (SHADES - 1);
            for (let at = 0; at < bytes; ++at) {
                mixed[shade * bytes + at] = Math.round(from[at] * (1 - part) + from[bytes + at] * part);
            }
        }
        return new Uint32Array(mixed.buffer);
    }
}
