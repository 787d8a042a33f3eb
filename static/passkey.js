// A passkey: the browser makes or uses one, and the form with its answer is sent.
"use strict";

const toBytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (char) => char.charCodeAt(0));
const toText = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
const withBytes = (list) => (list || []).map((one) => ({ ...one, id: toBytes(one.id) }));

const form = document.querySelector("form[data-passkey]");
const status = form.querySelector("[data-passkey-status]");

async function run() {
  const options = JSON.parse(form.dataset.options);
  const creating = form.dataset.passkey === "create";
  options.challenge = toBytes(options.challenge);
  status.textContent = "Je browser vraagt nu om je passkey.";
  try {
    let made;
    if (creating) {
      options.user.id = toBytes(options.user.id);
      options.excludeCredentials = withBytes(options.excludeCredentials);
      made = await navigator.credentials.create({ publicKey: options });
    } else {
      options.allowCredentials = withBytes(options.allowCredentials);
      made = await navigator.credentials.get({ publicKey: options });
    }
    const from = made.response;
    const response = { clientDataJSON: toText(from.clientDataJSON) };
    if (creating) {
      response.attestationObject = toText(from.attestationObject);
      response.transports = from.getTransports ? from.getTransports() : null;
    } else {
      response.authenticatorData = toText(from.authenticatorData);
      response.signature = toText(from.signature);
      response.userHandle = from.userHandle ? toText(from.userHandle) : null;
    }
    form.elements.credential.value = JSON.stringify({
      id: made.id, rawId: toText(made.rawId), type: made.type, response,
      extensions: JSON.stringify(made.getClientExtensionResults()),
    });
    form.submit();
  } catch {
    status.textContent = "Dat lukte niet, of je brak het af. Probeer het opnieuw, of kies een andere manier.";
  }
}

form.querySelector("[data-passkey-start]").addEventListener("click", run);
run();
