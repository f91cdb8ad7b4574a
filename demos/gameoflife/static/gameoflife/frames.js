// The pictures of life.viewer: binary messages, see docs/reference/life-protocols.md.

import {LARGEST} from './grid.js';

const PICTURE = 1;
const HEADER = 26;      // bytes
const RUN = 6;
const KEY = 1;
const AGES = 2;
const LAST = 4;

const CELL = 2;         // values of a cell's step: dead, alive
const BLOCK = 16;       // shades of a block

// What the message begins with, or null if it is no picture that we know.
export function headerOf(buffer) {
    if (buffer.byteLength < HEADER) {
        return null;
    }
    const view = new DataView(buffer);
    const header = read(view);
    const side = Math.ceil(header.size / 2 ** header.zoom);
    const isInside = header.columns > 0 && header.rows > 0 && header.left + header.columns <= side && header.top + header.rows <= side;
    const isKnown = view.getUint8(0) === PICTURE && [1, 2, 4].includes(header.width) && header.size <= LARGEST;
    return isKnown && isInside ? header : null;
}

function read(view) {
    const flags = view.getUint8(1);
    return {
        isKey: (flags & KEY) !== 0,
        hasAges: (flags & AGES) !== 0,
        isLast: (flags & LAST) !== 0,
        zoom: view.getUint8(2),
        width: view.getUint8(3),
        number: view.getUint32(4, true),
        base: Number(view.getBigUint64(8, true)),
        size: view.getUint16(16, true),
        left: view.getUint16(18, true),
        top: view.getUint16(20, true),
        columns: view.getUint16(22, true),
        rows: view.getUint16(24, true),
    };
}

// Puts the values of a picture into the grid of its window. Returns how many there were.
export function putRuns(buffer, header, grid) {
    const {width, base, hasAges} = header;
    const view = new DataView(buffer);
    const per = grid.shades === null ? CELL : BLOCK;
    const end = buffer.byteLength;
    let count = 0;
    for (let at = HEADER; at + RUN <= end;) {
        const row = view.getUint16(at, true) - grid.top;
        const column = view.getUint16(at + 2, true) - grid.left;
        const length = view.getUint16(at + 4, true);
        const values = at + RUN, ages = values + length * width;
        at = hasAges ? ages + length : ages;
        if (row < 0 || column < 0 || row >= grid.rows || column + length > grid.columns || at > end) {
            return count;   // not of this window
        }
        const first = row * grid.columns + column;
        for (let i = 0; i < length; ++i) {
            const value = width === 1 ? view.getUint8(values + i)
                : width === 2 ? view.getUint16(values + 2 * i, true) : view.getUint32(values + 4 * i, true);
            if (value === 0) {
                grid.forget(first + i);
                continue;
            }
            const step = base + Math.floor((value - 1) / per);
            const changed = hasAges ? Math.max(0, step - view.getUint8(ages + i)) : -1;
            if (per === CELL) {
                grid.put(first + i, step, (value - 1) % CELL, changed);
            } else {
                grid.putBlock(first + i, step, (value - 1) % BLOCK, changed);
            }
        }
        count += length;
    }
    return count;
}
