"use strict";

// A link to something that lies in a folded part opens that part.
function openTarget() {
  const target = document.getElementById(location.hash.slice(1));
  if (!target) return;
  for (let part = target.closest("details"); part; part = part.parentElement.closest("details")) part.open = true;
  target.scrollIntoView();
}
addEventListener("hashchange", openTarget);
// The same link twice changes nothing in the address.
addEventListener("click", (event) => {
  const link = event.target.closest("a[href^='#']");
  if (link && link.getAttribute("href") === location.hash) openTarget();
});
openTarget();

for (const button of document.querySelectorAll("button.copy")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    // Of a sentence with a command in it the command is what one copies.
    const sentence = button.parentElement.querySelector(".copy-text");
    const text = sentence.querySelector("code") ?? sentence;
    try {
      await navigator.clipboard.writeText(text.textContent);
      button.textContent = "Copied";
    } catch {
      // A browser that keeps the clipboard from files on disk: leave the text selected for the keyboard.
      getSelection().selectAllChildren(text);
      button.textContent = "Selected";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 1600);
  });
}

// Each command is on the page once; where it is looked at, it is shown in its place.
for (const evidence of document.querySelectorAll("details.evidence")) {
  evidence.addEventListener("toggle", () => {
    for (const link of evidence.querySelectorAll("li > a")) {
      const figure = document.getElementById(link.hash.slice(1)).cloneNode(true);
      figure.removeAttribute("id");
      link.replaceWith(figure);
    }
  });
}

// In the matrix only what needs attention stands open; the rest of a step is a click away.
for (const step of document.querySelectorAll(".step-rows")) {
  const button = step.querySelector(".fold");
  if (!button) continue;
  const calm = step.querySelectorAll(".check-row.calm");
  const fold = (open) => {
    button.setAttribute("aria-expanded", String(open));
    for (const row of calm) row.hidden = !open;
  };
  button.hidden = calm.length === 0;
  button.addEventListener("click", () => fold(button.getAttribute("aria-expanded") !== "true"));
  fold(calm.length === 0);
}

const filter = document.querySelector(".filter");
if (filter) {
  const groups = [...document.querySelectorAll(".group")].map((group) => ({
    group,
    words: group.textContent.toLowerCase(),
    entries: [...group.querySelectorAll("[data-place]")],
  }));
  const number = (entry) => Number(entry.dataset.number ?? 1);
  const all = [...document.querySelectorAll("[data-place]")].reduce((sum, entry) => sum + number(entry), 0);
  const figure = (value) => value.toLocaleString("en");
  const show = () => {
    const asked = new FormData(filter);
    const words = asked.get("words").toLowerCase().split(/\s+/).filter(Boolean);
    const outcomes = asked.getAll("outcome");
    let shown = 0;
    for (const one of groups) {
      const wanted =
        (outcomes.length === 0 || outcomes.includes(one.group.dataset.outcome)) &&
        words.every((word) => one.words.includes(word));
      let left = 0;
      for (const entry of one.entries) {
        entry.hidden = !wanted || (asked.get("place") !== "" && asked.get("place") !== entry.dataset.place);
        left += entry.hidden ? 0 : number(entry);
      }
      one.group.hidden = left === 0;
      shown += left;
    }
    for (const step of document.querySelectorAll(".step")) step.hidden = !step.querySelector(".group:not([hidden])");
    filter.elements.told.value = shown === all ? `${figure(all)} results` : `${figure(shown)} of ${figure(all)} results`;
  };
  filter.hidden = false;
  filter.addEventListener("input", show);
  filter.addEventListener("reset", () => setTimeout(show));
  filter.addEventListener("submit", (event) => event.preventDefault());
  show();
}
