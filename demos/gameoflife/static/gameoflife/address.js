// The page's address may say what to look at: ?theme=age&zoom=12&x=20&y=30&cell=12,7. The zoom is the size of a cell in
// CSS pixels; x and y are the place in the middle, in cells.

import {THEMES} from './themes.js';
import {settings} from './settings.js';

const numberOf = (query, name) => query.has(name) ? Number(query.get(name)) : NaN;

// Does what the address says.
export function readAddress(view) {
    const query = new URLSearchParams(location.search);
    if (Object.hasOwn(THEMES, query.get('theme') ?? '')) {
        settings.borrow('theme', query.get('theme'));
    }
    const [zoom, x, y] = ['zoom', 'x', 'y'].map((name) => numberOf(query, name));
    if (zoom > 0 && x >= 0 && y >= 0) {
        view.look(x, y, zoom);
    }
    const [row, col] = (query.get('cell') ?? '').split(',').map(Number);
    if (query.has('cell')) {
        view.pin({row, col});
    }
}

// The address of what the page shows now.
export function addressOf(view) {
    const query = new URLSearchParams({theme: settings.theme});
    if (!view.fitted) {
        const round = (value) => String(Math.round(value * 100) / 100);
        query.set('zoom', round(view.scale / view.ratio));
        query.set('x', round(view.x));
        query.set('y', round(view.y));
    }
    if (view.pinned !== null) {
        query.set('cell', `${view.pinned.row},${view.pinned.col}`);
    }
    return `${location.origin}${location.pathname}?${query}`;
}
