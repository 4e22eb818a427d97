"use strict";

// Both pages: one asks an authenticator for a new passkey, the other for an answer of one.

const page = document.body.dataset.page;
const act = document.getElementById("act");
const leave = document.getElementById("leave");
const onward = document.getElementById("onward");
const lead = document.getElementById("lead");
const state = document.getElementById("state");

function tell(kind, text) {
  state.dataset.kind = kind;
  state.textContent = text;
}

async function ask(method, path, body) {
  const options = { method, headers: { Accept: "application/json" }, cache: "no-store" };
  if (body !== undefined) {
    options.headers["Content-Type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  let answer;
  try {
    answer = await fetch(path, options);
  } catch {
    throw new Error("The service cannot be reached. Try again in a moment.");
  }
  const document = answer.status === 204 ? null : await answer.json();
  if (!answer.ok) {
    const error = new Error(`${sentence(document.detail)} ${sentence(document.hint)}`);
    error.status = answer.status;
    throw error;
  }
  return document;
}

function sentence(text) {
  const end = /[.…]$/.test(text) ? "" : ".";
  return text.charAt(0).toUpperCase() + text.slice(1) + end;
}

function reason(error) {
  if (error instanceof DOMException) {
    if (error.name === "NotAllowedError") return "It was cancelled, or took too long. You can try again.";
    if (error.name === "InvalidStateError") return "This device has a passkey for this account already. Sign in with it.";
    if (error.name === "SecurityError") return "Passkeys do not work at this address. Open the one that you were given.";
    return "The authenticator could not do it. Try another device.";
  }
  return error.message;
}

// Whoever is enrolled goes on to what is held about them, who reviews to what waits.
function goOn(session) {
  const reviews = session.roles.includes("reviewer") || session.roles.includes("officer");
  if (session.subject === null && !reviews) return;
  onward.hidden = false;
  onward.href = reviews ? "/review" : "/me";
  onward.textContent = reviews ? "See what waits for review" : "See what is held about you";
}

function signedIn(session) {
  const until = new Date(session.expires).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  tell("good", `Signed in as ${session.account} (${session.roles.join(", ")}), until ${until} if unused.`);
}

async function signUp() {
  const link = location.hash.slice(1);
  const begun = await ask("POST", "/v1/registrations/options", { link });
  const made = await navigator.credentials.create({
    publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(begun.options),
  });
  const credential = JSON.stringify(made.toJSON());
  const session = await ask("POST", "/v1/registrations", { link, ceremony: begun.ceremony, credential });
  history.replaceState(null, "", "/sign-up"); // the link works no more, and need not stay in the history
  act.hidden = true;
  onward.hidden = false;
  goOn(session);
  onward.focus();
  signedIn(session);
}

async function signIn() {
  const begun = await ask("POST", "/v1/sessions/options");
  const given = await navigator.credentials.get({
    publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(begun.options),
  });
  const credential = JSON.stringify(given.toJSON());
  show(await ask("POST", "/v1/sessions", { ceremony: begun.ceremony, credential }));
}

function show(session) {
  act.hidden = session !== null;
  leave.hidden = session === null;
  lead.hidden = session !== null;
  (session === null ? act : leave).focus();
  onward.hidden = true;
  if (session === null) return;
  goOn(session);
  signedIn(session);
}

async function signOut() {
  await ask("DELETE", "/v1/session");
  show(null);
  tell("good", "You are signed out.");
}

async function whoIsHere() {
  try {
    show(await ask("GET", "/v1/session"));
  } catch (error) {
    if (error.status !== 401) tell("bad", reason(error));
  }
}

function on(button, what) {
  button.addEventListener("click", async () => {
    button.disabled = true;
    tell("", "One moment …");
    try {
      await what();
    } catch (error) {
      tell("bad", reason(error));
    } finally {
      button.disabled = false;
    }
  });
}

if (!window.PublicKeyCredential?.parseCreationOptionsFromJSON) {
  act.disabled = true;
  tell("bad", "This browser is too old for passkeys, or the page is not served over HTTPS.");
} else if (page === "sign-up") {
  on(act, signUp);
  if (location.hash.length < 2) {
    act.disabled = true;
    tell("bad", "This address has no invitation in it. Open the whole link that you were given.");
  }
} else {
  on(act, signIn);
  on(leave, signOut);
  whoIsHere();
}
