// Runs before the first paint: what needs JavaScript is shown from the beginning, so that nothing moves.
document.documentElement.classList.add('js');
