/* Says how many people are ticked in the list. Delegated from the document, so that what htmx swaps in works too.
   Nothing depends on it: the buttons send the ticks as they are. */
document.addEventListener("change", (event) => {
  const form = event.target.form;
  if (form?.id !== "ticked") return;
  const everyone = form.querySelector("[name=tous]:checked");
  const ticks = [...form.querySelectorAll("[name=qui]")];
  for (const tick of ticks) tick.closest("tr").classList.toggle("is-checked", Boolean(everyone) || tick.checked);
  const count = everyone ? Number(everyone.value) : ticks.filter((tick) => tick.checked).length;
  const words = count > 1 ? `${count} personnes cochées` : `${count} personne cochée`;
  document.getElementById("ticked-count").textContent = count ? words : "Cochez des personnes";
});
