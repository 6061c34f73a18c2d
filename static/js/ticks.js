/* Says how many people, or what the form’s data-words say, are ticked in the list. Delegated from the document, so that what htmx swaps in works too.
   Nothing depends on it: the buttons send the ticks as they are. */
document.addEventListener("change", (event) => {
  const form = event.target.form;
  if (form?.id !== "ticked") return;
  const everyone = form.querySelector("[name=tous]:checked");
  const ticks = [...form.querySelectorAll("[name=qui]")];
  for (const tick of ticks) tick.closest("tr, li").classList.toggle("is-checked", Boolean(everyone) || tick.checked);
  const count = everyone ? Number(everyone.value) : ticks.filter((tick) => tick.checked).length;
  const [one, many, none] = (form.dataset.words ?? "personne cochée|personnes cochées|Cochez des personnes").split("|");
  document.getElementById("ticked-count").textContent = count ? `${count} ${count > 1 ? many : one}` : none;
});
