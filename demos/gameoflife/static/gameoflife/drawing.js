// Draws the stage: the grid, what lies beyond its edges, shadows, lines, the pinned cell, the map.

import {SHADOWS_FROM, ShadowLines, drawStrips, isSmall} from './shadows.js';
import {night} from './themes.js';
import {settings} from './settings.js';
import {token} from './tokens.js';

const LINES_FROM = 6;           // CSS pixels
const COPY_ALPHA = 0.3;
const OLD_ALPHA = 0.5;
const MAP_FROM = 1.25;          // the grid's side in sides of the stage
const MAP_SIDE = 136;           // CSS pixels
const CALM_TIME = 500;          // ms between two pictures for a reader who wants less motion

const calm = matchMedia('(prefers-reduced-motion: reduce)');

// A length in device pixels. The browser knows how it rounds, unless it only plays a device with other pixels.
function pixels(length, exact) {
    const rounded = Math.max(1, Math.round(length * devicePixelRatio));
    return exact !== undefined && Math.abs(exact - rounded) <= 1 ? exact : rounded;
}

export class Drawing {
    #canvas;
    #map;
    #context;
    #view;
    #cells;
    #game;
    #frame = null;
    #timer = null;
    #drawnAt = -Infinity;
    #shadows = new ShadowLines();

    constructor({canvas, map, view, cells, game}) {
        this.#canvas = canvas;
        this.#map = map;
        this.#context = canvas.getContext('2d', {alpha: false});
        this.#view = view;
        this.#cells = cells;
        this.#game = game;
        view.addEventListener('change', () => this.changed());
        settings.addEventListener('change', () => this.changed());
        night.addEventListener('change', () => this.changed());
        game.addEventListener('change', () => this.changed());
        cells.addEventListener('update', () => this.#updated());
        this.#observe();
    }

    // Something is to be drawn: all that happens before the next frame is drawn at once. A hidden page has no frames.
    changed() {
        this.#frame ??= requestAnimationFrame(() => this.#draw());
    }

    #updated() {
        const rest = calm.matches ? this.#drawnAt + CALM_TIME - performance.now() : 0;
        if (rest <= 0) {
            this.changed();
        } else {
            this.#timer ??= setTimeout(() => this.changed(), rest);
        }
    }

    #observe() {
        const resized = ([{contentRect, devicePixelContentBoxSize}]) => {
            const [exact] = devicePixelContentBoxSize ?? [];
            const width = pixels(contentRect.width, exact?.inlineSize);
            const height = pixels(contentRect.height, exact?.blockSize);
            Object.assign(this.#canvas, {width, height});                                            // clears it,
            this.#view.stage(this.#canvas.width, this.#canvas.height, devicePixelRatio);
            this.#draw();                                                                            // hence at once
        };
        const observer = new ResizeObserver(resized);
        try {
            observer.observe(this.#canvas, {box: 'device-pixel-content-box'});
        } catch {
            observer.observe(this.#canvas);   // Safari does not know device pixels
        }
    }

    #draw() {
        cancelAnimationFrame(this.#frame);
        clearTimeout(this.#timer);
        this.#frame = this.#timer = null;
        this.#drawnAt = performance.now();
        if (this.#cells.picture.deepen()) {
            this.changed();
        }
        const dirty = this.#cells.picture.flush();
        this.#cells.overview?.picture.flush();
        this.#drawGround();
        this.#drawGrid(dirty);
        this.#drawMarks();
        this.#drawMap();
        if (this.#cells.unseen !== null && this.#game.tell({seen: this.#cells.unseen})) {
            this.#cells.unseen = null;
        }
    }

    // The whole grid as an image, be it coarse.
    get #whole() {
        const {grid, picture, overview} = this.#cells;
        return grid.isWhole ? {grid, picture} : overview;
    }

    // An image of blocks reaches beyond the grid if its size is no multiple of theirs.
    #drawImage(context, {grid, picture}, left, top, scale) {
        const unit = scale * 2 ** grid.zoom;
        const width = grid.columns * unit, height = grid.rows * unit;
        context.drawImage(picture.canvas, left + grid.left * unit, top + grid.top * unit, width, height);
    }

    // The last picture of the whole grid is pale beside the part that the server still tells.
    #drawCells(context, left, top, scale) {
        const {grid, picture, overview} = this.#cells;
        if (overview) {
            context.globalAlpha = OLD_ALPHA;
            this.#drawImage(context, overview, left, top, scale);
            context.globalAlpha = 1;
        }
        this.#drawImage(context, {grid, picture}, left, top, scale);
    }

    // A wrapped grid goes on, pale, beyond its edges.
    #drawGround() {
        const context = this.#context, {width, height, left, top, side, scale} = this.#view, whole = this.#whole;
        context.fillStyle = token('paper');
        context.fillRect(0, 0, width, height);
        context.imageSmoothingEnabled = scale < 1;
        const isWrapped = this.#game.status?.game.wrapped !== false;
        if (!settings.copies || !isWrapped || !whole || this.#cells.heard === 0) {
            return;
        }
        context.globalAlpha = COPY_ALPHA;
        const before = (start) => start - Math.ceil(start / side) * side;
        for (let y = before(top); y < height; y += side) {
            for (let x = before(left); x < width; x += side) {
                if (Math.round(x) !== left || Math.round(y) !== top) {
                    this.#drawImage(context, whole, x, y, scale);
                }
            }
        }
        context.globalAlpha = 1;
    }

    #drawGrid(dirty) {
        const context = this.#context, view = this.#view, {left, top, side, scale, ratio} = view;
        const {grid} = this.#cells;
        context.save();
        context.beginPath();
        context.rect(left, top, side, side);
        context.clip();
        context.fillStyle = token('sunken');
        context.fillRect(left, top, side, side);
        this.#drawJoined();
        this.#drawCells(context, left, top, scale);
        const place = this.#placeOf(grid);
        if (place.unit >= SHADOWS_FROM * ratio && grid.heard > 0) {
            if (isSmall(place.unit, ratio)) {
                this.#shadows.draw(context, grid, place, dirty);
            } else {
                drawStrips(context, grid, place);
            }
        }
        if (settings.lines && scale >= LINES_FROM * ratio) {
            this.#drawLines();
        }
        context.restore();
    }

    // Where the grid is on the stage, and which of its cells or blocks are.
    #placeOf(grid) {
        const {left, top, scale} = this.#view, seen = this.#view.visible(), per = 2 ** grid.zoom, unit = scale * per;
        const column = (at) => Math.min(grid.columns, Math.max(0, at - grid.left));
        const row = (at) => Math.min(grid.rows, Math.max(0, at - grid.top));
        return {
            x: left + grid.left * unit, y: top + grid.top * unit, unit,
            visible: {
                left: column(Math.floor(seen.left / per)), right: column(Math.ceil(seen.right / per)),
                top: row(Math.floor(seen.top / per)), bottom: row(Math.ceil(seen.bottom / per)),
            },
        };
    }

    // While clients gather, the grid fills from its first cell on.
    #drawJoined() {
        if (this.#game.state !== 'gather') {
            return;
        }
        const context = this.#context, {left, top, scale, side, size} = this.#view;
        const joined = this.#game.status?.game.connected ?? this.#game.gathering?.connected ?? 0;
        const rows = Math.floor(joined / size);
        context.fillStyle = token('tint');
        context.fillRect(left, top, side, Math.round(rows * scale));
        context.fillRect(left, top + Math.round(rows * scale), joined % size * scale, Math.ceil(scale));
    }

    #drawLines() {
        const context = this.#context, {left, top, side, scale, ratio} = this.#view, seen = this.#view.visible();
        const thick = Math.max(1, Math.round(ratio));
        context.fillStyle = night.matches ? 'rgb(0 0 0 / 0.3)' : 'rgb(255 255 255 / 0.62)';
        for (let x = seen.left + 1; x < seen.right; ++x) {
            context.fillRect(Math.round(left + x * scale), top, thick, side);
        }
        for (let y = seen.top + 1; y < seen.bottom; ++y) {
            context.fillRect(left, Math.round(top + y * scale), side, thick);
        }
    }

    // The grid's edge, cells that left or are held, and boxes around the cell that the card describes and its
    // neighbours.
    #drawMarks() {
        const context = this.#context, {left, top, side, scale, cursor} = this.#view;
        context.globalAlpha = 0.5;
        this.#box(context, 1, left, top, side, side);
        context.globalAlpha = 1;
        if (this.#game.state === 'stalled') {
            this.#hatch(this.#game.status.left.cells ?? []);
        }
        const held = this.#game.play?.held ?? null;
        if (held !== null) {
            this.#box(context, 3, left + held.col * scale, top + held.row * scale, scale, scale, 'busy');
        }
        if (cursor !== null) {
            const x = left + cursor.col * scale, y = top + cursor.row * scale;
            this.#box(context, 1, x - scale, y - scale, 3 * scale, 3 * scale);
            this.#box(context, 2, x, y, scale, scale);
        }
    }

    #hatch(cells) {
        const context = this.#context, {left, top, scale, ratio} = this.#view;
        const side = Math.max(scale, 5 * ratio), gap = Math.max(3 * ratio, side / 4);
        context.save();
        context.beginPath();
        for (const [row, col] of cells) {
            context.rect(left + (col + 0.5) * scale - side / 2, top + (row + 0.5) * scale - side / 2, side, side);
        }
        context.fillStyle = token('paper');
        context.fill();
        context.clip();
        context.beginPath();
        for (const [row, col] of cells) {
            const x = left + (col + 0.5) * scale - side / 2, y = top + (row + 0.5) * scale - side / 2;
            for (let at = gap / 2; at < 2 * side; at += gap) {
                context.moveTo(x + at, y);
                context.lineTo(x + at - side, y + side);
            }
        }
        context.strokeStyle = token('bad');
        context.lineWidth = Math.max(1, ratio);
        context.stroke();
        context.restore();
    }

    // A box around a rectangle, on its outside.
    #box(context, line, x, y, width, height, colour = 'ink') {
        const thick = line * this.#view.ratio;
        context.strokeStyle = token(colour);
        context.lineWidth = thick;
        context.strokeRect(x - thick / 2, y - thick / 2, width + thick, height + thick);
    }

    #drawMap() {
        const {width, height, left, top, side, ratio, size} = this.#view, whole = this.#whole;
        const isShown = whole && side >= MAP_FROM * Math.max(width, height);
        if (this.#map.hidden === isShown) {
            this.#map.hidden = !isShown;
        }
        if (!isShown) {
            return;
        }
        const context = this.#map.getContext('2d'), length = Math.round(MAP_SIDE * ratio), part = length / side;
        if (this.#map.width !== length) {
            this.#map.width = this.#map.height = length;
        }
        context.fillStyle = token('sunken');
        context.fillRect(0, 0, length, length);
        this.#drawCells(context, 0, 0, length / size);
        this.#box(context, 2, -left * part, -top * part, width * part, height * part);
    }
}
