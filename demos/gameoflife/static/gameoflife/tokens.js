// The page's colour tokens, as a canvas takes them.

import {night} from './themes.js';

const probe = document.createElement('i');
probe.hidden = true;
probe.style.forcedColorAdjust = 'none';
document.body.append(probe);

const known = new Map();
night.addEventListener('change', () => known.clear());

export function token(name) {
    if (!known.has(name)) {
        probe.style.color = `var(--${name})`;
        known.set(name, getComputedStyle(probe).color);
    }
    return known.get(name);
}
