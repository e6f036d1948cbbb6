/* Lets the keyboard scroll what is wider than its column, and tells screen readers that it scrolls. */
function markWhatScrolls() {
  for (const box of document.querySelectorAll("article .table-wrapper, article pre")) {
    const scrolls = box.scrollWidth > box.clientWidth + 1;
    box.classList.toggle("scrolls", scrolls);
    if (scrolls) box.setAttribute("tabindex", "0");
    else box.removeAttribute("tabindex");
  }
}
addEventListener("load", markWhatScrolls);
addEventListener("resize", markWhatScrolls);
