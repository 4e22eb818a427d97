// What the shop's pages do. The element <face-keep> opens the capture and says when it is done.

// In the window of a capture that is done: tell the shop's page, and close.
if (location.pathname === "/back") {
  if (window.opener) {
    new BroadcastChannel("face-keep").postMessage("back");
    window.close();
  } else {
    // There was no window: the shop's page itself went to the capture, and this is what came after it.
    await fetch("/finish", { method: "POST" });
    location.replace("/");
  }
}

const state = document.querySelector("#state");
const element = document.querySelector("face-keep");
const customer = document.querySelector("#customer");

customer?.addEventListener("input", () => {
  element.setAttribute("start", `/sign-in/${encodeURIComponent(customer.value)}`);
});

element?.addEventListener("face-keep", (event) => {
  const { stage, answer } = event.detail;
  if (stage === "begun") state.textContent = "Go on in the window that was opened.";
  if (stage === "closed") state.textContent = "The window was closed before it was done.";
  if (stage === "failed") state.textContent = "That did not work. Please try again.";
  if (stage === "finished") {
    if (answer.passed) location.assign("/");
    else state.textContent = `Not confirmed: ${answer.outcome ?? answer.detail}`;
  }
});
