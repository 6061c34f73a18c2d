"""Passkeys (WebAuthn) as the second factor: what a browser is asked, and whether what it answers is right."""

from urllib.parse import urlsplit

from peewee import IntegrityError
from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url, parse_authentication_credential_json
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from portal.models import Passkey, db

VERIFIED = UserVerificationRequirement.REQUIRED  # the holder too: by a finger, a face, a code of the device
WRONG = (WebAuthnException, ValueError, KeyError, TypeError, AttributeError)  # what reading anything at all may raise
LONGEST = 20_000  # signs of an answer


def place(public_url):
    """(relying party, origin): of the portal's own address, whatever address was asked."""
    parts = urlsplit(public_url)
    return parts.hostname, f"{parts.scheme}://{parts.netloc}"


def ask_new(user, session, settings):
    """JSON for the browser to make a key; its challenge (512 bits) is of this session, for one answer."""
    options = generate_registration_options(
        rp_id=place(settings.public_url)[0],
        rp_name=settings.brand_name,
        user_id=user.public_id.bytes,
        user_name=user.identifier,
        user_display_name=user.full_name,
        exclude_credentials=known(user),
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.DISCOURAGED, user_verification=VERIFIED
        ),
    )
    session.challenge_with(bytes_to_base64url(options.challenge))
    return options_to_json(options)


def ask(user, session, settings):
    """JSON for the browser to answer with one of this user's keys."""
    options = generate_authentication_options(
        rp_id=place(settings.public_url)[0], allow_credentials=known(user), user_verification=VERIFIED
    )
    session.challenge_with(bytes_to_base64url(options.challenge))
    return options_to_json(options)


def known(user):
    return [PublicKeyCredentialDescriptor(id=base64url_to_bytes(key.credential_id)) for key in Passkey.of(user)]


def expected(session, settings):
    """What an answer is held against; the challenge is spent, right or wrong. Raises ValueError when there is none."""
    challenge = session.spend_challenge()
    if not challenge:
        raise ValueError("no challenge")
    relying_party, origin = place(settings.public_url)
    return {
        "expected_challenge": base64url_to_bytes(challenge),
        "expected_rp_id": relying_party,
        "expected_origin": origin,
        "require_user_verification": True,
    }


def add(user, session, settings, name, answer, now):
    """The key that was made; None when the answer is not right."""
    try:
        made = verify_registration_response(credential=answer[:LONGEST], **expected(session, settings))
        with db.atomic():
            key = bytes_to_base64url(made.credential_id)
            return Passkey.add(user, name or "Clé d’accès", key, made.credential_public_key, made.sign_count, now)
    except (*WRONG, IntegrityError):
        return None


def is_right(user, session, settings, answer, now):
    """Whether one of this user's keys answered the challenge of this session."""
    try:
        wanted = expected(session, settings)
        read = parse_authentication_credential_json(answer[:LONGEST])
        key = Passkey.of(user).where(Passkey.credential_id == bytes_to_base64url(read.raw_id)).first()
        if key is None:
            return False
        shown = verify_authentication_response(
            credential=read,
            credential_public_key=bytes(key.public_key),
            credential_current_sign_count=key.sign_count,
            **wanted,
        )
    except WRONG:
        return False
    return key.note_use(shown.new_sign_count, now)
