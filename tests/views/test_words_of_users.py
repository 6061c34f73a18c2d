"""The words that users have known for years are those of the pages: they look for them, and so do their notes."""

import html
import re

import pytest

from tests import factories

WORDS = {
    "/": ["Suivi des pièces justificatives", "Gestion des affiliations", "Règlement des cotisations"],
    "/affiliations": ["Base_Import_Standard_Fichier_Prefiliation.xlsx"],
    "/justificatifs": [
        "Liste des bénéficiaires pour lesquels la Mutuelle attend la réception d'un justificatif",
    ],
    "/demandes": [
        *("Filtrer les demandes", "État demande", "Toutes demandes", "Demandes lues ?", "Voir toutes les demandes"),
        *("Liste des Demandes", "Faire une demande"),
    ],
    "/reclamations": [
        *("Filtrer les dysfonctionnements", "État dysfonctionnement", "Dysfonctionnements lus ?"),
        "Liste des Dysfonctionnements",
    ],
    "/espace-documentaire": ["Boîtes à outils", "Liste des documents", "racine"],
    "/documents": ["Veuillez choisir un type de document", "Déposez le fichier à télécharger ou cliquez ici"],
}


def words_of(answer):
    """The page with plain spaces and apostrophes, attributes included: some words are for screen readers."""
    plain = html.unescape(answer.get_data(as_text=True)).replace("’", "'")
    return re.sub(r"\s+", " ", plain)


@pytest.mark.parametrize("path", WORDS)
def test_a_page_has_the_words_of_its_users(signed_in, path):
    shown = words_of(signed_in.get(path))
    assert [word for word in WORDS[path] if word not in shown] == []


@pytest.mark.parametrize(
    ("room", "words"),
    [
        ("demandes", ["Évaluez la résolution de la Demande", "Joindre un document à votre Demande"]),
        ("reclamations", ["Évaluez la résolution du Dysfonctionnement", "Joindre un document"]),
    ],
)
def test_a_conversation_has_the_words_of_its_users(signed_in, hr, room, words):
    thread = factories.thread(hr, kind="REQUEST" if room == "demandes" else "COMPLAINT", state="TREATED")
    shown = words_of(signed_in.get(f"/{room}/{thread.public_id}"))
    assert [word for word in (*words, "Historique des échanges", "écrire votre réponse …") if word not in shown] == []
