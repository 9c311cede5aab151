// Spares what a page load would do; every page works without it.
"use strict";

// A training's page: each event of the job asks for the changed part, twice a second at most.
const progress = document.getElementById("progress");
if (progress && progress.dataset.events) {
  const source = new EventSource(progress.dataset.events);
  let isAsked = false;
  const ask = () => {
    if (isAsked) return;
    isAsked = true;
    setTimeout(async () => {
      await htmx.ajax("GET", progress.dataset.part, { target: progress, swap: "innerHTML" });
      isAsked = false;
      if (progress.querySelector("[data-over=yes]")) source.close();
    }, 500);
  };
  for (const kind of ["state", "stage", "prepared", "fit_begins", "epoch", "fit_ends", "event"]) {
    source.addEventListener(kind, ask);
  }
}

// What is wrong is read first.
document.getElementById("wrong")?.focus();
