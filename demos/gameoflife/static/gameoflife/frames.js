// The pictures of life.viewer: binary messages, see docs/reference/life-protocols.md.

import {LARGEST} from './grid.js';

const PICTURE = 1;
const HEADER = 26;      // bytes
const RUN = 6;
const KEY = 1;
const AGES = 2;
const LAST = 4;

// The beginning of a picture, or null if the message is none that we know.
export function headerOf(buffer) {
    if (buffer.byteLength < HEADER) {
        return null;
    }
    const view = new DataView(buffer);
    const header = read(view);
    const side = Math.ceil(header.size / 2 ** header.zoom);
    const fits = (start, count) => count > 0 && start + count <= side;
    const isInside = fits(header.left, header.columns) && fits(header.top, header.rows);
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

// The longest run is a row of the largest grid.
const values = new Uint32Array(LARGEST), ages = new Uint8Array(LARGEST);

// Puts the values of a picture into the grid of its window, and paints them. Returns how many there were.
export function putRuns(buffer, {width, base, hasAges}, grid, picture) {
    const view = new DataView(buffer);
    const end = buffer.byteLength;
    let count = 0;
    for (let at = HEADER; at + RUN <= end;) {
        const row = view.getUint16(at, true) - grid.top;
        const column = view.getUint16(at + 2, true) - grid.left;
        const length = view.getUint16(at + 4, true);
        const start = at + RUN, afterValues = start + length * width;
        at = hasAges ? afterValues + length : afterValues;
        if (row < 0 || column < 0 || row >= grid.rows || column + length > grid.columns || at > end) {
            return count;   // not of this window
        }
        for (let i = 0; i < length; ++i) {
            values[i] = width === 1 ? view.getUint8(start + i)
                : width === 2 ? view.getUint16(start + 2 * i, true) : view.getUint32(start + 4 * i, true);
        }
        for (let i = 0; hasAges && i < length; ++i) {
            ages[i] = view.getUint8(afterValues + i);
        }
        grid.put(row * grid.columns + column, length, values, base, hasAges ? ages : null);
        picture.paint(row, column, length);
        count += length;
    }
    return count;
}
