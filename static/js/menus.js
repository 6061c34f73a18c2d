/* Closes the open menus (details.ui-menu) with Escape, a click outside or when focus leaves, and puts the cursor in the
   search field of a menu that opens. Delegated from the document, so that what htmx swaps in works too.
   Nothing depends on it: without it the menus are native <details>. */
(() => {
  "use strict";

  const openMenus = () => document.querySelectorAll("details.ui-menu[open]");

  const close = (menu, giveFocusBack) => {
    menu.open = false;
    if (giveFocusBack) menu.querySelector("summary").focus();
  };

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.defaultPrevented) return;
    for (const menu of openMenus()) close(menu, menu.contains(document.activeElement));
  });

  document.addEventListener("pointerdown", (event) => {
    for (const menu of openMenus()) if (!menu.contains(event.target)) close(menu, false);
  });

  // relatedTarget is null when the window loses focus, or when the focused element is swapped away: the menu stays then.
  document.addEventListener("focusout", (event) => {
    const menu = event.target.closest("details.ui-menu[open]");
    if (menu && event.relatedTarget && !menu.contains(event.relatedTarget)) close(menu, false);
  });

  // "toggle" does not bubble: it is heard on its way down.
  document.addEventListener("toggle", (event) => {
    if (event.target.matches("details[data-focus][open]")) event.target.querySelector("input[type=search]")?.focus();
  }, true);

  // htmx 4.0.1 cancels Ctrl+click, Cmd+click and Shift+click on its links, then does nothing: leave them to the browser.
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[hx-boost]");
    if (link && (event.ctrlKey || event.metaKey || event.shiftKey)) event.stopImmediatePropagation();
  }, true);
})();
