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

    // The next number, modulo a small one.
    modulo(divisor) {
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
        return ((high >>> 0) % divisor * (2 ** 32 % divisor) + (low >>> 0) % divisor) % divisor;
    }

    #twist() {
        const high = this.#high, low = this.#low;
        for (let i = 0; i < LENGTH; ++i) {
            const next = (i + 1) % LENGTH, other = (i + MIDDLE) % LENGTH;
            const upper = high[i], lower = low[i] & 0x80000000 | low[next] & 0x7fffffff;   // 33 bits of i, 31 of next
            const odd = lower & 1;
            high[i] = high[other] ^ upper >>> 1 ^ (odd ? 0xb5026f5a : 0);
            low[i] = low[other] ^ (lower >>> 1 | upper << 31) ^ (odd ? 0xa96619e9 : 0);
        }
        this.#next = 0;
    }
}

const divisor = (a, b) => b === 0 ? a : divisor(b, a % b);

// The cells of a grid by row, 0 or 1, of which so many percent are alive on average. The seed is a whole number.
export function soup(size, percent, seed) {
    const generator = new Generator(seed);
    const common = divisor(percent, 100);   // 25 percent are one cell in four
    const [alive, of] = [percent / common, 100 / common];
    return Uint8Array.from({length: size * size}, () => generator.modulo(of) < alive ? 1 : 0);
}
