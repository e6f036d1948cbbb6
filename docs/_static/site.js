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
/* Lets names that are longer than a column break behind their punctuation, and nowhere else. */
const LONGEST_NAME = 30;
function letNamesBreak() {
  for (const name of document.querySelectorAll("article td code .pre")) {
    if (name.textContent.length <= LONGEST_NAME) continue;
    name.innerHTML = name.innerHTML.replace(/[:/._-](?=\w)/g, "$&<wbr>");
  }
}
document.addEventListener("DOMContentLoaded", letNamesBreak);
