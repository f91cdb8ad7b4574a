// Steps per second, measured from step to step, so that one step a second is 1.0 whenever you look.

const WINDOW = 5000;   // ms

export class Rate {
    #marks = [];       // the times at which a step was first seen, oldest first

    // The rate at a time in ms, given the step in force.
    at(now, step) {
        const marks = this.#marks;
        if (marks.length > 0 && step < marks.at(-1).step) {
            marks.length = 0;   // a new game
        }
        if (marks.length === 0 || step > marks.at(-1).step) {
            marks.push({now, step});
        }
        while (marks.length > 2 && now - marks[1].now > WINDOW) {
            marks.shift();
        }
        const first = marks[0], last = marks.at(-1);
        const steps = last.step - first.step;
        if (steps === 0) {
            return 0;
        }
        const pace = (last.now - first.now) / steps;   // ms
        if (now - last.now > 2000 + 2 * pace) {
            this.#marks = [last];   // it has stopped
            return 0;
        }
        return 1000 / pace;
    }
}
