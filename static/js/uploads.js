/* Says at once which of the chosen files can go, and how far each has gone. Delegated from the document. Nothing depends
   on it: the server says the same of what is sent. */
document.addEventListener("change", ({ target: field }) => {
  if (!field.dataset.most) return;
  let all = 0, right = new DataTransfer(), ends = field.accept.split(","), { most, together } = field.dataset;
  field.parentElement.querySelector("output").replaceChildren(...[...field.files].map((file) => {
    const known = ends.some((end) => file.name.toLowerCase().endsWith(end));
    const fault = !known ? "ce format n’est pas accepté" : file.size > most ? "trop lourd, 4 Mo au plus"
      : all + file.size > together ? "20 Mo au plus ensemble, à envoyer ensuite" : "";
    const line = Object.assign(document.createElement("span"), { textContent: fault ? `${file.name}\u00a0: ${fault}. Ce fichier ne partira pas.` : file.name });
    const bar = { className: "ui-progress", max: file.size || 1, value: 0, ariaLabel: file.name };
    if (fault) line.className = "is-danger";
    else all += file.size, right.items.add(file), line.append(Object.assign(document.createElement("progress"), bar));
    return line;
  }));
  field.files = right.files;
});
document.addEventListener("htmx:before:request", ({ detail: { ctx } }) => {
  const bars = [...ctx.sourceElement.querySelectorAll("output progress")];
  if (bars.length) ctx.fetch = (address, { method, headers, body }) => new Promise((resolve, reject) => { // fetch tells no progress
    const request = new XMLHttpRequest();
    request.upload.onprogress = ({ loaded }) => bars.reduce((rest, bar) => (bar.value = Math.max(rest, 0), rest - bar.max), loaded);
    request.onerror = () => reject(new TypeError("network"));
    request.onload = () => {
      const told = request.getAllResponseHeaders().trim().split("\r\n").map((line) => line.split(/: (.*)/).slice(0, 2));
      const { status, responseText, responseURL } = request;
      resolve(Object.defineProperty(new Response(responseText, { status, headers: told }), "url", { value: responseURL }));
    };
    request.open(method, address);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.send(body);
  });
});
