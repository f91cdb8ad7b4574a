// Figures as people read them.

export const number = (value) => Math.round(value).toLocaleString("en");

export const short = (value) => value.toLocaleString("en", {notation: "compact", maximumFractionDigits: 2});

export function bytes(value) {
    if (value < 1e3) {
        return `${Math.round(value)} B`;
    }
    const [unit, size] = value < 1e6 ? ["kB", 1e3] : value < 1e9 ? ["MB", 1e6] : ["GB", 1e9];
    return `${(value / size).toFixed(value < 10 * size ? 1 : 0)} ${unit}`;
}

export function span(milliseconds) {
    const seconds = milliseconds / 1000;
    if (seconds < 1) {
        return milliseconds < 10 ? `${milliseconds.toFixed(1)} ms` : `${Math.round(milliseconds)} ms`;
    }
    if (seconds < 60) {
        return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
    }
    const minutes = Math.floor(seconds / 60), hours = Math.floor(minutes / 60), days = Math.floor(hours / 24);
    if (hours < 1) {
        return `${minutes} min`;
    }
    return days < 1 ? `${hours} h ${minutes % 60} min` : `${days} d ${hours % 24} h`;
}

export const microseconds = (value) => value === null ? "–" : value < 1000 ? `${Math.round(value)} µs` : span(value / 1000);
