"use strict";

const data = JSON.parse(document.getElementById("data").textContent);
const words = Object.fromEntries([...document.querySelectorAll("[data-letter]")].map((one) => [one.dataset.letter, one]));

// The word and the shape of an outcome, taken from the legend.
function told(letter) {
  const found = document.createElement("span");
  if (words[letter]) found.append(...[...words[letter].childNodes].map((node) => node.cloneNode(true)));
  else found.textContent = "not run";
  return found;
}

for (const form of document.querySelectorAll(".compare")) {
  const list = document.getElementById(form.dataset.list);
  const show = () => {
    const before = data.runs[form.elements.before.value];
    const after = data.runs[form.elements.after.value];
    const items = [];
    data.checks.forEach((name, place) => {
      const was = before[place] ?? " ";
      const is = after[place] ?? " ";
      if (was === is) return;
      const item = document.createElement("li");
      const code = document.createElement("code");
      code.textContent = name;
      item.append(code, ": ", told(was), " → ", told(is));
      items.push(item);
    });
    list.replaceChildren(...items);
    const number = items.length.toLocaleString("en");
    form.elements.told.value = items.length === 1 ? "1 check ended otherwise" : `${number} checks ended otherwise`;
  };
  form.hidden = false;
  form.addEventListener("input", show);
  form.addEventListener("submit", (event) => event.preventDefault());
  show();
}
