/* Asks the browser for a passkey, writes its answer in the button and sends the form by it. Codes are for who has no script. */
document.onclick = async (event) => { // one, however often a region brings this script
  const button = event.target.closest("[data-passkey]"), { form, dataset } = button ?? {};
  if (!button) return;
  event.preventDefault();
  try { // the token alone: the files of the form stay here
    const asked = await fetch(dataset.passkey, { method: "POST", body: new URLSearchParams({ csrf_token: form.csrf_token.value }) });
    const options = await asked.json(), { credentials } = navigator, keys = PublicKeyCredential;
    const answer = options.user ? await credentials.create({ publicKey: keys.parseCreationOptionsFromJSON(options) })
      : await credentials.get({ publicKey: keys.parseRequestOptionsFromJSON(options) });
    button.value = JSON.stringify(answer);
    form.requestSubmit(button);
  } catch {
    form.querySelector("[role=status]").textContent = "Aucune clé d’accès n’a répondu. Réessayez, ou utilisez un code.";
  }
};
