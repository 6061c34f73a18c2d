"""Towns and their postal codes."""

from portal.rules import places


def test_a_town_of_another_code_is_told_in_a_sentence_that_reads_well():
    assert places.town_warning("39600", "Paris") == (
        "Pour le code postal 39600, la commune attendue est Abergement-le-Grand, Arbois, Champagne-sur-Loue, Cramans"
        " ou l’une de 17 autres. Vérifiez le code postal et la commune."
    )
    assert "la commune attendue est Le Havre." in places.town_warning("76600", "Dole")
    assert places.town_warning("39600", "ARBOIS") is None
