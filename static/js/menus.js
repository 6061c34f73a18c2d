/* Closes the open menus (details.ui-menu) with Escape, a click outside or when focus leaves, and puts the cursor in the
   search field of a menu that opens; says that the network is gone. Delegated from the document: what htmx swaps in works too.
   Nothing depends on it: without it the menus are native <details>. */
(() => {
  const openMenus = () => document.querySelectorAll("details.ui-menu[open]");
  const close = (menu, giveFocusBack) => {
    menu.open = false;
    if (giveFocusBack) menu.querySelector("summary").focus();
  };

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.defaultPrevented) return;
    for (const menu of openMenus()) close(menu, menu.contains(document.activeElement));
  });

  document.addEventListener("pointerdown", ({ target }) => openMenus().forEach((menu) => menu.contains(target) || close(menu, false)));
  // relatedTarget is null when the window loses focus, or when the focused element is swapped away: the menu stays then.
  document.addEventListener("focusout", (event) => {
    const menu = event.target.closest("details.ui-menu[open]");
    if (menu && event.relatedTarget && !menu.contains(event.relatedTarget)) close(menu, false);
  });

  // "toggle" does not bubble: it is heard on its way down.
  document.addEventListener("toggle", (event) => {
    if (event.target.matches("details[data-focus][open]")) event.target.querySelector("input[type=search]")?.focus();
  }, true);

  document.addEventListener("htmx:error", ({ detail: { ctx, error } }) => { // no answer came: what was asked is still to be asked
    const told = "Pas de réponse\u00a0: vérifiez votre connexion à Internet, puis réessayez. Rien de ce qui est écrit n’est perdu.";
    const line = Object.assign(document.createElement("p"), { className: "alert is-danger", textContent: told });
    if (ctx && error?.name === "TypeError") document.querySelector("#flash")?.replaceChildren(line);
  });

  // htmx 4.0.1 cancels Ctrl+click, Cmd+click and Shift+click on its links, then does nothing: leave them to the browser.
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[hx-boost]");
    if (link && (event.ctrlKey || event.metaKey || event.shiftKey)) event.stopImmediatePropagation();
  }, true);
})();
