// A random start: the same cells that `manage gameoflife --seed` plays.

const LENGTH = 312;          // of the generator's state, in numbers of 64 bits
const MIDDLE = 156;
const MASK = (1n << 64n) - 1n;

// mt19937_64 of the C++ standard. Numbers of 64 bits lie in halves of 32, which JavaScript computes with at full speed.
class Generator {
    #high = new Uint32Array(LENGTH);
    #low = new Uint32Array(LENGTH);
    #next = LENGTH;

    constructor(seed) {
        let value = BigInt(seed) & MASK;
        for (let i = 0; i < LENGTH; ++i) {
            if (i > 0) {
                value = (6364136223846793005n * (value ^ value >> 62n) + BigInt(i)) & MASK;
            }
            this.#high[i] = Number(value >> 32n);
            this.#low[i] = Number(value & 0xffffffffn);
        }
    }

    // The next number, as one from 0 to 1. The last two bits count most: see Grid::random() in grid.cpp.
    next() {
        if (this.#next === LENGTH) {
            this.#twist();
        }
        let high = this.#high[this.#next], low = this.#low[this.#next];
        ++this.#next;
        const shiftedLow = (low >>> 29 | high << 3) & 0x55555555, shiftedHigh = high >>> 29 & 0x55555555;
        low ^= shiftedLow;
        high ^= shiftedHigh;
        high ^= (high << 17 | low >>> 15) & 0x71d67fff;
        low ^= low << 17 & 0xeda60000;
        high ^= low << 5 & 0xfff7eee0;
        low ^= high >>> 11;
        const upper = (low << 30 | high >>> 2) >>> 0, lower = (high << 30 | low >>> 2) >>> 0;   // rotated by two bits
        return (upper * 2 ** 21 + (lower >>> 11)) * 2 ** -53;
    }

    #twist() {
        const high = this.#high, low = this.#low;
        for (let i = 0; i < LENGTH; ++i) {
            const next = (i + 1) % LENGTH, other = (i + MIDDLE) % LENGTH;
            const upper = high[i], lower = low[i] & 0x80000000 | low[next] & 0x7fffffff;   // 33 bits of i, then 31
            const odd = lower & 1;
            high[i] = high[other] ^ upper >>> 1 ^ (odd ? 0xb5026f5a : 0);
            low[i] = low[other] ^ (lower >>> 1 | upper << 31) ^ (odd ? 0xa96619e9 : 0);
        }
        this.#next = 0;
    }
}

// The cells of a grid by row, 0 or 1. Each is alive with the chance `density`; the seed is a whole number.
export function soup(size, density, seed) {
    const generator = new Generator(seed);
    return Uint8Array.from({length: size * size}, () => generator.next() < density ? 1 : 0);
}
