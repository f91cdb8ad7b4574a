// Mouse, pen and fingers on the stage: drag to move, wheel or pinch to zoom, double click to fit, click or tap to pin.

const STILL = 4;        // CSS pixels; a press that moves less is a click
const LINE = 16;        // CSS pixels of a wheel that counts in lines,
const PAGE = 400;       // or in pages

export function listen({canvas, map, view}) {
    const pointers = new Map();     // those that are down, by id
    let moved = 0;

    // One finger moves; with two, each moves by half and zooms by what it adds to their distance.
    function drag(event, from) {
        const to = {x: event.offsetX, y: event.offsetY};
        const other = [...pointers].find(([id]) => id !== event.pointerId)?.[1];
        const share = other ? 0.5 : 1;
        pointers.set(event.pointerId, to);
        moved += Math.hypot(to.x - from.x, to.y - from.y);
        if (moved <= STILL) {
            return;
        }
        view.pan((to.x - from.x) * share, (to.y - from.y) * share);
        if (other) {
            const apart = (point) => Math.max(1, Math.hypot(point.x - other.x, point.y - other.y));
            view.zoom(apart(to) / apart(from), (to.x + other.x) / 2, (to.y + other.y) / 2);
        }
    }

    canvas.addEventListener('pointerdown', (event) => {
        if (event.button === 0) {
            canvas.setPointerCapture(event.pointerId);
            pointers.set(event.pointerId, {x: event.offsetX, y: event.offsetY});
            moved = pointers.size > 1 ? Infinity : 0;   // two fingers never tap
        }
    });
    canvas.addEventListener('pointermove', (event) => {
        const from = pointers.get(event.pointerId);
        if (from) {
            drag(event, from);
        } else if (event.pointerType === 'mouse') {
            view.hover(view.cellAt(event.offsetX, event.offsetY));
        }
    });
    canvas.addEventListener('pointerup', (event) => {
        if (pointers.has(event.pointerId) && moved <= STILL) {
            const cell = view.cellAt(event.offsetX, event.offsetY), {pinned} = view;
            view.pin(cell?.row === pinned?.row && cell?.col === pinned?.col ? null : cell);
        }
    });
    canvas.addEventListener('lostpointercapture', (event) => pointers.delete(event.pointerId));
    canvas.addEventListener('pointerleave', () => view.hover(null));
    canvas.addEventListener('dblclick', () => view.fit());
    canvas.addEventListener('wheel', (event) => {
        event.preventDefault();
        const pixels = event.deltaY * [1, LINE, PAGE][event.deltaMode];
        const speed = event.ctrlKey ? 60 : 300;   // ctrl: a trackpad's pinch comes as small turns of the wheel
        view.zoom(2 ** (-pixels / speed), event.offsetX, event.offsetY);
    }, {passive: false});

    const lookAt = (event) => {
        const part = view.size / map.clientWidth;
        view.look(event.offsetX * part, event.offsetY * part);
    };
    map.addEventListener('pointerdown', (event) => {
        map.setPointerCapture(event.pointerId);
        lookAt(event);
    });
    map.addEventListener('pointermove', (event) => event.buttons & 1 && lookAt(event));
}
