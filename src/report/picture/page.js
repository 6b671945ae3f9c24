
const open = () => { const step = document.querySelector(location.hash || '#none'); if (step) step.open = true; };
addEventListener('hashchange', open);
open();
document.getElementById('filter').addEventListener('input', (event) => {
  const wanted = event.target.value.toLowerCase();
  for (const step of document.querySelectorAll('details')) step.hidden = !step.dataset.text.toLowerCase().includes(wanted);
});
