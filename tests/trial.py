"""Two pages made to try files: one form that sends them, and their answers; the portal's own pages use them alike."""

from flask import Blueprint, flash, redirect, render_template_string, url_for
from wtforms import Form, StringField
from wtforms.validators import InputRequired

from portal.forms.uploads import UploadField
from portal.models import StoredFile, db
from portal.rendering import get_or_404, posted, wants_fragment
from portal.views import files

REGION = """{% from "macros/fields.html" import error_summary, field, hidden_token %}
{% from "macros/swap.html" import swap %}{% from "macros/uploads.html" import upload %}
<section id="trial">{{ error_summary(form) }}
<form method="post" action="/essai" enctype="multipart/form-data" novalidate {{ swap("trial") }}>
{{ hidden_token() }}{{ field(form.nom) }}{{ upload(form.pieces) }}
<button class="btn btn-primary">Envoyer</button></form>
<h2>Déjà envoyés</h2>
<ul>{% for row in rows %}<li><a href="/essai/{{ row.public_id }}">{{ row.file_name }}</a></li>{% endfor %}</ul>
</section>"""
PAGE = (
    """{% extends "pages/layout.html" %}{% block title %}Pièces{% endblock %}{% block main %}<h1>Pièces</h1>"""
    + REGION
    + """<script src="{{ asset("js/uploads.js") }}" defer></script>{% endblock %}"""
)


class Proof(Form):
    nom = StringField("Nom", [InputRequired("Écrivez un nom.")])
    pieces = UploadField("Pièces", multiple=True, missing="Choisissez au moins un fichier.")


class OneProof(Proof):
    pieces = UploadField("Pièce")


trial = Blueprint("trial", __name__, url_prefix="/essai")
shape = {"form": Proof}


def answer(form, status=200):
    rows = StoredFile.select().where(StoredFile.attached_at.is_null(False)).order_by(StoredFile.id)
    fragment = wants_fragment()
    html = render_template_string(REGION if fragment else PAGE, form=form, rows=rows)
    return html + (render_template_string("{% include 'partials/out_of_band.html' %}") if fragment else ""), status


@trial.get("")
def new():
    return answer(shape["form"]())


@trial.post("")
@files.takes_files
def create():
    form = shape["form"](posted())
    files.take_in(form.pieces, account=None)
    if not form.validate():
        return answer(form, 422)
    with db.atomic():
        for row in form.pieces.files:
            row.attach()
    flash("C’est envoyé.", "ok")
    return redirect(url_for("trial.new"), 303)


@trial.get("/<uuid:id>")
def show(id):
    return files.preview(get_or_404(StoredFile.select(), StoredFile.public_id == id))


@trial.post("/<uuid:id>")
def download(id):
    return files.attachment(get_or_404(StoredFile.select(), StoredFile.public_id == id))
