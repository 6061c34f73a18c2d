/* Asks the browser for a passkey, writes its answer in the form and sends it. Codes are for who has no script. */
document.onsubmit = async (event) => { // one, however often a region brings this script
  const form = event.target, { passkey } = form.dataset;
  if (!passkey) return;
  event.preventDefault();
  try {
    const asked = await fetch(passkey, { method: "POST", body: new FormData(form) });
    const options = await asked.json(), { credentials } = navigator, keys = PublicKeyCredential;
    const answer = options.user ? await credentials.create({ publicKey: keys.parseCreationOptionsFromJSON(options) })
      : await credentials.get({ publicKey: keys.parseRequestOptionsFromJSON(options) });
    form.querySelector("[data-answer]").value = JSON.stringify(answer);
    form.submit();
  } catch {
    form.querySelector("[role=status]").textContent = "Aucune clé d’accès n’a répondu. Réessayez, ou utilisez un code.";
  }
};
