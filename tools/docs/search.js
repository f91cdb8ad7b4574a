// Finds headings of all pages (headings.js) that have every word that is typed, and shows links to them: first those that
// have the words themselves, then those whose page has them in its title.
const search = document.querySelector('#search');
const found = document.querySelector('#found');

search.addEventListener('input', () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const fits = (text) => words.every((word) => text.toLowerCase().includes(word));
    const best = headings.filter(([text]) => fits(text));
    const others = headings.filter(([text, page]) => !fits(text) && fits(`${text} ${page}`));
    const links = words.length === 0 ? [] : [...best, ...others].slice(0, 30).map(([text, page, place]) => {
        const link = document.createElement('a');
        link.href = `${search.dataset.top}/${place}`;
        link.textContent = page ? `${text} (${page})` : text;
        return link;
    });
    found.replaceChildren(...links);
    found.hidden = links.length === 0;
});
