/* Lets the keyboard scroll what is wider than its column, and tells screen readers that it scrolls. */
function markWhatScrolls() {
  for (const box of document.querySelectorAll("article .table-wrapper, article pre")) {
    box.classList.remove("scrolls"); // its style widens a table, which would then still scroll in a wider window
    const scrolls = box.scrollWidth > box.clientWidth + 1;
    box.classList.toggle("scrolls", scrolls);
    if (scrolls) box.setAttribute("tabindex", "0");
    else box.removeAttribute("tabindex");
  }
}
addEventListener("load", markWhatScrolls);
addEventListener("resize", markWhatScrolls);
addEventListener("toggle", markWhatScrolls, true); // an example that is unfolded
/* Lets names that are longer than a column break behind their punctuation, and nowhere else; at the end of a page, where
   two of them share a line, or where a part is still too long, between their words as well. */
const LONGEST_NAME = matchMedia("(max-width: 46em)").matches ? 20 : 28;
const PUNCTUATION = /(?<=[:/._-])(?=\w)/, WORDS = /(?<=[:/._-])(?=\w)|(?<=[a-z])(?=[A-Z])/;
function letNamesBreak() {
  for (const name of document.querySelectorAll("article h1, article code.literal .pre, .related-pages .title")) {
    const text = name.firstChild;
    if (text.length > LONGEST_NAME) {
      const isTooLong = (part) => part.length > LONGEST_NAME;
      const betweenWords = name.matches(".title") || text.textContent.split(/\s|(?<=[:/._-])(?=\w)/).some(isTooLong);
      const parts = text.textContent.split(betweenWords ? WORDS : PUNCTUATION);
      text.replaceWith(...parts.flatMap((part, number) => (number ? [document.createElement("wbr"), part] : [part])));
    } else if (name.matches(".pre")) name.style.whiteSpace = "nowrap"; // nor behind a hyphen
  }
}
document.addEventListener("DOMContentLoaded", letNamesBreak);
/* What changed the heights above a link's target moved it out of sight. */
addEventListener("load", () => document.getElementById(location.hash.slice(1))?.scrollIntoView());
