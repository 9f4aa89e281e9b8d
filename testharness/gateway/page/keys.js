// Keys for those who keep their hands on them. Without this the pages are the
// same, but for the keys.
'use strict';
document.addEventListener('keydown', function (event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const at = document.activeElement;
  if (event.key === 'Escape' && at) { at.blur(); return; }
  if (at && /^(INPUT|SELECT|TEXTAREA)$/.test(at.tagName)) return;
  if (event.key === '/') {
    const search = document.querySelector('[data-search]');
    if (search) { search.focus(); search.select(); event.preventDefault(); }
    return;
  }
  const step = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1 }[event.key];
  if (!step) return;
  const rows = Array.from(document.querySelectorAll('[data-rows] tr a.row'));
  if (rows.length === 0) return;
  const here = rows.indexOf(at);
  const next = here < 0 ? (step > 0 ? 0 : rows.length - 1) : Math.min(Math.max(here + step, 0), rows.length - 1);
  rows[next].focus();
  event.preventDefault();
});
