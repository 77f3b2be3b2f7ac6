"use strict";
// Sorting and filtering. #sort=KEY, #sort=KEY:descending and &filter=WORDS open the page that way.

function value(cell) {
  const number = Number(cell.dataset.value);
  return cell.dataset.value === "" ? null : Number.isNaN(number) ? cell.dataset.value : number;
}

function compare(one, other) {
  if (typeof one === "number" && typeof other === "number") return one - other;
  return String(one).localeCompare(String(other), "en", { numeric: true });
}

function sort(heading, descending) {
  const body = heading.closest("table").tBodies[0];
  const keyed = [...body.rows].map((row) => [value(row.cells[heading.cellIndex]), row]);
  keyed.sort(([one], [other]) => {
    if (one === null || other === null) return (one === null) - (other === null); // empty last
    return descending ? compare(other, one) : compare(one, other);
  });
  body.append(...keyed.map(([, row]) => row));
  for (const each of heading.parentElement.cells) each.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", descending ? "descending" : "ascending");
}

function filter(box) {
  const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
  const scope = document.getElementById(box.dataset.scope);
  const entries = [...scope.querySelectorAll("tbody tr, details")];
  let shown = 0;
  for (const entry of entries) {
    const text = (entry.dataset.text || entry.textContent).toLowerCase();
    entry.hidden = !words.every((word) => text.includes(word));
    shown += !entry.hidden;
  }
  box.parentElement.querySelector("output").textContent = `${shown} of ${entries.length}`;
}

for (const button of document.querySelectorAll("th button")) {
  const heading = button.closest("th");
  button.addEventListener("click", () =>
    sort(heading, heading.getAttribute("aria-sort") === "ascending"));
}
for (const box of document.querySelectorAll("input[type=search]")) {
  box.addEventListener("input", () => filter(box));
  filter(box);
}

const wanted = new URLSearchParams(location.hash.slice(1));
const [key, direction] = (wanted.get("sort") || "").split(":");
const first = [...document.querySelectorAll("#table th")].find((th) => th.dataset.key === key);
if (first) sort(first, direction === "descending");
if (wanted.has("filter")) {
  const box = document.querySelector("#table input[type=search]");
  box.value = wanted.get("filter");
  filter(box);
}
