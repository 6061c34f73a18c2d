"""A passkey in Python: makes a key and answers challenges as an authenticator does, rightly or not."""

import hashlib
import json
import os
from types import SimpleNamespace

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from webauthn.helpers import bytes_to_base64url

PRESENT, VERIFIED, ATTESTED = 1, 4, 64


class Authenticator:
    """Holds one key. What it answers is the JSON that a browser's script sends."""

    def __init__(self):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.id, self.count = os.urandom(32), 0

    def data(self, host, flags, count, tail=b""):
        return hashlib.sha256(host.encode()).digest() + bytes([flags]) + count.to_bytes(4, "big") + tail

    def create(self, options, **lies):
        said = told(options["challenge"], "webauthn.create", options["rp"]["id"], lies)
        public = self.key.public_key().public_numbers()
        cose = {1: 2, 3: -7, -1: 1, -2: public.x.to_bytes(32, "big"), -3: public.y.to_bytes(32, "big")}
        tail = bytes(16) + len(self.id).to_bytes(2, "big") + self.id + cbor2.dumps(cose)
        attested = {"fmt": "none", "attStmt": {}, "authData": self.data(said.host, said.flags | ATTESTED, 0, tail)}
        return self.answer(attestationObject=cbor2.dumps(attested), clientDataJSON=said.client)

    def get(self, options, **lies):
        said = told(options["challenge"], "webauthn.get", options["rpId"], lies)
        self.count += 1
        data = self.data(said.host, said.flags, lies.get("count", self.count))
        signed = lies.get("key", self.key).sign(data + hashlib.sha256(said.client).digest(), ec.ECDSA(hashes.SHA256()))
        return self.answer(authenticatorData=data, clientDataJSON=said.client, signature=signed)

    def answer(self, **response):
        id = bytes_to_base64url(self.id)
        written = {name: bytes_to_base64url(value) for name, value in response.items()}
        return json.dumps({"id": id, "rawId": id, "type": "public-key", "response": written})


def told(challenge, kind, host, lies):
    """What is signed: the browser's words, and the flags of the authenticator; `lies` in their place."""
    client = {"type": lies.get("type", kind), "challenge": lies.get("challenge", challenge)}
    client["origin"] = lies.get("origin", "http://localhost")
    flags = lies.get("flags", PRESENT | VERIFIED)
    return SimpleNamespace(client=json.dumps(client).encode(), flags=flags, host=lies.get("host", host))
