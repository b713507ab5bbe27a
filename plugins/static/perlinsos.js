// No build step. Without it every page still works: filters are a form, numbers stand in tables.
"use strict";

const inAirflow = window.parent !== window;

// Airflow shows the page in a frame and keeps the frame's address in its own. Filters behind the page's short address count too.
function takeFilters() {
  if (!inAirflow || document.body.dataset.page !== "coverage") return;
  const outer = window.parent.location;
  if (!location.search && outer.search && outer.pathname.endsWith("/perlinsos-coverage")) {
    location.replace(location.pathname + outer.search);
  }
}

// A frame may not move the window around it; a link of that window's own document may.
function leaveFrame(event) {
  const link = event.target.closest("a[data-top]");
  if (!link || !inAirflow || event.metaKey || event.ctrlKey) return;
  event.preventDefault();
  const outer = window.parent.document.createElement("a");
  outer.href = link.href;
  window.parent.document.body.append(outer);
  outer.click();
  outer.remove();
}

// Empty fields make the address long and say nothing.
function dropEmptyFields(event) {
  for (const field of event.target.elements) if (field.name && !field.value) field.disabled = true;
}

// The page of now, every 15 seconds, unless somebody is at work in it or has it in the background.
async function refresh() {
  const holds = document.activeElement && document.activeElement.closest("form");
  if (document.hidden || holds) return;
  const answer = await fetch(location.href, { headers: { accept: "text/html" } });
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const id of ["strip", "content"]) {
    const [here, there] = [document.getElementById(id), fresh.getElementById(id)];
    if (!here || !there || here.innerHTML === there.innerHTML) continue;
    if (here.contains(document.activeElement)) continue;
    const places = [...here.querySelectorAll(".wide")].map((one) => [one.scrollLeft, one.scrollTop]);
    here.replaceWith(there);
    [...there.querySelectorAll(".wide")].forEach((one, n) => places[n] && one.scrollTo(...places[n]));
  }
  draw();
}

// Each chart stands above the table that says the same.
function draw() {
  if (!window.Chart) return;
  const style = getComputedStyle(document.documentElement);
  const color = (name) => style.getPropertyValue(`--${name}`).trim();
  for (const canvas of document.querySelectorAll("canvas[data-chart]")) {
    if (Chart.getChart(canvas)) continue;
    const given = JSON.parse(document.getElementById(canvas.dataset.chart).textContent);
    const datasets = given.datasets.map((one) => ({ label: one.label, data: one.data, backgroundColor: color(one.color) }));
    new Chart(canvas, {
      type: "bar",
      data: { labels: given.labels, datasets },
      options: {
        animation: false, maintainAspectRatio: false, indexAxis: given.lying ? "y" : "x",
        plugins: { legend: { labels: { color: color("ink") } } },
        scales: { x: { stacked: true, ticks: { color: color("ink") } }, y: { stacked: true, ticks: { color: color("ink") } } },
      },
    });
  }
}

takeFilters();
draw();
document.addEventListener("click", leaveFrame);
document.addEventListener("submit", dropEmptyFields);
if (document.getElementById("strip")) setInterval(refresh, 15000);
