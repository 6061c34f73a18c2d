"""A person in front of the portal: signs in by the form, keeps the cookies, asks for pages."""

import re
from http.cookies import SimpleCookie
from urllib.parse import urlencode

from bench import data
from bench.servers import ask

TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


def signed_in_client(app, who=data.EVERYONE):
    """(Flask's own client, signed in, by default as the user who sees everyone, and a token for its forms)."""
    client = app.test_client()
    token = TOKEN.search(client.get("/connexion").get_data(as_text=True))[1]
    form = {"identifiant": who, "mot_de_passe": data.PASSWORD, "csrf_token": token}
    if client.post("/connexion", data=form).status_code != 303:
        raise SystemExit("La connexion n’a pas abouti.")
    return client, TOKEN.search(client.get("/compte", follow_redirects=True).get_data(as_text=True))[1]


class Browser:
    def __init__(self, server):
        self.server, self.cookies = server, {}

    def sign_in(self, identifier, password):
        token = TOKEN.search(self.get("/connexion"))[1]
        form = urlencode({"identifiant": identifier, "mot_de_passe": password, "csrf_token": token})
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        status, headers, _ = ask(self.server.port, "POST", "/connexion", self.headers | kind, form)
        self.keep(headers)
        if status != 303:
            raise SystemExit(f"La connexion a répondu {status}.")
        return self

    def get(self, path, **more):
        status, headers, text = self.server.get(path, self.headers | more)
        self.keep(headers)
        if status != 200:
            raise SystemExit(f"{path} a répondu {status}.")
        return text

    @property
    def headers(self):
        return {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}

    def keep(self, headers):
        for line in headers.get_all("Set-Cookie") or ():
            for name, morsel in SimpleCookie(line).items():
                self.cookies[name] = morsel.value
