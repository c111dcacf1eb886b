// @ts-check
// Voila's helpers of the page's frame, in a file of their own: the page's policy allows no inline
// script. Voila shows the cells once both they and its theme are there, and calls `voila_finish`.

const page = /** @type {any} */ (window);

page.voila_finish = () => {
  if (!page.themeLoaded) {
    page.cellLoaded = true;
    return;
  }
  document.getElementById("loading")?.remove();
  const cells = document.getElementById("rendered_cells");
  if (cells) cells.style.display = "";
};
page.voila_finish();
