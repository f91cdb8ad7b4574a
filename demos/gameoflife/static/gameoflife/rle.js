// Patterns as people write them: RLE, rows of `.` and `O`, Life 1.05 and 1.06. No page, no network.
//
// A pattern is {width, height, alive}: alive has [row, column] for each living cell.

export const LARGEST = 4096;   // cells per side that the game plays

const LINE_LENGTH = 70;        // of RLE, as the format asks

// A text that is no pattern. The message is for the reader and names the line and the column, which count from 1.
export class PatternError extends Error {
    constructor(line, column, problem) {
        super(`Line ${line}, column ${column}: ${problem}`);
        this.line = line;
        this.column = column;
    }
}

// Reads a pattern; its text tells which format it has. Throws PatternError.
export function parse(text) {
    const lines = text.replace(/^\uFEFF/, '').split(/\r*\n|\r/).map((line) => line.trimEnd());
    if (lines[0] === '#Life 1.06') {
        return parsePoints(lines);
    }
    if (lines[0] === '#Life 1.05' || /^#P(\s|$)/.test(lines[0])) {
        return parseBlocks(lines);
    }
    return isRle(lines) ? parseRle(lines) : parseRows(lines);
}

// A header, or the end of a row or of the pattern.
function isRle(lines) {
    const body = lines.filter((line) => !/^[#!]/.test(line));
    return body.some((line) => /^\s*x\s*=|\$/.test(line)) || /^[\dbo\s]+!/.test(body.join('\n'));
}

// Living cells anywhere in the plane; they make a pattern just as large as they need.
class Plane {
    #cells = new Map();   // by row and column: each cell once
    #first = [Infinity, Infinity];
    #last = [-Infinity, -Infinity];

    add(row, column, fail) {
        [row, column].forEach((place, axis) => {
            this.#first[axis] = Math.min(this.#first[axis], place);
            this.#last[axis] = Math.max(this.#last[axis], place);
            if (this.#last[axis] - this.#first[axis] >= LARGEST) {
                fail(`the pattern is more than ${LARGEST} cells wide or high; cut it`);
            }
        });
        this.#cells.set(`${row} ${column}`, [row, column]);
    }

    pattern() {
        if (this.#cells.size === 0) {
            return {width: 0, height: 0, alive: []};
        }
        const [top, left] = this.#first, [bottom, right] = this.#last;
        const alive = [...this.#cells.values()].map(([row, column]) => [row - top, column - left]);
        return {width: right - left + 1, height: bottom - top + 1, alive};
    }
}

// One `X Y` for each living cell.
function parsePoints(lines) {
    const plane = new Plane();
    lines.forEach((line, index) => {
        if (line === '' || line[0] === '#') {
            return;
        }
        const fail = (problem) => { throw new PatternError(index + 1, 1, problem); };
        const numbers = /^\s*(-?\d{1,9})\s+(-?\d{1,9})$/.exec(line) ?? fail('expected two whole numbers, X and Y.');
        plane.add(Number(numbers[2]), Number(numbers[1]), fail);
    });
    return plane.pattern();
}

// Blocks of rows, each behind a `#P X Y` that says where its first cell is.
function parseBlocks(lines) {
    const plane = new Plane();
    let row = 0, left = 0;
    lines.forEach((line, index) => {
        const failAt = (at) => (problem) => { throw new PatternError(index + 1, at + 1, problem); };
        if (/^#P/.test(line)) {
            const numbers = /^#P(?:\s+(-?\d{1,9})\s+(-?\d{1,9}))?$/.exec(line) ?? failAt(0)('expected #P X Y.');
            [left, row] = [Number(numbers[1] ?? 0), Number(numbers[2] ?? 0)];
        } else if (/^#R/.test(line)) {
            requireConway(line.slice(2), failAt(2));
        } else if (line !== '' && line[0] !== '#') {
            [...line].forEach((cell, at) => {
                if (cell === '*') {
                    plane.add(row, left + at, failAt(at));
                } else if (!'. \t'.includes(cell)) {
                    failAt(at)(`“${cell}” is no cell of Life 1.05: those are . and *.`);
                }
            });
            ++row;
        }
    });
    return plane.pattern();
}

// Rows of cells as a drawing; a line that begins with `!` is a comment.
function parseRows(lines) {
    const numbered = lines.map((line, index) => ({line, index})).filter(({line}) => line[0] !== '!');
    while (numbered.at(-1)?.line === '') {
        numbered.pop();
    }
    const alive = [];
    let width = 0;
    numbered.forEach(({line, index}, row) => {
        [...line].forEach((cell, column) => {
            const fail = (problem) => { throw new PatternError(index + 1, column + 1, problem); };
            if ('Oo*Xx█■'.includes(cell)) {
                alive.push([row, column]);
            } else if (!'. '.includes(cell)) {
                fail(`“${cell}” is no cell: those are . and O.`);
            }
            if (row >= LARGEST || column >= LARGEST) {
                fail(`the pattern is more than ${LARGEST} cells wide or high; cut it.`);
            }
            width = Math.max(width, column + 1);
        });
    });
    return {width, height: numbered.length, alive};
}

// Golly writes a bounded grid's kind and size behind the rule, `:T64,64`; here the game decides about both.
function requireConway(rule, fail) {
    const name = rule.trim().toLowerCase().replace(/\s*:[tp][\d,]*$/, '');
    if (!/^(b3\/?s(23|32)|s(23|32)\/?b3|(23|32)\/3)$/.test(name)) {
        fail(`the rule is ${rule.trim()}, but this game plays B3/S23 only.`);
    }
}

// `x = WIDTH, y = HEIGHT, rule = RULE`; the rule may be absent.
function parseHeader(line, failAt) {
    const header = /^\s*x\s*=\s*(\d+)\s*,?\s*y\s*=\s*(\d+)\s*(?:,?\s*rule\s*=\s*(.*))?$/d.exec(line);
    const [width, height] = header?.slice(1, 3).map(Number) ?? [Infinity, Infinity];
    if (Math.max(width, height) > LARGEST) {
        failAt(0)(`expected x = WIDTH, y = HEIGHT, rule = B3/S23, each size at most ${LARGEST}.`);
    }
    if (header[3] !== undefined) {
        requireConway(header[3], failAt(header.indices[3][0]));
    }
    return {width, height};
}

// The tags of RLE one after the other: its runs may be broken into lines anywhere.
class Runs {
    alive = [];
    finished = false;
    #row = 0;
    #column = 0;
    #count = 0;       // of the tag to come, 0 if it has none
    #width = 0;       // that living cells need

    get isAmidRun() { return this.#count !== 0; }
    get width() { return this.#width; }
    get height() { return (this.alive.at(-1)?.[0] ?? -1) + 1; }

    read(tag, fail) {
        if (/\d/.test(tag)) {
            this.#digit(Number(tag), fail);
            return;
        }
        if (tag === '!' && this.isAmidRun) {
            fail('a count before !, where nothing is left to repeat.');
        }
        const count = this.#count || 1;
        if (tag === 'b' || tag === '.') {
            this.#column += count;
        } else if (tag === '$') {
            this.#row += count;
            this.#column = 0;
        } else if (tag === '!') {
            this.finished = true;
        } else if (tag === 'o' || tag === 'A') {
            this.#live(count, fail);
        } else if (/[B-X]/.test(tag)) {
            fail(`“${tag}” is a third state of a cell, and Conway’s game has two.`);
        } else {
            fail(`“${tag}” is not valid RLE: it has counts, b, o, $ and !.`);
        }
        this.#count = 0;
        if (Math.max(this.#row, this.#column) > LARGEST) {
            fail(`the pattern is more than ${LARGEST} cells wide or high; cut it.`);
        }
    }

    #digit(digit, fail) {
        this.#count = this.#count * 10 + digit;
        if (this.#count === 0 || this.#count > LARGEST) {
            fail(`a count is from 1 to ${LARGEST}.`);
        }
    }

    #live(count, fail) {
        if (this.#row >= LARGEST || this.#column + count > LARGEST) {
            fail(`the pattern is more than ${LARGEST} cells wide or high; cut it.`);
        }
        for (let i = 0; i < count; ++i) {
            this.alive.push([this.#row, this.#column++]);
        }
        this.#width = Math.max(this.#width, this.#column);
    }
}

// Reads up to the `!`, after which all is comment.
function parseRle(lines) {
    const runs = new Runs();
    let size = {width: 0, height: 0};
    for (const [index, line] of lines.entries()) {
        const failAt = (at) => (problem) => { throw new PatternError(index + 1, at + 1, problem); };
        if (line[0] === '#') {
            if (/^#r\s/.test(line)) {
                requireConway(line.slice(2), failAt(2));
            }
        } else if (/^\s*x\s*=/.test(line)) {
            size = parseHeader(line, failAt);
        } else {
            for (let at = 0; at < line.length && !runs.finished; ++at) {
                if (line[at] !== ' ' && line[at] !== '\t') {
                    runs.read(line[at], failAt(at));
                }
            }
        }
        if (runs.finished) {
            break;
        }
    }
    if (runs.isAmidRun) {
        const problem = 'the pattern ends in the middle of a run; paste all of it.';
        throw new PatternError(lines.length, lines.at(-1).length + 1, problem);
    }
    return {width: Math.max(size.width, runs.width), height: Math.max(size.height, runs.height), alive: runs.alive};
}

// The cells of a whole grid, by row, 0 or 1, as RLE.
export function encode(cells, size) {
    const rows = [];
    for (let row = 0; row < size; ++row) {
        rows.push(cells.subarray(row * size, (row + 1) * size).join('').replace(/0+$/, ''));
    }
    const tags = `${rows.join('$').replace(/\$+$/, '')}!`.replaceAll('0', 'b').replaceAll('1', 'o');
    const runs = tags.match(/b+|o+|\$+|!/g).map((run) => run.length > 1 ? `${run.length}${run[0]}` : run);
    const lines = [''];
    for (const run of runs) {
        if (lines.at(-1).length + run.length > LINE_LENGTH) {
            lines.push('');
        }
        lines.push(lines.pop() + run);
    }
    return `x = ${size}, y = ${size}, rule = B3/S23\n${lines.join('\n')}\n`;
}
