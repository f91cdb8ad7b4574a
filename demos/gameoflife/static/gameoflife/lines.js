// The texts of life.batch, of life.gathering, and of a server that knows no subprotocol.

const NEWLINE = 10;
const SPACE = 32;
const ZERO = 48;

// Takes one message: lines of `STEP ROW COL STATE`, `size N` or `gathering CONNECTED SUBSCRIBED`. All else is
// ignored. Calls update(step, row, column, state), sizeTold(n) and gatheringTold({connected, subscribed})
// of `cells`.
//
// Millions of updates come this way each second: one pass over the character codes, and no line is ever cut out.
// Numbers move through a register of four; a line is an update when exactly four have gone by.
export function takeLines(text, cells) {
    const end = text.length;
    let step = 0, row = 0, column = 0, number = 0;
    let spaces = 0, words = false, start = 0;
    for (let at = 0; at <= end; ++at) {
        const code = at < end ? text.charCodeAt(at) : NEWLINE;
        const digit = code - ZERO;
        if (digit >= 0 && digit <= 9) {
            number = number * 10 + digit;
        } else if (code === SPACE) {
            step = row;
            row = column;
            column = number;
            number = 0;
            ++spaces;
        } else if (code !== NEWLINE) {
            words = true;
        } else {
            if (words) {
                takeWords(text.slice(start, at), cells);
            } else if (spaces === 3) {
                cells.update(step, row, column, number);
            }
            step = row = column = number = spaces = 0;
            words = false;
            start = at + 1;
        }
    }
}

function takeWords(line, cells) {
    const size = /^size (\d+)$/.exec(line);
    const counts = /^gathering (\d+) (\d+)$/.exec(line);
    if (size) {
        cells.sizeTold(Number(size[1]));
    } else if (counts) {
        cells.gatheringTold({connected: Number(counts[1]), subscribed: Number(counts[2])});
    }
}
