// Marks the header's link to the page being shown.
for (const link of document.querySelectorAll('header.site nav a')) {
    if (link.pathname === location.pathname) {
        link.setAttribute('aria-current', 'page');
    }
}
