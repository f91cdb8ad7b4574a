// Finds headings of all pages (headings.js) that have every word that is typed, and shows links to them.
const search = document.querySelector('#search');
const found = document.querySelector('#found');

search.addEventListener('input', () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const fits = ([text, page]) => words.every((word) => `${text} ${page}`.toLowerCase().includes(word));
    const links = words.length === 0 ? [] : headings.filter(fits).slice(0, 30).map(([text, page, place]) => {
        const link = document.createElement('a');
        link.href = `${search.dataset.top}/${place}`;
        link.textContent = page ? `${text} (${page})` : text;
        return link;
    });
    found.replaceChildren(...links);
    found.hidden = links.length === 0;
});
